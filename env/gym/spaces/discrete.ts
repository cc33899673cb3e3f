// Choices: one of n, several of them, and yes or no several times. As Gymnasium's Discrete, MultiDiscrete, MultiBinary.
import { InputError } from '../../../base/errors/input-error.js';
import type { Rng } from '../../../base/random/rng.js';
import type { SpaceJson } from './json.js';
import { type Bounds, checkFlat, checkMask, describeValue, type Mask, type Space, sampleIndex } from './space.js';

/** Whole numbers start ... start + n - 1. A mask has one element each, 1 where it may be drawn. */
export class Discrete implements Space<number> {
  readonly shape: readonly number[] = [];
  readonly flatSize: number;

  /** @throws InputError when n is not a positive whole number */
  constructor(
    readonly n: number,
    readonly start = 0,
  ) {
    checkCount('Discrete', n);
    this.flatSize = n;
  }

  sample(rng: Rng, mask?: Mask | null): number {
    return this.start + sampleIndex(`${this}`, rng, this.n, checkMask(`${this}`, mask, this.n));
  }

  contains(value: unknown): value is number {
    return this.problem(value) === null;
  }

  problem(value: unknown): string | null {
    if (typeof value !== 'number' || !Number.isInteger(value)) return `is ${describeValue(value)}, not a whole number`;
    const last = this.start + this.n - 1;
    return value >= this.start && value <= last ? null : `is ${value}, outside ${this.start} ... ${last}`;
  }

  flatten(value: number): Float32Array {
    const flat = new Float32Array(this.n);
    flat[value - this.start] = 1;
    return flat;
  }

  unflatten(flat: Float32Array): number {
    checkFlat(`${this}`, flat, this.n);
    return this.start + oneHotIndex(`${this}`, flat);
  }

  flatBounds(): Bounds {
    return zeroToOne(this.n);
  }

  toJSON(): SpaceJson {
    return { type: 'Discrete', n: this.n, start: this.start };
  }

  toString(): string {
    return this.start === 0 ? `Discrete(${this.n})` : `Discrete(${this.n}, start ${this.start})`;
  }
}

/** An `Int32Array` whose element i is in 0 ... counts[i] - 1. A mask is one list: for each element, that of its choices. */
export class MultiDiscrete implements Space<Int32Array> {
  readonly shape: readonly number[];
  readonly flatSize: number;

  /** @throws InputError when a count is not a positive whole number */
  constructor(readonly counts: readonly number[]) {
    for (const count of counts) checkCount('MultiDiscrete', count);
    this.shape = [counts.length];
    this.flatSize = counts.reduce((sum, count) => sum + count, 0);
  }

  sample(rng: Rng, mask?: Mask | null): Int32Array {
    if (mask && (!Array.isArray(mask) || mask.length !== this.counts.length)) {
      throw new InputError(
        `${this}: the mask ${describeValue(mask)} does not fit.`,
        `Give a list of ${this.counts.length} masks.`,
      );
    }
    const masks = mask as readonly (Mask | null)[] | null | undefined;
    return Int32Array.from(this.counts, (count, i) =>
      sampleIndex(`${this}`, rng, count, checkMask(`${this}, element ${i}`, masks?.[i], count)),
    );
  }

  contains(value: unknown): value is Int32Array {
    return this.problem(value) === null;
  }

  problem(value: unknown): string | null {
    if (!(value instanceof Int32Array)) return `is ${describeValue(value)}, not an Int32Array`;
    if (value.length !== this.counts.length) return `has ${value.length} elements, not ${this.counts.length}`;
    for (let i = 0; i < value.length; i++) {
      const count = this.counts[i]!;
      if (value[i]! < 0 || value[i]! >= count) return `has element ${i} = ${value[i]}, outside 0 ... ${count - 1}`;
    }
    return null;
  }

  flatten(value: Int32Array): Float32Array {
    const flat = new Float32Array(this.flatSize);
    let at = 0;
    this.counts.forEach((count, i) => {
      flat[at + value[i]!] = 1;
      at += count;
    });
    return flat;
  }

  unflatten(flat: Float32Array): Int32Array {
    checkFlat(`${this}`, flat, this.flatSize);
    let at = 0;
    return Int32Array.from(this.counts, (count) => oneHotIndex(`${this}`, flat.subarray(at, (at += count))));
  }

  flatBounds(): Bounds {
    return zeroToOne(this.flatSize);
  }

  toJSON(): SpaceJson {
    return { type: 'MultiDiscrete', counts: this.counts };
  }

  toString(): string {
    return `MultiDiscrete([${this.counts}])`;
  }
}

/** A `Uint8Array` of n zeros and ones. A mask has n elements: 0 and 1 fix theirs, 2 leaves it to chance (as Gymnasium). */
export class MultiBinary implements Space<Uint8Array> {
  readonly shape: readonly number[];
  readonly flatSize: number;

  /** @throws InputError when n is not a positive whole number */
  constructor(readonly n: number) {
    checkCount('MultiBinary', n);
    this.shape = [n];
    this.flatSize = n;
  }

  sample(rng: Rng, mask?: Mask | null): Uint8Array {
    const given = checkMask(`${this}`, mask, this.n, 2);
    return Uint8Array.from({ length: this.n }, (_, i) => {
      const drawn = rng.integer(2);
      return given && given[i]! < 2 ? given[i]! : drawn;
    });
  }

  contains(value: unknown): value is Uint8Array {
    return this.problem(value) === null;
  }

  problem(value: unknown): string | null {
    if (!(value instanceof Uint8Array)) return `is ${describeValue(value)}, not a Uint8Array`;
    if (value.length !== this.n) return `has ${value.length} elements, not ${this.n}`;
    const bad = value.findIndex((x) => x > 1);
    return bad < 0 ? null : `has element ${bad} = ${value[bad]}, neither 0 nor 1`;
  }

  flatten(value: Uint8Array): Float32Array {
    return Float32Array.from(value);
  }

  unflatten(flat: Float32Array): Uint8Array {
    checkFlat(`${this}`, flat, this.n);
    return Uint8Array.from(flat);
  }

  flatBounds(): Bounds {
    return zeroToOne(this.n);
  }

  toJSON(): SpaceJson {
    return { type: 'MultiBinary', n: this.n };
  }

  toString(): string {
    return `MultiBinary(${this.n})`;
  }
}

function zeroToOne(size: number): Bounds {
  return { low: new Float32Array(size), high: new Float32Array(size).fill(1) };
}

function checkCount(space: string, n: number): void {
  if (Number.isInteger(n) && n > 0) return;
  throw new InputError(`${space}: there cannot be ${n} choices.`, 'Give a positive whole number.');
}

/** Where the one is. */
function oneHotIndex(space: string, flat: Float32Array): number {
  const index = flat.indexOf(1);
  if (index >= 0 && flat.lastIndexOf(1) === index) return index;
  throw new InputError(`${space}: ${describeValue(flat)} is not one-hot.`, 'Give a vector that flatten() made.');
}
