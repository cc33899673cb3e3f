// Tables and device profiles compared with this machine, one after the other.
import { join, resolve } from 'node:path';
import { InputError } from '../../../base/errors/input-error.js';
import { parseDevicePair } from '../../../engine/runtime/devices/device-pair.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import { isTableUri, loadTable, tableUri } from '../../../predictor/tables/profile-table.js';
import { describeSystem } from '../../results/system.js';
import { profileModel, writeModelMeasurement } from '../profiling.js';
import { compareWithMachine } from './machine-comparison.js';
import { machineFidelity } from './machine-fidelity.js';
import type { MachineReport } from './machine-files.js';
import { type SimulatedModel, simulatedByProfile, simulatedByTable } from './simulated-model.js';

export interface MachineOptions {
  /** Of measured tables and of device profiles. */
  readonly uris: readonly string[];
  /** Models on which this machine measures device profiles; a table has its own. */
  readonly models?: readonly string[] | undefined;
  /** Whether this machine measures the tables again, between its two passes. */
  readonly anew?: boolean | undefined;
  /** Executions of each schedule in each of two passes, 1 or more. */
  readonly rounds: number;
  readonly seed: number;
  /** Folder of tables and figures, and of what is measured anew. */
  readonly out: string;
}

interface Candidate {
  readonly model: LoadedModel;
  readonly simulated: SimulatedModel;
  /** Measures the table again; null where it stays. */
  readonly anew: (() => Promise<SimulatedModel>) | null;
}

/**
 * Compares each table on its own model, and each device profile on each of `models`, with this machine.
 * @throws InputError when a profile has no model, or the devices are not one pair of this machine
 */
export async function machineReport(options: MachineOptions): Promise<MachineReport> {
  const { uris, rounds, seed } = options;
  const date = new Date().toISOString();
  const candidates: Candidate[] = [];
  for (const [index, uri] of uris.entries()) candidates.push(...(await candidatesOf(uri, index, options)));
  const [{ simulated: first }] = candidates as [Candidate];
  const other = candidates.find(({ simulated }) => simulated.devices !== first.devices)?.simulated;
  if (other)
    throw new InputError(
      `fidelity: ${other.scenario.platform.uri} was measured on ${other.devices}, ${first.scenario.platform.uri} on ${first.devices}.`,
      'Give tables of one device pair at a time.',
    );
  const models: MachineReport['models'][number][] = [];
  for (const { model, simulated: given, anew } of candidates) {
    const { simulated, ...comparison } = await compareWithMachine(model, given, { rounds, seed, anew });
    const { simulatedBy, devices, hash } = simulated;
    models.push({ ...machineFidelity({ model: model.uri, devices, hash }, comparison), simulatedBy, ...comparison });
  }
  return { version: 1, date, system: describeSystem(), devices: first.devices, rounds, models };
}

async function candidatesOf(
  uri: string,
  index: number,
  { models = [], anew = false, rounds, out }: MachineOptions,
): Promise<Candidate[]> {
  if (!isTableUri(uri)) {
    if (models.length === 0 || anew) throw new InputError(...profileRule(uri, anew));
    const candidates: Candidate[] = [];
    for (const name of models) {
      const model = await loadModel(name);
      candidates.push({ model, simulated: simulatedByProfile(model, uri), anew: null });
    }
    return candidates;
  }
  const table = loadTable(uri);
  const model = await loadModel(table.model);
  const folder = join(out, 'profiles', String(index));
  const again = async () => simulatedByTable(model, await measuredTable(model, table.devices, rounds, folder));
  return [{ model, simulated: simulatedByTable(model, table), anew: anew ? again : null }];
}

function profileRule(uri: string, anew: boolean): [string, string] {
  return anew
    ? [`fidelity: --anew measures tables, and ${uri} is a device profile.`, 'Leave out --anew.']
    : [
        `fidelity: ${uri} is a device profile, and no model is named on which this machine is to measure it.`,
        'Name one with --models, or give --kit with the archive of a kit.',
      ];
}

async function measuredTable(model: LoadedModel, devices: string, rounds: number, folder: string) {
  const profile = profileModel(model, parseDevicePair(devices), rounds);
  await writeModelMeasurement(folder, model.graph(profile.granularity), profile);
  return loadTable(tableUri(resolve(folder, 'profile.json')));
}
