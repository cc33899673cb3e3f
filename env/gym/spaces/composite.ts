// Spaces made of spaces: records by name and tuples by position. As Gymnasium's Dict and Tuple.
import { InputError } from '../../../base/errors/input-error.js';
import { own } from '../../../base/functions/own.js';
import type { Rng } from '../../../base/random/rng.js';
import type { SpaceJson } from './json.js';
import { type Bounds, checkFlat, describeValue, type Mask, type Space } from './space.js';

/** What the spaces of a record or list hold. */
type Values<Spaces> = { -readonly [Key in keyof Spaces]: Spaces[Key] extends Space<infer T> ? T : never };

/**
 * Plain objects with one value for each name. Names are sorted, as Gymnasium does: equal spaces flatten equally however
 * they were written. A mask is an object with the masks of some names.
 */
export class Dict<Spaces extends Readonly<Record<string, Space<unknown>>> = Readonly<Record<string, Space<unknown>>>>
  implements Space<Values<Spaces>>
{
  readonly shape: readonly number[] = [];
  readonly flatSize: number;
  readonly names: readonly string[];

  constructor(readonly spaces: Spaces) {
    this.names = Object.keys(spaces).sort();
    this.flatSize = this.names.reduce((sum, name) => sum + spaces[name]!.flatSize, 0);
  }

  /** @throws InputError when the mask names what the space does not have, or a part of it does not fit */
  sample(rng: Rng, mask?: Mask | null): Values<Spaces> {
    const masks = (mask ?? {}) as Readonly<Record<string, Mask | null>>;
    const unknown =
      ArrayBuffer.isView(mask) ||
      Array.isArray(mask) ||
      Object.keys(masks).some((name) => !Object.hasOwn(this.spaces, name));
    if (unknown) {
      throw new InputError(
        `Dict: the mask ${describeValue(mask)} does not fit.`,
        `Give an object with masks of: ${this.names.join(', ')}.`,
      );
    }
    return this.#map((space, name) => space.sample(rng, own(masks, name)));
  }

  contains(value: unknown): value is Values<Spaces> {
    return this.problem(value) === null;
  }

  problem(value: unknown): string | null {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
      return `is ${describeValue(value)}, not an object`;
    const names = Object.keys(value).sort();
    if (names.join() !== this.names.join()) return `has the names [${names}], not [${this.names}]`;
    for (const name of names) {
      const problem = this.spaces[name]!.problem((value as Record<string, unknown>)[name]);
      if (problem !== null) return `has "${name}", which ${problem}`;
    }
    return null;
  }

  flatten(value: Values<Spaces>): Float32Array {
    return concatenate(
      this.names.map((name) => this.spaces[name]!.flatten(value[name as keyof Spaces])),
      this.flatSize,
    );
  }

  unflatten(flat: Float32Array): Values<Spaces> {
    checkFlat('Dict', flat, this.flatSize);
    let at = 0;
    return this.#map((space) => space.unflatten(flat.subarray(at, (at += space.flatSize))));
  }

  flatBounds(): Bounds {
    return joinBounds(this.names.map((name) => this.spaces[name]!));
  }

  toJSON(): SpaceJson {
    return { type: 'Dict', spaces: Object.fromEntries(this.names.map((name) => [name, this.spaces[name]!.toJSON()])) };
  }

  toString(): string {
    return `Dict(${this.names.map((name) => `${name}: ${this.spaces[name]}`).join(', ')})`;
  }

  #map(make: (space: Space<unknown>, name: string) => unknown): Values<Spaces> {
    return Object.fromEntries(this.names.map((name) => [name, make(this.spaces[name]!, name)])) as Values<Spaces>;
  }
}

/** Plain arrays with one value for each position. A mask is a list with one mask, or null, for each. */
export class Tuple<Spaces extends readonly Space<unknown>[] = readonly Space<unknown>[]>
  implements Space<Values<Spaces>>
{
  readonly shape: readonly number[] = [];
  readonly flatSize: number;

  constructor(readonly spaces: Spaces) {
    this.flatSize = spaces.reduce((sum, space) => sum + space.flatSize, 0);
  }

  /** @throws InputError when the mask has another length, or a part of it does not fit */
  sample(rng: Rng, mask?: Mask | null): Values<Spaces> {
    if (mask && (!Array.isArray(mask) || mask.length !== this.spaces.length)) {
      throw new InputError(
        `Tuple: the mask ${describeValue(mask)} does not fit.`,
        `Give a list of ${this.spaces.length} masks.`,
      );
    }
    const masks = mask as readonly (Mask | null)[] | null | undefined;
    return this.spaces.map((space, i) => space.sample(rng, masks?.[i])) as Values<Spaces>;
  }

  contains(value: unknown): value is Values<Spaces> {
    return this.problem(value) === null;
  }

  problem(value: unknown): string | null {
    if (!Array.isArray(value)) return `is ${describeValue(value)}, not an array`;
    if (value.length !== this.spaces.length) return `has ${value.length} elements, not ${this.spaces.length}`;
    for (let i = 0; i < value.length; i++) {
      const problem = this.spaces[i]!.problem(value[i]);
      if (problem !== null) return `has element ${i}, which ${problem}`;
    }
    return null;
  }

  flatten(value: Values<Spaces>): Float32Array {
    return concatenate(
      this.spaces.map((space, i) => space.flatten(value[i])),
      this.flatSize,
    );
  }

  unflatten(flat: Float32Array): Values<Spaces> {
    checkFlat('Tuple', flat, this.flatSize);
    let at = 0;
    return this.spaces.map((space) => space.unflatten(flat.subarray(at, (at += space.flatSize)))) as Values<Spaces>;
  }

  flatBounds(): Bounds {
    return joinBounds(this.spaces);
  }

  toJSON(): SpaceJson {
    return { type: 'Tuple', spaces: this.spaces.map((space) => space.toJSON()) };
  }

  toString(): string {
    return `Tuple(${this.spaces.join(', ')})`;
  }
}

function concatenate(parts: readonly Float32Array[], size: number): Float32Array {
  const whole = new Float32Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function joinBounds(spaces: readonly Space<unknown>[]): Bounds {
  const bounds = spaces.map((space) => space.flatBounds());
  const size = spaces.reduce((sum, { flatSize }) => sum + flatSize, 0);
  return {
    low: concatenate(
      bounds.map(({ low }) => low),
      size,
    ),
    high: concatenate(
      bounds.map(({ high }) => high),
      size,
    ),
  };
}
