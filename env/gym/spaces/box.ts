// Real arrays between bounds, float32, as Gymnasium's Box.
import { InputError } from '../../../base/errors/input-error.js';
import type { Rng } from '../../../base/random/rng.js';
import type { SpaceJson } from './json.js';
import { type Bounds, checkFlat, describeValue, type Mask, type Space } from './space.js';

/** Values are row-major `Float32Array`s of the shape's size; bounds are inclusive and may be infinite. */
export class Box implements Space<Float32Array> {
  /** Per element, like a value. */
  readonly low: Float32Array;
  readonly high: Float32Array;
  /** Elements of a value. */
  readonly flatSize: number;

  /**
   * @param low one number for all elements, or one for each
   * @throws InputError when a bound does not fit the shape, is NaN, or a low one lies above its high one
   */
  constructor(
    low: number | ArrayLike<number>,
    high: number | ArrayLike<number>,
    readonly shape: readonly number[],
  ) {
    this.flatSize = shape.reduce((product, length) => product * length, 1);
    if (!shape.every((length) => Number.isInteger(length) && length > 0))
      throw new InputError(`Box: the shape [${shape}] has a bad length.`, 'Give positive whole numbers.');
    this.low = this.#bounds('low', low);
    this.high = this.#bounds('high', high);
    const bad = this.low.findIndex((bound, i) => !(bound <= this.high[i]!));
    if (bad < 0) return;
    throw new InputError(
      `Box: element ${bad} has the bounds [${this.low[bad]}, ${this.high[bad]}].`,
      'Give bounds of which the low one is not above the high one.',
    );
  }

  #bounds(name: string, bound: number | ArrayLike<number>): Float32Array {
    if (typeof bound === 'number') return new Float32Array(this.flatSize).fill(bound);
    if (bound.length === this.flatSize) return Float32Array.from(bound);
    throw new InputError(
      `Box: ${bound.length} ${name} bounds for the shape [${this.shape}].`,
      `Give one number, or ${this.flatSize}.`,
    );
  }

  /**
   * Uniform between finite bounds, standard exponential beyond one, standard normal without any, as Gymnasium.
   * @throws InputError when a mask is given: a Box has none
   */
  sample(rng: Rng, mask?: Mask | null): Float32Array {
    if (mask) throw new InputError(`${this}: a Box takes no mask.`, 'Leave it out.');
    return this.low.map((low, i) => {
      const high = this.high[i]!;
      if (Number.isFinite(low) && Number.isFinite(high)) return low + (high - low) * rng.uniform();
      if (Number.isFinite(low)) return low - Math.log(1 - rng.uniform());
      if (Number.isFinite(high)) return high + Math.log(1 - rng.uniform());
      return rng.normal();
    });
  }

  contains(value: unknown): value is Float32Array {
    return this.problem(value) === null;
  }

  problem(value: unknown): string | null {
    if (!(value instanceof Float32Array)) return `is ${describeValue(value)}, not a Float32Array`;
    if (value.length !== this.flatSize) return `has ${value.length} elements, not ${this.flatSize}`;
    const { low, high } = this;
    for (let i = 0; i < value.length; i++) {
      const x = value[i]!;
      if (!(x >= low[i]! && x <= high[i]!)) return `has element ${i} = ${x}, outside [${low[i]}, ${high[i]}]`;
    }
    return null;
  }

  flatten(value: Float32Array): Float32Array {
    return value.slice();
  }

  unflatten(flat: Float32Array): Float32Array {
    checkFlat(`${this}`, flat, this.flatSize);
    return flat.slice();
  }

  flatBounds(): Bounds {
    return { low: this.low.slice(), high: this.high.slice() };
  }

  toJSON(): SpaceJson {
    return { type: 'Box', low: this.#boundsJson(this.low), high: this.#boundsJson(this.high), shape: this.shape };
  }

  /** JSON has no infinity: it is written as text. */
  #boundsJson(bounds: Float32Array): (number | string)[] {
    return Array.from(bounds, (bound) => (Number.isFinite(bound) ? bound : String(bound)));
  }

  toString(): string {
    const one = (bounds: Float32Array) =>
      bounds.every((bound) => bound === bounds[0]) ? String(bounds[0]) : describeValue(bounds);
    return `Box(${one(this.low)}, ${one(this.high)}, [${this.shape}])`;
  }
}
