// A model's own measured table, as `profile` writes it, where a device profile is named: `table:///path/profile.json`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { canonicalJson, contentHash } from '../../base/files/hash.js';
import { formatUri } from '../../base/files/uri.js';
import type { Granularity } from '../../models/graph.js';
import type { UnitProfile } from './unit-times.js';

export interface ProfileTable extends UnitProfile {
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
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new InputError(
      `profile ${uri}: ${(error as Error).message}.`,
      'Name the profile.json of `sparoa-gym profile <model>` by its absolute path: table:///path/profile.json.',
    );
  }
  const table = tableSchema.safeParse(parsed(text));
  if (!table.success)
    throw new InputError(
      `profile ${uri}: ${z.prettifyError(table.error).replaceAll('\n', ' ')}`,
      'Give a profile.json as `sparoa-gym profile <model>` of this version writes it.',
    );
  return {
    ...table.data,
    uri: tableUri(path),
    hash: contentHash(canonicalJson(table.data)),
  };
}

/** Undefined, which is no table, where the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The limit keeps every sum of times finite. */
const ms = z.number().min(0).max(1e9);
const fraction = z.number().min(0).max(1);
const spread = { medianMs: ms, lowMs: ms, highMs: ms, samples: z.int().min(1) };
const device = z.union([z.literal(0), z.literal(1)]);
const units = z.array(z.int().min(0));
const line = z.object({ fixedMs: ms, msPerByte: ms });
const lines = z.tuple([line, line]);

const tableSchema = z.object({
  model: z.string(),
  graphHash: z.string(),
  granularity: z.enum(['operator', 'fused']),
  devices: z.string(),
  units: z.array(z.object({ unit: z.int().min(0), device, lane: z.object(spread).nullable() })),
  kernels: z.array(z.object({ device, units, ms })),
  reorders: z.array(z.object({ device, units, ms })).optional(),
  moves: z.array(
    z.object({
      tensor: z.int().min(0),
      to: device,
      bytes: z.number().min(0).max(1e15),
      ...spread,
    }),
  ),
  fittedMoves: lines,
  wholeMs: z.tuple([ms.nullable(), ms.nullable()]),
  segments: z.array(
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
