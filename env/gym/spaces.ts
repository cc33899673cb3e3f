// Spaces: which values an action or an observation can have. They sample from a given stream and say what they contain.
import type { Stream } from '../../base/random/stream.js';

/** A set of values with a fixed shape. */
export interface Space<T> {
  readonly shape: readonly number[];
  /** A value drawn from `stream`. */
  sample(stream: Stream): T;
  /** Whether `value` has the space's type and shape and lies within its bounds. */
  contains(value: unknown): value is T;
  toJSON(): SpaceJson;
}

export type SpaceJson = {
  readonly type: 'Box';
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly shape: readonly number[];
};

/** Real vectors between bounds, float32; bounds are inclusive and may be infinite. */
export class Box implements Space<Float32Array> {
  readonly low: Float32Array;
  readonly high: Float32Array;

  constructor(
    low: number | ArrayLike<number>,
    high: number | ArrayLike<number>,
    readonly shape: readonly [number],
  ) {
    const vector = (bound: number | ArrayLike<number>) =>
      typeof bound === 'number' ? new Float32Array(shape[0]).fill(bound) : Float32Array.from(bound);
    this.low = vector(low);
    this.high = vector(high);
    if (this.low.length !== shape[0] || this.high.length !== shape[0]) {
      throw new RangeError(
        `Box: bounds of ${this.low.length} and ${this.high.length} elements for the shape [${shape}].`,
      );
    }
  }

  /** Uniform between finite bounds, standard exponential beyond one, standard normal without any, as Gymnasium. */
  sample(stream: Stream): Float32Array {
    return this.low.map((low, i) => {
      const high = this.high[i]!;
      if (Number.isFinite(low) && Number.isFinite(high)) return low + (high - low) * stream.uniform();
      if (Number.isFinite(low)) return low - Math.log(1 - stream.uniform());
      if (Number.isFinite(high)) return high + Math.log(1 - stream.uniform());
      return stream.normal();
    });
  }

  contains(value: unknown): value is Float32Array {
    if (!(value instanceof Float32Array) || value.length !== this.low.length) return false;
    return value.every((x, i) => x >= this.low[i]! && x <= this.high[i]!);
  }

  toJSON(): SpaceJson {
    return { type: 'Box', low: [...this.low], high: [...this.high], shape: this.shape };
  }
}
