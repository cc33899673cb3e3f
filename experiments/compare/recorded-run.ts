// The folder of a run as `compare` reads it: it may be of another time, machine or version, cut or edited since.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { readCsv } from '../../base/files/csv.js';
import { readJson, readJsonIfWhole } from '../../base/files/json.js';
import { readStatus } from '../results/run-status.js';
import { type ResultRow, resultColumns } from '../results/summary.js';

export interface RecordedRun {
  readonly folder: string;
  /** In the order of the file; the first variant is the run's own reference. */
  readonly rows: readonly ResultRow[];
  /** Of system.json: what a result may depend on beside the config. */
  readonly system: Readonly<Record<string, unknown>>;
}

const again = 'Run it again: the command is in command.txt of the folder, and what is finished there is kept.';

const systemSchema = z.looseObject({ version: z.string() });

const named = z.string().min(1);
const whole = z.string().regex(/^\d+$/, 'is no whole number').transform(Number);
const rowSchema = z.object({
  variant: z.string(),
  env: named,
  model: z.string(),
  modelHash: z.string(),
  profile: z.string(),
  profileHash: named,
  kind: z.enum(['simulated', 'measured']),
  weakestSource: z.string(),
  execution: z.enum(['serial', 'overlap']),
  scheduler: named,
  decision: z.enum(['planned', 'online']),
  seed: whole,
  episode: whole,
  metric: named,
  // A metric of an environment may be infinite, or no number.
  value: z
    .string()
    .refine((text) => text.trim() !== '' && (text === 'NaN' || !Number.isNaN(Number(text))), 'is no number')
    .transform(Number),
}) satisfies z.ZodType<ResultRow>;

/** @throws InputError when the folder holds no finished run of this version's format, or a file in it is damaged */
export function readRun(folder: string): RecordedRun {
  const error = (problem: string, remedy: string) => new InputError(`run ${folder}: ${problem}`, remedy);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw error('there is no such folder.', 'Give a folder that `sparoa-gym run` wrote.');
  const status = readStatus(folder);
  if (status?.state === 'running') throw error('is still under way.', 'Wait until it is done.');
  if (status && status.state !== 'done')
    throw error(status.state === 'failed' ? `failed: ${status.error}` : 'was stopped before it was done.', again);
  const path = join(folder, 'results.csv');
  if (!existsSync(path)) {
    const version = readJsonIfWhole(join(folder, 'system.json'), systemSchema)?.version;
    if (version === undefined)
      throw error('is no folder of a run: it has no results.csv.', 'Give a folder that `sparoa-gym run` wrote.');
    throw error(`has no results.csv: version ${version} wrote none, or it was removed.`, again);
  }
  const rows = readCsv(path, resultColumns).map((row, index) => parseRow(row, `${path}:${index + 2}`));
  if (rows.length === 0) throw error('its results.csv holds no row.', again);
  checkRows(rows, path);
  return { folder, rows, system: readJson(join(folder, 'system.json'), systemSchema, again) };
}

function parseRow(row: Readonly<Record<string, string>>, where: string): ResultRow {
  const parsed = rowSchema.safeParse(row);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const column = String(path[0]);
  throw new InputError(`${where}: ${column}: ${message}; it is ${JSON.stringify(row[column])}.`, again);
}

/** @throws InputError when a value stands twice, or a variant's cell has two contents */
function checkRows(rows: readonly ResultRow[], path: string): void {
  const lines = new Map<string, number>();
  const contents = new Map<string, { readonly line: number; readonly content: string }>();
  for (const [index, row] of rows.entries()) {
    const line = index + 2;
    const { variant, env, model, profile, scheduler, seed, episode, metric } = row;
    const cell = [variant, env, model, profile];
    const value = JSON.stringify([...cell, scheduler, seed, episode, metric]);
    const before = lines.get(value);
    if (before !== undefined) throw new InputError(`${path}:${line}: repeats the value of line ${before}.`, again);
    lines.set(value, line);
    const content = JSON.stringify([row.modelHash, row.profileHash, row.kind, row.execution]);
    const known = contents.get(JSON.stringify(cell));
    if (known && known.content !== content)
      throw new InputError(
        `${path}:${line}: the cell's hashes, kind or execution are others than in line ${known.line}.`,
        again,
      );
    if (!known) contents.set(JSON.stringify(cell), { line, content });
  }
}
