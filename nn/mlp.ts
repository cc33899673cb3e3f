// Multi-layer perceptrons whose parameters lie end to end in a vector: an optimiser then works on one vector instead of a
// dozen tensors, and acting can walk through it without TensorFlow.js.
import type { Rng } from '../base/random/rng.js';
import { sizeOf } from './graph.js';
import * as tf from './tf.js';

/** Widths of a perceptron, input first, output last. Layer i has weights [sizes[i], sizes[i + 1]], then biases. */
export type MlpSizes = readonly number[];

/** Shapes of the parameters in the order they lie in the vector: weights, biases, weights, biases, ... */
export function parameterShapes(sizes: MlpSizes): readonly (readonly number[])[] {
  return sizes.slice(1).flatMap((outputs, layer) => [[sizes[layer]!, outputs], [outputs]]);
}

export const parameterCount = (sizes: MlpSizes): number =>
  parameterShapes(sizes).reduce((sum, shape) => sum + sizeOf(shape), 0);

/** Writes initial parameters at `offset` of `target`: uniform within 1 / sqrt(inputs of the layer), as PyTorch's Linear. */
export function initialise(sizes: MlpSizes, random: Rng, target: Float32Array, offset = 0): void {
  let position = offset;
  for (const [layer, inputs] of sizes.slice(0, -1).entries()) {
    const bound = 1 / Math.sqrt(inputs);
    const end = position + (inputs + 1) * sizes[layer + 1]!;
    for (; position < end; position++) target[position] = (2 * random.uniform() - 1) * bound;
  }
}

/**
 * Writes initial parameters at `offset` of `target`: orthogonal weights (Saxe et al. 2014, arXiv 1312.6120), times sqrt 2
 * before a ReLU and times `last` in the last layer; biases 0.
 */
export function initialiseOrthogonal(
  sizes: MlpSizes,
  random: Rng,
  target: Float32Array,
  { last, offset = 0 }: { readonly last: number; readonly offset?: number },
): void {
  let position = offset;
  for (const [layer, inputs] of sizes.slice(0, -1).entries()) {
    const outputs = sizes[layer + 1]!;
    const gain = layer === sizes.length - 2 ? last : Math.SQRT2;
    const vectors = orthonormal(Math.min(inputs, outputs), Math.max(inputs, outputs), random);
    for (let i = 0; i < inputs; i++)
      for (let j = 0; j < outputs; j++)
        target[position++] = gain * (inputs < outputs ? vectors[i]![j]! : vectors[j]![i]!);
    target.fill(0, position, (position += outputs));
  }
}

/** `count` orthonormal vectors of `length` numbers, uniformly distributed: Gram-Schmidt on Gaussian ones. */
function orthonormal(count: number, length: number, random: Rng): Float64Array[] {
  const vectors: Float64Array[] = [];
  while (vectors.length < count) {
    const vector = Float64Array.from({ length }, () => random.normal());
    // Twice, which makes up for cancellation.
    for (let pass = 0; pass < 2; pass++)
      for (const other of vectors) {
        const along = dot(vector, other);
        for (let i = 0; i < length; i++) vector[i]! -= along * other[i]!;
      }
    const norm = Math.sqrt(dot(vector, vector));
    vectors.push(vector.map((value) => value / norm));
  }
  return vectors;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Cuts a parameter vector into tensors of `shapes`, in order. One split, so its gradient is one concatenation. */
export function unpack(parameters: tf.Tensor, shapes: readonly (readonly number[])[]): tf.Tensor[] {
  const pieces = tf.split(parameters, shapes.map(sizeOf));
  return pieces.map((piece, i) => piece.reshape([...shapes[i]!]));
}

/** Lays tensors end to end: the inverse of `unpack`. */
export function pack(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.concat1d(tensors.map((tensor) => tensor.as1D()));
}

/** A perceptron with ReLU between layers: [batch, sizes[0]] to [batch, sizes.at(-1)]. */
export function perceptron(parameters: readonly tf.Tensor[], x: tf.Tensor): tf.Tensor {
  let h = x;
  for (let i = 0; i < parameters.length; i += 2) {
    if (i > 0) h = tf.relu(h);
    h = tf.add(tf.matMul(h as tf.Tensor2D, parameters[i] as tf.Tensor2D), parameters[i + 1]!);
  }
  return h;
}

/**
 * The perceptron for one input, in plain TypeScript: what acting runs at each environment step, where a compiled step would
 * spend most of its time on the call. About 6 us for 32-64-64-2.
 */
export class MlpForward {
  readonly #sizes: MlpSizes;
  /** One buffer per layer, in double precision: sums are rounded once. */
  readonly #layers: readonly Float64Array[];

  constructor(sizes: MlpSizes) {
    this.#sizes = sizes;
    this.#layers = sizes.map((size) => new Float64Array(size));
  }

  /** The outputs for `x`, valid until the next call; the parameters begin at `offset` of `parameters`. */
  run(parameters: Float32Array, x: Float32Array, offset = 0): Float64Array {
    const sizes = this.#sizes;
    const last = sizes.length - 1;
    let from = this.#layers[0]!;
    for (let i = 0; i < from.length; i++) from[i] = x[i]!;
    let weights = offset;
    for (let layer = 1; layer <= last; layer++) {
      const to = this.#layers[layer]!;
      const outputs = to.length;
      const biases = weights + from.length * outputs;
      for (let j = 0; j < outputs; j++) to[j] = parameters[biases + j]!;
      for (let i = 0; i < from.length; i++) {
        const input = from[i]!;
        // Half of the units behind a ReLU are zero: their rows need not be read.
        if (input !== 0) for (let j = 0; j < outputs; j++) to[j]! += input * parameters[weights + j]!;
        weights += outputs;
      }
      if (layer < last) for (let j = 0; j < outputs; j++) if (to[j]! < 0) to[j] = 0;
      weights = biases + outputs;
      from = to;
    }
    return from;
  }
}
