// Values of a space, and masks of its actions, as bytes. Each part takes a multiple of 4 bytes: a Box is float32, a Discrete
// and a MultiDiscrete are int32, a MultiBinary is bytes; Dict (names sorted) and Tuple are their parts one after the other.

import { Box } from '../gym/spaces/box.js';
import { Dict, Tuple } from '../gym/spaces/composite.js';
import { Discrete, MultiBinary, MultiDiscrete } from '../gym/spaces/discrete.js';
import type { Mask, Space } from '../gym/spaces/space.js';

export interface Codec {
  /** Of a value; a multiple of 4. */
  readonly bytes: number;
  /** Of a mask: a byte for each choice. */
  readonly maskBytes: number;
  /** A value whose arrays are views of `buffer`. @param at a multiple of 4 */
  read(buffer: ArrayBuffer, at: number): unknown;
  write(value: unknown, buffer: ArrayBuffer, at: number): void;
  /** A missing mask, or part of one, allows everything. */
  writeMask(mask: Mask | null | undefined, bytes: Uint8Array, at: number): void;
}

export function codecOf(space: Space<unknown>): Codec {
  if (space instanceof Box) {
    return {
      bytes: 4 * space.flatSize,
      maskBytes: 0,
      read: (buffer, at) => new Float32Array(buffer, at, space.flatSize),
      write: (value, buffer, at) => new Float32Array(buffer, at, space.flatSize).set(value as Float32Array),
      writeMask: () => {},
    };
  }
  if (space instanceof Discrete) {
    return {
      bytes: 4,
      maskBytes: space.n,
      read: (buffer, at) => new Int32Array(buffer, at, 1)[0],
      write: (value, buffer, at) => new Int32Array(buffer, at, 1).fill(value as number),
      writeMask: (mask, bytes, at) => writeFlatMask(mask, bytes, at, space.n, 1),
    };
  }
  if (space instanceof MultiDiscrete) {
    return {
      bytes: 4 * space.counts.length,
      maskBytes: space.flatSize,
      read: (buffer, at) => new Int32Array(buffer, at, space.counts.length),
      write: (value, buffer, at) => new Int32Array(buffer, at, space.counts.length).set(value as Int32Array),
      writeMask: (mask, bytes, at) =>
        space.counts.forEach((count, i) => {
          writeFlatMask((mask as readonly (Mask | null)[] | null)?.[i], bytes, at, count, 1);
          at += count;
        }),
    };
  }
  if (space instanceof MultiBinary) {
    return {
      bytes: 4 * Math.ceil(space.n / 4),
      maskBytes: space.n,
      read: (buffer, at) => new Uint8Array(buffer, at, space.n),
      write: (value, buffer, at) => new Uint8Array(buffer, at, space.n).set(value as Uint8Array),
      writeMask: (mask, bytes, at) => writeFlatMask(mask, bytes, at, space.n, 2),
    };
  }
  if (space instanceof Dict) {
    const parts = joined(space.names.map((name) => space.spaces[name]!));
    const { names } = space;
    return {
      ...parts.sizes,
      read: (buffer, at) => Object.fromEntries(parts.read(buffer, at).map((value, i) => [names[i], value])),
      write: (value, buffer, at) =>
        parts.write(
          names.map((name) => (value as Record<string, unknown>)[name]),
          buffer,
          at,
        ),
      writeMask: (mask, bytes, at) =>
        parts.writeMask(
          names.map((name) => (mask as Record<string, Mask> | null)?.[name]),
          bytes,
          at,
        ),
    };
  }
  if (space instanceof Tuple) {
    const parts = joined(space.spaces);
    return {
      ...parts.sizes,
      read: parts.read,
      write: (value, buffer, at) => parts.write(value as readonly unknown[], buffer, at),
      writeMask: (mask, bytes, at) => parts.writeMask((mask ?? []) as readonly Mask[], bytes, at),
    };
  }
  throw new Error(`no encoding for ${space}`);
}

function joined(spaces: readonly Space<unknown>[]) {
  const codecs = spaces.map(codecOf);
  const sum = (size: (codec: Codec) => number) => codecs.reduce((total, codec) => total + size(codec), 0);
  return {
    sizes: { bytes: sum(({ bytes }) => bytes), maskBytes: sum(({ maskBytes }) => maskBytes) },
    read(buffer: ArrayBuffer, at: number): unknown[] {
      return codecs.map((codec) => codec.read(buffer, (at += codec.bytes) - codec.bytes));
    },
    write(values: readonly unknown[], buffer: ArrayBuffer, at: number): void {
      codecs.forEach((codec, i) => {
        codec.write(values[i], buffer, at);
        at += codec.bytes;
      });
    },
    writeMask(masks: readonly (Mask | null | undefined)[], bytes: Uint8Array, at: number): void {
      codecs.forEach((codec, i) => {
        codec.writeMask(masks[i], bytes, at);
        at += codec.maskBytes;
      });
    },
  };
}

function writeFlatMask(mask: Mask | null | undefined, bytes: Uint8Array, at: number, size: number, all: number): void {
  if (mask) bytes.set(mask as Uint8Array, at);
  else bytes.fill(all, at, at + size);
}
