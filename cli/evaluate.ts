// `sparoa-gym evaluate`: a trained policy's deterministic rollout, on its own or another model and platform.
import type { Command } from 'commander';
import { textTable } from '../base/text/table.js';
import { type ExecutorName, platformUri } from '../engine/platform.js';
import { parseHardwareUri } from '../engine/runtime/hardware.js';
import {
  type CellEnsemble,
  ensembleCaution,
  ensembleCells,
  ensembleHeader,
  headroomSentence,
} from '../experiments/atlas/ensemble-schedules.js';
import { type Evaluation, evaluateTraining } from '../experiments/evaluation.js';
import { readJob } from '../experiments/job-files.js';
import {
  collect,
  count,
  inputOptions,
  type ModelFlags,
  modelUris,
  platformOptions,
  printJson,
  provenance,
} from './options.js';
import { superviseHere } from './supervise.js';

interface EvaluateFlags extends ModelFlags {
  readonly model?: readonly string[];
  readonly profile?: string;
  readonly executor?: ExecutorName;
  readonly devices?: string;
  readonly measurements: number;
  readonly ensemble?: number;
  readonly json?: boolean;
}

export function evaluateCommand(program: Command): void {
  const command = program
    .command('evaluate <training>')
    .description('evaluate the policy in a training folder, on its own or other models, another profile or devices')
    .option('--model <uri>', "model URI or path (repeatable; default: the training's)", collect);
  platformOptions(inputOptions(command), "the training's")
    .option('--measurements <n>', 'on devices: executions of each schedule, in turn', count, 20)
    .option(
      '--ensemble <members>',
      "execute the schedules by so many draws of the profile's uncertain numbers too",
      count,
    )
    .option('--json', 'print the result as JSON')
    .action(async (training: string, flags: EvaluateFlags) => {
      const { executor, profile, devices, model, measurements, ensemble } = flags;
      const given = executor || profile || devices ? platformUri({ executor, profile, devices }) : undefined;
      const platforms = given ? [given] : readJob(training).evaluate.map(({ platform }) => platform);
      if (platforms.some(parseHardwareUri) && (await superviseHere(training))) return;
      const models = model && (await modelUris(model, flags));
      const results = await evaluateTraining({ training, models, platform: given, measurements, ensemble });
      if (flags.json) printJson(results.length === 1 ? results[0] : results);
      else process.stdout.write(results.map(summary).join('\n'));
    });
}

function summary(result: Evaluation): string {
  const { kind, objective, value, low, high, measurements, baselines } = result;
  const captured =
    result.capturedHeadroom === null ? 'undefined (headroom < 2 %)' : `${(100 * result.capturedHeadroom).toFixed(1)} %`;
  const measured = kind === 'measured';
  const interval =
    low === null ? '' : ` [${low.toFixed(4)}, ${high!.toFixed(4)}]${measured ? `, median of ${measurements}` : ''}`;
  const name = objective.replace(/Ms$/, '');
  return [
    `model     ${result.model}`,
    `profile   ${result.profile} (${result.profileHash})`,
    `${name.padEnd(9)} ${value.toFixed(4)} ms${interval}, ${provenance(result)}; ${result.gapPercent.toFixed(2)} % over the ${result.gapTo}; captured headroom ${captured}`,
    ...Object.entries(baselines).map(
      ([each, ms]) => `${each.padEnd(9)} ${ms.toFixed(4)} ms${measured ? ', measured' : ''}`,
    ),
    ...(result.ensemble ? ensembleLines(result.ensemble) : []),
    ...(measured && 'optimum' in baselines
      ? ['optimum: of the measured costs of units and moves, not proven on the machine']
      : []),
    '',
  ].join('\n');
}

function ensembleLines({ rows, headroom }: CellEnsemble): string[] {
  return [
    '',
    textTable(ensembleHeader, rows.map(ensembleCells)),
    `${headroomSentence(headroom)}. ${ensembleCaution(headroom.row.members)}`,
  ];
}
