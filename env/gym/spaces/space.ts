// A space is a set of values with a type, a shape and bounds. After Gymnasium 1.x (gymnasium/spaces), but a space holds no
// random generator: `sample` takes one.
import { InputError } from '../../../base/errors/input-error.js';
import type { Rng } from '../../../base/random/rng.js';
import type { SpaceJson } from './json.js';

/** Which values may be drawn; each space says what its masks look like, a missing part allows everything. */
export type Mask = Uint8Array | readonly (Mask | null)[] | { readonly [key: string]: Mask | null };

/** Inclusive, per element. */
export interface Bounds {
  readonly low: Float32Array;
  readonly high: Float32Array;
}

export interface Space<T> {
  /** Of arrays; empty where a value is no array. */
  readonly shape: readonly number[];
  /** Elements of a flattened value. */
  readonly flatSize: number;
  /**
   * A value drawn from `stream`, among those that `mask` allows.
   * @throws InputError when the mask does not fit the space or allows nothing
   */
  sample(rng: Rng, mask?: Mask | null): T;
  /** Whether `value` has the space's type and shape and lies within its bounds. */
  contains(value: unknown): value is T;
  /** Why `value` is not in the space, as the end of a sentence about it; null when it is. */
  problem(value: unknown): string | null;
  /** The value as one vector: numbers as they are, choices one-hot, parts one after the other. */
  flatten(value: T): Float32Array;
  /** The value that `flatten` made `flat` of. */
  unflatten(flat: Float32Array): T;
  /** The bounds of flattened values. */
  flatBounds(): Bounds;
  /** Survives `JSON.stringify`; `spaceFromJson` makes the space of it again. */
  toJSON(): SpaceJson;
  /** As errors name it: `Box([-1, 1], [4])`. */
  toString(): string;
}

/** A value as error messages show it: its type and its first elements. */
export function describeValue(value: unknown): string {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const elements = value as unknown as ArrayLike<number>;
    const shown = Array.from({ length: Math.min(6, elements.length) }, (_, i) => elements[i]).join(', ');
    return `${value.constructor.name} [${shown}${elements.length > 6 ? `, ... ${elements.length} in all` : ''}]`;
  }
  if (typeof value === 'number' || value === undefined || typeof value === 'function') return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** @throws InputError unless the mask is a Uint8Array of `length` elements up to `most`. */
export function checkMask(space: string, mask: Mask | null | undefined, length: number, most = 1): Uint8Array | null {
  if (mask === null || mask === undefined) return null;
  if (mask instanceof Uint8Array && mask.length === length && mask.every((x) => x <= most)) return mask;
  throw new InputError(
    `${space}: the mask ${describeValue(mask)} does not fit.`,
    `Give a Uint8Array of ${length} elements between 0 and ${most}.`,
  );
}

/** Index drawn uniformly among the `count` elements from `offset` that the mask allows. */
export function sampleIndex(space: string, rng: Rng, count: number, mask: Uint8Array | null): number {
  if (mask === null) return rng.integer(count);
  let allowed = 0;
  for (let i = 0; i < count; i++) allowed += mask[i]!;
  if (allowed === 0) throw new InputError(`${space}: the mask allows no value.`, 'Allow at least one.');
  let left = rng.integer(allowed);
  for (let i = 0; ; i++) if (mask[i] === 1 && left-- === 0) return i;
}

/** @throws InputError unless `flat` has `size` elements. */
export function checkFlat(space: string, flat: Float32Array, size: number): void {
  if (flat instanceof Float32Array && flat.length === size) return;
  throw new InputError(
    `${space}: ${describeValue(flat)} is no flattened value.`,
    `Give a Float32Array of ${size} elements.`,
  );
}
