// A model's own measured table, as `device profile` writes it, where a device profile is named: `table:///path/profile.json`.
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { canonicalJson, contentHash } from '../../base/files/hash.js';
import { list, readJson } from '../../base/files/json.js';
import { formatUri } from '../../base/files/uri.js';
import type { Granularity, OperatorGraph } from '../../models/graph.js';
import type { UnitMeasurement } from './unit-times.js';

export interface ProfileTable extends UnitMeasurement {
  /** `table:///path/profile.json` */
  readonly uri: string;
  /** Of all that was measured, and on what. */
  readonly hash: string;
  /** The profiled model's full URI. */
  readonly model: string;
  readonly graphHash: string;
  readonly granularity: Granularity;
  /** `cpu:1+cpu:1` */
  readonly devices: string;
}

const prefix = 'table://';

/** Whether the URI names a table rather than a device profile. */
export const isTableUri = (uri: string): boolean => uri.startsWith(prefix);

/** The name of a file as a table. */
export const tableUri = (path: string): string => formatUri('file', path).replace('file://', prefix);

/** @throws InputError when there is no such file, or it is no table with segments. */
export function loadTable(uri: string): ProfileTable {
  const path = fileURLToPath(`file://${uri.slice(prefix.length)}`);
  const data = readJson(
    path,
    unitMeasurementSchema,
    'Name the profile.json that `sparoa-gym device profile <model>` of this version writes by its absolute path: table:///path/profile.json.',
  );
  return { ...data, uri: tableUri(path), hash: contentHash(canonicalJson(data)) };
}

/**
 * Whether a table is of the units and tensors of a graph.
 * @throws InputError when it names one that the graph does not have
 */
export function checkTable(table: ProfileTable, graph: OperatorGraph): void {
  const check = (what: string, ids: readonly number[], count: number) => {
    const stray = ids.find((id) => id >= count);
    if (stray !== undefined)
      throw new InputError(
        `profile ${table.uri}: ${what} ${stray} is named, but ${table.model} has ${count}.`,
        'Profile the model again: the file was changed or damaged.',
      );
  };
  const { units, kernels, reorders = [], segments, moves } = table;
  const runs = [...kernels, ...reorders, ...segments].flatMap((run) => run.units);
  check('unit', [...units.map(({ unit }) => unit), ...runs], graph.units.length);
  check(
    'tensor',
    moves.map(({ tensor }) => tensor),
    graph.tensors.length,
  );
}

/** The limit keeps every sum of times finite. */
const ms = z.number().min(0).max(1e9);
const fraction = z.number().min(0).max(1);
const spread = { medianMs: ms, lowMs: ms, highMs: ms, samples: z.int().min(1) };
const device = z.union([z.literal(0), z.literal(1)]);
const units = list(z.int().min(0));
const line = z.object({ fixedMs: ms, msPerByte: ms });
const lines = z.tuple([line, line]);

/** What is measured of a model, as `device profile` writes it. */
export const unitMeasurementSchema = z.object({
  model: z.string(),
  graphHash: z.string(),
  granularity: z.enum(['operator', 'fused']),
  devices: z.string().regex(/^[^+]+\+[^+]+$/, 'is not two devices, such as cpu:1+cpu:1'),
  units: list(z.object({ unit: z.int().min(0), device, lane: z.object(spread).nullable() })),
  kernels: list(z.object({ device, units, ms })),
  reorders: list(z.object({ device, units, ms })).optional(),
  moves: list(z.object({ tensor: z.int().min(0), to: device, bytes: z.number().min(0).max(1e15), ...spread })),
  fittedMoves: lines,
  wholeMs: z.tuple([ms.nullable(), ms.nullable()]),
  segments: list(
    z.object({
      device,
      units,
      part: z
        .tuple([fraction, fraction])
        .refine(([from, to]) => from < to, 'a part begins before it ends')
        .nullable(),
      meanMs: ms,
      besideMs: ms,
      ...spread,
    }),
  ),
  handover: z.object({ out: lines, in: lines, noticeMs: ms, wakeMs: ms }).nullable(),
});
