// A checkpoint as one file: eight bytes with the length of a JSON header, the header, the arrays end to end, raw little-endian
// float32 (the layout of safetensors, with our own header), and the SHA-256 of all that. Files of version 1 end with the arrays.
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { InputError } from '../base/errors/input-error.js';
import { writeFileAtomic } from '../base/files/atomic.js';
import { readLimited } from '../base/files/limits.js';
import type { Checkpoint } from './agent.js';

const FORMAT = 'sparoa-gym-checkpoint';
const VERSION = 2;
const CHECKSUM_BYTES = 32;

const headerSchema = z.object({
  format: z.literal(FORMAT),
  version: z.int(),
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
  const header = Buffer.from(JSON.stringify({ format: FORMAT, version: VERSION, meta: checkpoint.meta, arrays }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const bodies = Object.values(checkpoint.arrays).map((array) =>
    Buffer.from(array.buffer, array.byteOffset, array.byteLength),
  );
  const content = Buffer.concat([length, header, ...bodies]);
  writeFileAtomic(path, Buffer.concat([content, checksum(content)]));
}

/**
 * Reads what `writeCheckpoint` wrote, in this version or an earlier one.
 * @throws InputError when the file is no checkpoint, of a later version, cut short or changed.
 */
export function readCheckpoint(path: string): Checkpoint {
  const bytes = readLimited(path, Number.POSITIVE_INFINITY);
  const broken = (why: string) =>
    new InputError(
      `checkpoints: ${path} ${why}.`,
      'Put a whole copy back, or remove the file and train from the beginning.',
    );
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
  if (!header.success) throw broken(`has an unknown header: ${z.prettifyError(header.error).replaceAll('\n', ' ')}`);
  const { version, meta } = header.data;
  if (version < 1 || version > VERSION)
    throw new InputError(
      `checkpoints: ${path} is of version ${version}, but this SparOA Gym reads versions 1 to ${VERSION}.`,
      'Continue with the SparOA Gym that wrote it, or remove the file and train from the beginning.',
    );
  const places = Object.entries(header.data.arrays);
  const elements = places.reduce((sum, [, { length }]) => sum + length, 0);
  const end = bodyStart + 4 * elements;
  if (bytes.length !== end + (version === 1 ? 0 : CHECKSUM_BYTES))
    throw broken(`has ${bytes.length - bodyStart} bytes after its header, which says ${end - bodyStart} of arrays`);
  if (version > 1 && !checksum(bytes.subarray(0, end)).equals(bytes.subarray(end)))
    throw broken('was changed or damaged: its checksum is wrong');
  const arrays: Record<string, Float32Array> = {};
  for (const [name, { offset, length }] of places) {
    const begin = bodyStart + 4 * offset;
    if (begin + 4 * length > end) throw broken(`ends before its array "${name}" does`);
    arrays[name] = new Float32Array(Uint8Array.from(bytes.subarray(begin, begin + 4 * length)).buffer);
  }
  return { meta, arrays };
}

const checksum = (content: Uint8Array): Buffer => createHash('sha256').update(content).digest();
