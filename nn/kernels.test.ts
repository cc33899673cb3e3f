// Every kernel the compiler knows, compiled and eager: values, and gradients where the kernel has one.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { compareBackends } from '../test/fixtures/agreement.js';
import { kernels } from './lower.js';
import type { StepDefinition } from './step.js';
import { traceStep } from './trace.js';

const shapes = {
  a: [4, 6],
  b: [4, 6],
  row: [6],
  column: [4, 1],
  square: [6, 6],
  cube: [2, 3, 6],
  choice: [4, 6],
} as const;
/** What gradients are taken by: all but `choice`, which decides where to select and gather. */
const differentiated = ['a', 'b', 'row', 'column', 'square', 'cube'] as const;
type Inputs = Readonly<Record<keyof typeof shapes, tf.Tensor>>;
type Case = readonly [kernel: string, what: string, compute: (x: Inputs) => tf.Tensor, differentiable?: 'no gradient'];

const positive = (x: tf.Tensor) => tf.add(tf.abs(x), 0.5);
const ids = (x: tf.Tensor) => tf.argMax(x, 1) as tf.Tensor1D;

const cases: readonly Case[] = [
  ['Abs', '', ({ a }) => tf.abs(a)],
  ['Ceil', '', ({ a }) => tf.ceil(a)],
  ['Cos', '', ({ a }) => tf.cos(a)],
  ['Erf', '', ({ a }) => tf.erf(a)],
  ['Exp', '', ({ a }) => tf.exp(a)],
  ['Expm1', '', ({ a }) => tf.expm1(a)],
  ['Floor', '', ({ a }) => tf.floor(a)],
  ['IsNan', '', ({ a }) => tf.isNaN(a), 'no gradient'],
  ['Log', '', ({ a }) => tf.log(positive(a))],
  ['Log1p', '', ({ a }) => tf.log1p(positive(a))],
  ['Neg', '', ({ a }) => tf.neg(a)],
  ['Reciprocal', '', ({ a }) => tf.reciprocal(positive(a))],
  ['Relu', '', ({ a }) => tf.relu(a)],
  ['Relu', 'behind a dense layer', ({ a, square, row }) => tf.relu(tf.add(tf.matMul(a, square), row))],
  ['Relu6', '', ({ a }) => tf.relu6(tf.mul(a, 5))],
  ['Round', '', ({ a }) => tf.round(a)],
  ['Rsqrt', '', ({ a }) => tf.rsqrt(positive(a))],
  ['Sigmoid', '', ({ a }) => tf.sigmoid(a)],
  ['Sign', '', ({ a }) => tf.sign(a)],
  ['Sin', '', ({ a }) => tf.sin(a)],
  ['Softplus', '', ({ a }) => tf.softplus(a)],
  ['Softplus', 'of large numbers', ({ a }) => tf.softplus(tf.mul(a, 40))],
  ['Sqrt', '', ({ a }) => tf.sqrt(positive(a))],
  ['Square', '', ({ a }) => tf.square(a)],
  ['Step', '', ({ a }) => tf.step(a)],
  ['Step', 'with a slope', ({ a }) => tf.step(a, 0.3)],
  ['Tanh', '', ({ a }) => tf.tanh(a)],
  ['LeakyRelu', '', ({ a }) => tf.leakyRelu(a, 0.1)],
  ['Elu', '', ({ a }) => tf.elu(a)],
  ['EluGrad', '', ({ a }) => tf.grad((x) => tf.elu(x))(a), 'no gradient'],
  ['Prelu', '', ({ a, row }) => tf.prelu(a, row)],
  ['ClipByValue', '', ({ a }) => tf.clipByValue(a, -0.5, 0.7)],
  ['Add', '', ({ a, b }) => tf.add(a, b)],
  ['Add', 'a row', ({ a, row }) => tf.add(a, row)],
  ['Add', 'a scalar', ({ a }) => tf.add(2, a)],
  ['Add', 'a column and a row', ({ column, row }) => tf.add(column, row)],
  ['AddN', '', ({ a, b }) => tf.addN([a, b, a])],
  ['Sub', 'a column', ({ a, column }) => tf.sub(a, column)],
  ['Sub', 'of a scalar', ({ column }) => tf.sub(1, column)],
  ['Multiply', '', ({ a, b }) => tf.mul(a, b)],
  ['Multiply', 'by constants in a row', ({ a }) => tf.neg(tf.mul(tf.mul(tf.mul(a, 3), 0.5), tf.ones([4, 6])))],
  ['Multiply', 'a cube by a row', ({ cube, row }) => tf.mul(cube, row)],
  ['RealDiv', '', ({ a, b }) => tf.div(a, positive(b))],
  ['RealDiv', 'by a constant', ({ a }) => tf.div(a, 3)],
  ['RealDiv', 'of a constant', ({ a }) => tf.div(3, positive(a))],
  ['FloorDiv', '', ({ a, b }) => tf.floorDiv(a, positive(b)), 'no gradient'],
  ['Pow', '', ({ a, b }) => tf.pow(positive(a), b)],
  ['Maximum', '', ({ a, b }) => tf.maximum(a, b)],
  ['Minimum', '', ({ a, b }) => tf.minimum(a, b)],
  ['Minimum', 'with a scalar', ({ column }) => tf.minimum(column, 0.2)],
  ['SquaredDifference', '', ({ a, b }) => tf.squaredDifference(a, b)],
  ['Equal', '', ({ a }) => tf.equal(tf.round(a), 0), 'no gradient'],
  ['NotEqual', '', ({ a }) => tf.notEqual(tf.round(a), 0), 'no gradient'],
  ['Greater', '', ({ a, b }) => tf.greater(a, b), 'no gradient'],
  ['Greater', 'than a matrix of one number', ({ a }) => tf.greater(a, tf.fill([4, 6], 0.5)), 'no gradient'],
  ['GreaterEqual', '', ({ a, row }) => tf.greaterEqual(a, row), 'no gradient'],
  ['Less', '', ({ a, b }) => tf.less(a, b), 'no gradient'],
  ['LessEqual', '', ({ column }) => tf.lessEqual(column, 0), 'no gradient'],
  ['LogicalAnd', '', ({ a, b }) => tf.logicalAnd(tf.less(a, 0), tf.less(b, 0)), 'no gradient'],
  ['LogicalOr', '', ({ a, b }) => tf.logicalOr(tf.less(a, 0), tf.less(b, 0)), 'no gradient'],
  ['LogicalNot', '', ({ a }) => tf.logicalNot(tf.less(a, 0)), 'no gradient'],
  ['Select', '', ({ a, b, choice }) => tf.where(tf.less(choice, 0), a, b)],
  ['Cast', 'to int32', ({ a }) => tf.cast(tf.mul(a, 3), 'int32'), 'no gradient'],
  ['Cast', 'to bool and back', ({ a }) => tf.cast(tf.cast(tf.relu(a), 'bool'), 'float32'), 'no gradient'],
  ['BatchMatMul', '', ({ a, square }) => tf.matMul(a, square)],
  ['BatchMatMul', 'transposed left', ({ a, b }) => tf.matMul(a, b, true, false)],
  ['BatchMatMul', 'transposed right', ({ a, b }) => tf.matMul(a, b, false, true)],
  ['BatchMatMul', 'transposed both', ({ a, square }) => tf.matMul(square, a, true, true)],
  ['BatchMatMul', 'of a batch', ({ cube }) => tf.matMul(cube, cube, false, true)],
  [
    'BatchMatMul',
    'of a batch with one matrix',
    ({ cube, square }) => tf.matMul(cube, square.expandDims(0)),
    'no gradient',
  ],
  ['Sum', 'of all', ({ a }) => tf.sum(a)],
  ['Sum', 'of columns', ({ a }) => tf.sum(a, 0)],
  ['Sum', 'of rows, kept', ({ a }) => tf.sum(a, -1, true)],
  ['Sum', 'of two axes', ({ cube }) => tf.sum(cube, [0, 2])],
  ['Sum', 'of booleans', ({ a }) => tf.sum(tf.less(a, 0), 1), 'no gradient'],
  ['Mean', 'of all', ({ a }) => tf.mean(a)],
  ['Mean', 'of rows', ({ a }) => tf.mean(a, 1)],
  ['Max', '', ({ a }) => tf.max(a, 1)],
  ['Min', '', ({ a }) => tf.min(a, 0, true)],
  ['Prod', '', ({ a }) => tf.prod(a, 1), 'no gradient'],
  ['All', '', ({ a }) => tf.all(tf.less(a, 0.8), 1), 'no gradient'],
  ['Any', '', ({ a }) => tf.any(tf.less(a, -0.8), 1), 'no gradient'],
  ['ArgMax', '', ({ a }) => tf.argMax(a, 1), 'no gradient'],
  ['ArgMin', '', ({ a }) => tf.argMin(a, 0), 'no gradient'],
  ['Softmax', '', ({ a }) => tf.softmax(a)],
  ['Exp', 'in a log-softmax', ({ a }) => tf.logSoftmax(a)],
  ['Exp', 'in a log-sum-exp', ({ a }) => tf.logSumExp(a, 1)],
  ['Cumsum', '', ({ a }) => tf.cumsum(a, 1)],
  ['Cumsum', 'exclusive, reverse', ({ a }) => tf.cumsum(a, 1, true, true)],
  ['Reshape', '', ({ a }) => tf.tanh(tf.reshape(a, [3, 8]))],
  ['Transpose', '', ({ cube }) => tf.tanh(tf.transpose(cube, [2, 0, 1]))],
  ['Concat', '', ({ a, column, b }) => tf.concat([a, column, b], 1)],
  ['SplitV', '', ({ a }) => tf.mul(...(tf.split(a, 2, 1) as [tf.Tensor, tf.Tensor]))],
  ['SplitV', 'of which one piece is read', ({ a }) => tf.tanh(tf.split(a, [1, 2, 3], 1)[1]!)],
  ['SplitV', 'of a product, one piece', ({ a, square }) => tf.tanh(tf.split(tf.matMul(a, square), [4, 2], 1)[1]!)],
  [
    'SplitV',
    'of a transposed product, one piece',
    ({ a, square }) => tf.split(tf.matMul(a, square, false, true), [4, 2], 1)[0]!,
  ],
  ['Pack', '', ({ a, b }) => tf.stack([a, b], 1)],
  ['Unpack', '', ({ cube }) => tf.tanh(tf.unstack(cube, 1)[2]!)],
  ['Slice', '', ({ a }) => tf.slice(a, [1, 2], [2, 3])],
  ['Slice', 'of a vector', ({ row }) => tf.slice(row, 2, 3)],
  [
    'PadV2',
    '',
    ({ a }) =>
      tf.pad(
        a,
        [
          [1, 0],
          [2, 3],
        ],
        0.5,
      ),
  ],
  ['Tile', '', ({ a }) => tf.tile(a, [2, 1])],
  ['Tile', 'by broadcasting', ({ column }) => tf.broadcastTo(column, [4, 6])],
  ['Reverse', '', ({ a }) => tf.reverse(a, 1)],
  ['GatherV2', '', ({ choice, square }) => tf.gather(square, ids(choice))],
  ['UnsortedSegmentSum', '', ({ choice, b }) => tf.unsortedSegmentSum(b, ids(choice), 6)],
  ['OneHot', '', ({ a }) => tf.oneHot(ids(a), 6), 'no gradient'],
];

/** A step with the case's value and, through a weighted sum, its gradient by each input. */
function stepOf([, , compute, differentiable]: Case): StepDefinition<keyof typeof shapes> {
  return {
    inputs: shapes,
    state: {},
    build: () => (inputs) => {
      const value = compute(inputs);
      if (differentiable) return { value };
      // Different weights distinguish the elements of a gradient; every input is used, so that each has a gradient.
      const loss = (...tensors: tf.Tensor[]) => {
        const y = compute({ ...inputs, ...Object.fromEntries(differentiated.map((name, i) => [name, tensors[i]!])) });
        const weights = tf.cos(tf.range(0, y.size)).reshape(y.shape);
        return tf.addN([tf.sum(tf.mul(y, weights)), ...tensors.map((x) => tf.sum(tf.square(x)))]) as tf.Scalar;
      };
      const gradients = tf.grads(loss)(differentiated.map((name) => inputs[name]));
      return { value, ...Object.fromEntries(differentiated.map((name, i) => [`d ${name}`, gradients[i]!])) };
    },
  };
}

describe('a compiled kernel computes what TensorFlow.js computes, to 1e-5', () => {
  test.each(cases.map((item) => [`${item[0]} ${item[1]}`.trim(), item] as const))('%s', async (_, item) => {
    const definition = stepOf(item);
    const recorded = traceStep(definition).calls.map((call) => call.kernel);
    // Some kernels only share their input's data, and leave no record.
    if (!['Reshape'].includes(item[0])) expect(recorded).toContain(item[0]);
    for (const [name, difference] of Object.entries(await compareBackends(definition))) {
      expect(difference, name).toBeLessThan(1e-5);
    }
  });
});

test('every kernel in the tables has a case', () => {
  expect(Object.keys(kernels).sort()).toEqual([...new Set(cases.map(([kernel]) => kernel))].sort());
});
