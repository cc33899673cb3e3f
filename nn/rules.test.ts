// What the optimiser makes of typical subgraphs. That it keeps their meaning is tested with every kernel.
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { compileStep } from './compiled.js';
import type { StepFunction } from './step.js';

/** How many of each operator a step compiles to. */
function operators(inputs: Readonly<Record<string, readonly number[]>>, step: StepFunction): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of compileStep({ inputs, state: {}, build: () => step }).graph.nodes) {
    counts[op] = (counts[op] ?? 0) + 1;
  }
  // The vector of outputs is the compiler's own.
  delete counts.Concat;
  delete counts.Reshape;
  return counts;
}

const layer = { x: [8, 4], w: [4, 3], b: [3] };
const dense = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
  tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b));

test('a dense layer is one Gemm and a Relu', () => {
  expect(operators(layer, ({ x, w, b }) => ({ y: dense(x!, w!, b!) }))).toEqual({ Gemm: 1, Relu: 1 });
});

test("a dense layer's gradient masks by one operator and computes only what is asked for", () => {
  const gradient: StepFunction = ({ x, w, b }) => ({
    dw: tf.grad((weights) => tf.sum(tf.square(dense(x!, weights, b!))))(w!),
  });
  const counts = operators(layer, gradient);
  expect(counts).toMatchObject({ Gemm: 2, Relu: 1, HardSigmoid: 1 });
  expect(counts.Greater).toBeUndefined();
});

test('the gradient by one of two concatenated inputs multiplies by its columns only', () => {
  const shapes = { s: [8, 30], a: [8, 2], w: [32, 16] };
  const { nodes } = compileStep({
    inputs: shapes,
    state: {},
    build:
      () =>
      ({ s, a, w }) => ({
        da: tf.grad((action) =>
          tf.sum(tf.square(tf.matMul(tf.concat([s!, action], 1) as tf.Tensor2D, w as tf.Tensor2D))),
        )(a!),
      }),
  }).graph;
  const products = nodes.filter(({ op }) => op === 'Gemm').map(({ outputs }) => outputs[0]!.shape);
  expect(products).toEqual([
    [8, 16],
    [8, 2],
  ]);
});

test('equal expressions are computed once, unused ones not at all', () => {
  const step: StepFunction = ({ x }) => {
    tf.sin(x!);
    return { y: tf.add(tf.exp(x!), tf.mul(tf.exp(x!), 2)) };
  };
  expect(operators({ x: [5] }, step)).toEqual({ Exp: 1, Mul: 1, Add: 1 });
});

test('constant factors gather in one multiplication; neutral operations vanish', () => {
  const step: StepFunction = ({ x }) => ({
    y: tf.neg(tf.div(tf.mul(tf.add(tf.mul(x!, tf.ones([2, 3])), 0), 3), 4)),
  });
  expect(operators({ x: [2, 3] }, step)).toEqual({ Mul: 1 });
});

test('a sum over rows is a product with ones; a product of a batch with one matrix is one Gemm', () => {
  expect(operators({ x: [8, 4] }, ({ x }) => ({ y: tf.sum(x!, 0) }))).toEqual({ Gemm: 1 });
  const batch: StepFunction = ({ x, w }) => ({ y: tf.matMul(x!, w!.expandDims(0)) });
  expect(operators({ x: [2, 8, 4], w: [4, 4] }, batch)).toEqual({ Gemm: 1 });
});
