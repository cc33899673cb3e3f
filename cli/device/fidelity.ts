// `sparoa-gym device fidelity`: how well simulated latencies agree with measured ones, by this machine or by published data.
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../../base/errors/input-error.js';
import { parseDevicePair } from '../../engine/runtime/devices/device-pair.js';
import { type Judged, judgedProfile, judgedTable } from '../../experiments/characterisation/fidelity/judged.js';
import {
  kitFidelity,
  kitMarkdown,
  writeKitFidelity,
} from '../../experiments/characterisation/fidelity/kit-fidelity.js';
import { machineFidelity } from '../../experiments/characterisation/fidelity/machine-fidelity.js';
import {
  type MachineReport,
  machineMarkdown,
  writeMachineFidelity,
} from '../../experiments/characterisation/fidelity/machine-files.js';
import { judgeByMachine } from '../../experiments/characterisation/fidelity/machine-judge.js';
import {
  fidelityMarkdown,
  writePredictorFidelity,
} from '../../experiments/characterisation/fidelity/predictor-tables.js';
import { readKit } from '../../experiments/characterisation/kit/read.js';
import { profileModel, writeModelMeasurement } from '../../experiments/characterisation/profiling.js';
import { describeSystem } from '../../experiments/results/system.js';
import { type LoadedModel, loadModel } from '../../models/load.js';
import { isTableUri, loadTable, tableUri } from '../../predictor/tables/profile-table.js';
import { collect, count, nonNegativeInteger, printJson } from '../options.js';

interface FidelityFlags {
  readonly data?: string;
  readonly judge?: string;
  readonly models?: readonly string[];
  readonly anew?: boolean;
  readonly rounds: number;
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

export function fidelityCommand(program: Command): void {
  program
    .command('fidelity [profiles...]')
    .description(
      'judge simulated latencies: tables (table:///path/profile.json), and device profiles on --models, by this machine or by the archive of a board kit; predictors by --data',
    )
    .option('--judge <archive>', 'judge by what a kit measured on its board, in place of this machine')
    .option('--data <folder>', 'judge the predictors by public measurements instead (docs/predictors.md)')
    .option(
      '--models <model>',
      'judge device profiles, which `device calibrate` has written here, by this machine on this model (repeatable)',
      collect,
    )
    .option('--anew', 'measure the tables anew, between the two passes: for machines whose pace drifts')
    .option('--rounds <n>', 'times that each schedule is executed in each of two passes', count, 10)
    .option('--seed <number>', 'seed of the schedules', nonNegativeInteger, 0)
    .option('--out <folder>', 'where tables and figures go', join('results', 'fidelity'))
    .option('--json', 'print as JSON')
    .action(async (uris: readonly string[], flags: FidelityFlags) => {
      // First: a damaged archive is worth knowing of, whatever else is missing.
      const kit = flags.judge === undefined ? null : readKit(flags.judge);
      if ((flags.data === undefined) === (uris.length === 0))
        throw new InputError(
          uris.length === 0 ? 'fidelity: nothing to judge.' : 'fidelity: tables and --data were given.',
          'Give tables that `sparoa-gym device profile` has written, profiles with --models or with --judge and the archive of a kit, or --data with the public measurements.',
        );
      if (flags.data !== undefined && flags.judge !== undefined)
        throw new InputError('fidelity: --judge and --data were given.', 'Choose one judge.');
      if (flags.models && ((flags.judge ?? flags.data) !== undefined || uris.every(isTableUri)))
        throw new InputError(
          'fidelity: --models names models for device profiles that this machine judges, and there are none.',
          'Leave out --models: a table is of its own model, and other judges have theirs.',
        );
      if (flags.anew && (flags.judge ?? flags.data) !== undefined)
        throw new InputError(
          'fidelity: --anew measures this machine, and another judge was given.',
          'Leave out --anew, or --judge and --data.',
        );
      if (kit) {
        const report = kitFidelity(kit, uris);
        const { paths } = await writeKitFidelity(flags.out, report);
        if (flags.json) printJson(report);
        else process.stdout.write(kitMarkdown(report));
        process.stderr.write(`${paths.join(', ')}\n`);
        return;
      }
      if (flags.data !== undefined) {
        const { rows, figure } = await writePredictorFidelity(flags.data, flags.out);
        if (flags.json) printJson(rows);
        else process.stdout.write(fidelityMarkdown(rows));
        process.stderr.write(`${figure.paths.join(', ')}\n`);
        return;
      }
      const report = await judge(uris, flags);
      const { paths } = await writeMachineFidelity(flags.out, report);
      if (flags.json) printJson(report);
      else process.stdout.write(machineMarkdown(report));
      process.stderr.write(`${paths.join(', ')}\n`);
    });
}

async function judge(uris: readonly string[], flags: FidelityFlags): Promise<MachineReport> {
  const { models: names = [], rounds, seed, anew, out } = flags;
  const date = new Date().toISOString();
  const given: { model: LoadedModel; judged: Judged; anew: (() => Promise<Judged>) | null }[] = [];
  for (const [index, uri] of uris.entries()) {
    if (!isTableUri(uri)) {
      if (names.length === 0 || anew) throw new InputError(...profileRule(uri, anew === true));
      for (const name of names) {
        const model = await loadModel(name);
        given.push({ model, judged: judgedProfile(model, uri), anew: null });
      }
      continue;
    }
    const table = loadTable(uri);
    const model = await loadModel(table.model);
    const folder = join(out, 'profiles', String(index));
    const again = async () => judgedTable(model, await profileTable(model, table.devices, rounds, folder));
    given.push({ model, judged: judgedTable(model, table), anew: anew ? again : null });
  }
  const [first] = given as [(typeof given)[number]];
  const other = given.find(({ judged }) => judged.devices !== first.judged.devices);
  if (other)
    throw new InputError(
      `fidelity: ${other.judged.scenario.platform.uri} was measured on ${other.judged.devices}, ${first.judged.scenario.platform.uri} on ${first.judged.devices}.`,
      'Give tables of one device pair at a time.',
    );
  const models: MachineReport['models'][number][] = [];
  for (const { model, judged: before, anew: again } of given) {
    const { judged, ...judgement } = await judgeByMachine(model, before, { rounds, seed, anew: again });
    const { simulatedBy, devices, hash } = judged;
    models.push({ ...machineFidelity({ model: model.uri, devices, hash }, judgement), simulatedBy, ...judgement });
  }
  return { version: 1, date, system: describeSystem(), devices: first.judged.devices, rounds, models };
}

function profileRule(uri: string, anew: boolean): [string, string] {
  return anew
    ? [`fidelity: --anew measures tables, and ${uri} is a device profile.`, 'Leave out --anew.']
    : [
        `fidelity: ${uri} is a device profile, and no model is named that this machine is to judge it on.`,
        'Name one with --models, or give --judge with the archive of a kit.',
      ];
}

async function profileTable(model: LoadedModel, devices: string, rounds: number, folder: string) {
  const profile = profileModel(model, parseDevicePair(devices), rounds);
  await writeModelMeasurement(folder, model.graph(profile.granularity), profile);
  return loadTable(tableUri(resolve(folder, 'profile.json')));
}
