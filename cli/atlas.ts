// `sparoa-gym atlas`: where can a hybrid schedule win at all?
import { join } from 'node:path';
import type { Command } from 'commander';
import { writeCsv } from '../base/files/csv.js';
import { atlas, chosenBy, sourcedBatches } from '../experiments/atlas/atlas.js';
import { writeEnsembles } from '../experiments/atlas/ensemble-files.js';
import { headroomSentence } from '../experiments/atlas/ensemble-schedules.js';
import { writeAtlasFigures } from '../experiments/report/presentation.js';
import { atlasColumns } from '../experiments/results/rows.js';
import {
  inputOptions,
  type ModelFlags,
  modelOptions,
  positiveInteger,
  positiveIntegers,
  printJson,
} from './options.js';

interface AtlasFlags extends ModelFlags {
  readonly profile: string;
  readonly batches: readonly number[];
  readonly out: string;
  readonly sweep: boolean;
  readonly ensemble?: number;
  readonly json?: boolean;
}

export function atlasCommand(program: Command): void {
  const command = program
    .command('atlas <model>')
    .description(
      'headroom (optimum against the better single device) over launch and transfer cost, batch and power mode',
    )
    .option('--profile <uri>', 'device profile; axes that it leaves open are explored', 'profile://jetson-agx-orin')
    .option('--batches <list>', 'batch sizes', positiveIntegers, [...sourcedBatches]);
  inputOptions(command)
    .option('--no-sweep', 'leave out the sweep over assumed launch and transfer costs')
    .option(
      '--ensemble <members>',
      'draw uncertain numbers that often for each sourced cell: ensemble.csv, and a tornado of the largest',
      positiveInteger,
    )
    .option('--out <folder>', 'where atlas.csv and the heat map go', 'results/atlas')
    .option('--json', 'print the rows as JSON')
    .action(async (model: string, flags: AtlasFlags) => {
      const { profile, batches, sweep, out } = flags;
      const rows = await atlas({ model, modelOptions: modelOptions(flags), profile, batches, sweep });
      writeCsv(join(out, 'atlas.csv'), atlasColumns, rows);
      await writeAtlasFigures(out, rows, []);
      const best = chosenBy('largest-headroom', rows);
      const roomiest = chosenBy('largest-room', rows);
      const ensembles = flags.ensemble
        ? await writeEnsembles(out, rows, best, flags.ensemble, modelOptions(flags))
        : [];
      if (flags.json) {
        printJson(flags.ensemble ? { rows, ensembles } : rows);
        return;
      }
      const line = best
        ? `largest headroom among the sourced cells: ${best.headroomPercent.toFixed(1)} % (batch ${best.batch}, ${best.profile})`
        : 'no cell is sourced';
      const room = roomiest
        ? `\nlargest room: the best cheap baseline, ${roomiest.bestBaseline}, is ${roomiest.roomPercent.toFixed(1)} % over the optimum (batch ${roomiest.batch}, ${roomiest.profile})`
        : '';
      process.stdout.write(
        `${rows.length} cells, simulated; ${line}${room}\n${join(out, 'atlas.csv')}, ${join(out, 'atlas.svg')}\n`,
      );
      for (const one of ensembles)
        process.stdout.write(`${one.row.profile}, batch ${one.row.batch}: ${headroomSentence(one)}\n`);
    });
}
