// Reads the episodes of a finished job. Missing rows are an error, so that a run's files are never silently incomplete.
import { join } from 'node:path';
import { InputError } from '../../base/errors/input-error.js';
import { readCsv } from '../../base/files/csv.js';
import type { JobResult } from '../job-files.js';
import { type TrajectoryRow, trajectoryColumns } from './trajectories.js';

/**
 * The rows of a job's trajectories.csv: each training episode that did not fail, and those of the final policy.
 * @throws InputError when the file, or `episodes.csv` beside it, lacks rows that the job wrote
 */
export function jobTrajectories(
  directory: string,
  { cells }: Pick<JobResult, 'cells'>,
): Record<keyof TrajectoryRow, string>[] {
  const path = join(directory, 'trajectories.csv');
  const rows = readCsv(path, trajectoryColumns);
  const episodes = readCsv(join(directory, 'episodes.csv'), ['episode', 'step', 'objective']);
  const finals = cells.flatMap((cell) => cell.episodes);
  const expected = finals.length + episodes.filter(({ objective }) => objective !== '').length;
  const whole = episodes.every(({ episode }, at) => Number(episode) === at + 1);
  const last = rows.at(-1);
  const ended = last?.actions === finals.at(-1)?.actions && last?.phase === 'final' && last.kind !== '';
  if (whole && ended && rows.length === expected) return rows;
  throw new InputError(
    `${path}: holds ${rows.length} episodes, not the ${whole ? expected : 'ones'} that the training left${ended ? '' : '; its last is another'}.`,
    `Remove ${join(directory, 'result.json')} and run again: the training goes on from its checkpoint, and writes its files anew.`,
  );
}
