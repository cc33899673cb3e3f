import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { Rng } from '../base/random/rng.js';
import { relativeDifference } from '../base/statistics/relative-difference.js';
import {
  initialise,
  initialiseOrthogonal,
  MlpForward,
  pack,
  parameterCount,
  parameterShapes,
  perceptron,
  unpack,
} from './mlp.js';

const sizes = [32, 64, 64, 2];

function parameters(offset = 0): Float32Array {
  const values = new Float32Array(offset + parameterCount(sizes));
  initialise(sizes, Rng.of(0, 'mlp'), values, offset);
  return values;
}

test('parameters: 32-64-64-2 has 6402, within 1 / sqrt(inputs), the same for the same seed', () => {
  const values = parameters();
  expect(values.length).toBe(32 * 64 + 64 + 64 * 64 + 64 + 64 * 2 + 2);
  expect(values).toEqual(parameters());
  const first = values.subarray(0, 33 * 64);
  expect(Math.max(...first)).toBeLessThan(1 / Math.sqrt(32));
  expect(Math.max(...first)).toBeGreaterThan(0.95 / Math.sqrt(32));
  expect(Math.min(...values.subarray(33 * 64))).toBeGreaterThan(-1 / 8);
});

test('acting in TypeScript agrees with TensorFlow.js, wherever the parameters begin', () => {
  const values = parameters(7);
  const random = Rng.of(1);
  const x = Float32Array.from({ length: 32 }, () => random.normal());
  const expected = tf.tidy(() => {
    const tensors = unpack(tf.tensor1d(values.slice(7)), parameterShapes(sizes));
    return perceptron(tensors, tf.tensor2d(x, [1, 32])).dataSync() as Float32Array;
  });
  const forward = new MlpForward(sizes);
  expect(relativeDifference(Float32Array.from(forward.run(values, x, 7)), expected)).toBeLessThan(1e-5);
  expect(forward.run(values, x, 7)).toBe(forward.run(values, x, 7));
});

test('pack is the inverse of unpack', () => {
  const values = parameters();
  tf.tidy(() => {
    const tensors = unpack(tf.tensor1d(values.slice()), parameterShapes(sizes));
    expect(pack(tensors).dataSync()).toEqual(values);
  });
});

test.each([
  [8, 5, 3],
  [3, 7, 7],
])('orthogonal initialisation: weights of %i-%i-%i have orthonormal rows or columns, times the gain', (...shape) => {
  const values = new Float32Array(parameterCount(shape));
  initialiseOrthogonal(shape, Rng.of(0, 'orthogonal'), values, { last: 0.01 });
  let position = 0;
  for (const [layer, inputs] of shape.slice(0, -1).entries()) {
    const outputs = shape[layer + 1]!;
    const at = (i: number, j: number) => values[position + i * outputs + j]!;
    const gain = layer === shape.length - 2 ? 0.01 : Math.SQRT2;
    const [few, many] = [Math.min(inputs, outputs), Math.max(inputs, outputs)];
    const entry = (vector: number, k: number) => (inputs < outputs ? at(vector, k) : at(k, vector));
    for (let a = 0; a < few; a++)
      for (let b = 0; b < few; b++) {
        const product = Array.from({ length: many }, (_, k) => entry(a, k) * entry(b, k)).reduce((x, y) => x + y);
        expect(product / gain ** 2).toBeCloseTo(a === b ? 1 : 0, 5);
      }
    const biases = position + inputs * outputs;
    expect(values.subarray(biases, biases + outputs).every((bias) => bias === 0)).toBe(true);
    position = biases + outputs;
  }
});
