// A checkpoint as one file: eight bytes with the length of a JSON header, the header, then the arrays end to end, raw
// little-endian float32 (the layout of safetensors, with our own header).
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { InputError } from '../base/errors/input-error.js';
import { writeFileAtomic } from '../base/files/atomic.js';
import type { Checkpoint } from './agent.js';

const FORMAT = 'sparoa-gym-checkpoint';

const headerSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(1),
  meta: z.unknown(),
  /** Offset and length of each array, in elements. */
  arrays: z.record(z.string(), z.object({ offset: z.int().nonnegative(), length: z.int().nonnegative() })),
});

/** Writes `checkpoint` to `path`, atomically. */
export function writeCheckpoint(path: string, checkpoint: Checkpoint): void {
  const arrays: z.infer<typeof headerSchema>['arrays'] = {};
  let offset = 0;
  for (const [name, { length }] of Object.entries(checkpoint.arrays)) {
    arrays[name] = { offset, length };
    offset += length;
  }
  const header = Buffer.from(JSON.stringify({ format: FORMAT, version: 1, meta: checkpoint.meta, arrays }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const bodies = Object.values(checkpoint.arrays).map((array) =>
    Buffer.from(array.buffer, array.byteOffset, array.byteLength),
  );
  writeFileAtomic(path, Buffer.concat([length, header, ...bodies]));
}

/**
 * Reads what `writeCheckpoint` wrote.
 * @throws InputError when the file is no checkpoint, or is cut short.
 */
export function readCheckpoint(path: string): Checkpoint {
  const bytes = readFileSync(path);
  const broken = (why: string) =>
    new InputError(`checkpoints: ${path} ${why}.`, 'Point to a checkpoint that this version of SparOA Gym wrote.');
  if (bytes.length < 8) throw broken('is too short for a checkpoint');
  const bodyStart = 8 + Number(bytes.readBigUInt64LE());
  if (bodyStart > bytes.length) throw broken('is no checkpoint, or is cut short');
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8', 8, bodyStart));
  } catch {
    throw broken('has no readable header');
  }
  const header = headerSchema.safeParse(json);
  if (!header.success) throw broken(`has an unknown header: ${z.prettifyError(header.error)}`);
  const arrays: Record<string, Float32Array> = {};
  for (const [name, { offset, length }] of Object.entries(header.data.arrays)) {
    const begin = bodyStart + 4 * offset;
    if (begin + 4 * length > bytes.length) throw broken(`ends before its array "${name}" does`);
    arrays[name] = new Float32Array(Uint8Array.from(bytes.subarray(begin, begin + 4 * length)).buffer);
  }
  return { meta: header.data.meta, arrays };
}
