// Checks a trajectories.csv: simulated episodes are replayed and must give the same numbers; measured ones are checked except
// for their latency, which varies from run to run.
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../base/errors/input-error.js';
import { readCsv } from '../base/files/csv.js';
import { readJsonIfWhole } from '../base/files/json.js';
import { parseHardwareUri } from '../engine/runtime/hardware.js';
import { trajectoryColumns } from './results/trajectories.js';
import { keptBy, taskIds, taskNamed } from './tasks/registry.js';

export interface Validation {
  readonly rows: number;
  /** Number of measured rows: their schedules and returns were checked, but not their latencies. */
  readonly measured: number;
  /** One sentence per faulty row. */
  readonly failures: readonly string[];
}

/**
 * Checks every row of a trajectories.csv. Simulated ones are replayed; return and latency must be equal exactly.
 * @throws InputError when the file cannot be read, or a row names an environment that cannot be replayed.
 */
export async function validateTrajectories(path: string): Promise<Validation> {
  const rows = readCsv(path, trajectoryColumns);
  if (rows.length === 0) throw new InputError(`${path}: holds no episode.`, 'Give the trajectories.csv of a run.');
  const checkOf = keptBy((id: string) => taskNamed(id).checker());
  const failures: string[] = [];
  let measured = 0;
  for (const [index, row] of rows.entries()) {
    // The header is line 1.
    const where = `${path}:${index + 2}`;
    if (!taskIds().includes(row.env))
      throw new InputError(
        `${where}: environment "${row.env}" cannot be replayed.`,
        `Known: ${taskIds().join(', ')}. Name the plug-in of another with --plugin.`,
      );
    if (parseHardwareUri(row.profile)) measured += 1;
    const failure = await checkOf(row.env, row.env)(row, where);
    if (failure) failures.push(`${where}: ${failure}`);
  }
  const by = failures.length > 0 ? recordedBy(path) : '';
  return { rows: rows.length, measured, failures: failures.map((failure) => failure + by) };
}

/** Which version a run was recorded with, where the file that says so lies beside its trajectories. */
function recordedBy(path: string): string {
  const system = readJsonIfWhole(join(dirname(path), 'system.json'), z.looseObject({ version: z.string() }));
  return system ? ` (recorded with SparOA Gym ${system.version})` : '';
}
