// Elementwise kernels of TensorFlow.js as ONNX operators.
import { float } from '../base/onnx/proto.js';
import type { Value } from './graph.js';
import type { Kernel, Lowering, LoweringTable } from './kernel.js';

/** ONNX has an operator of the same meaning. */
const unary =
  (op: string): Lowering =>
  ({ g, inputs, out }) =>
    g.apply(op, [inputs[0]!], out);

const binary =
  (op: string): Lowering =>
  ({ g, inputs, out }) =>
    g.apply(op, [inputs[0]!, inputs[1]!], out);

/** A constant of the same type as `like`. */
function constantLike(k: Kernel, like: Value, value: number): Value {
  return like.type === 'int32' ? k.g.constant('int32', [], Int32Array.of(value)) : k.g.scalar(value);
}

const square: Lowering = ({ g, inputs: [x] }) => g.binary('Mul', x!, x!);

export const elementwiseKernels: LoweringTable = {
  Abs: unary('Abs'),
  Ceil: unary('Ceil'),
  Cos: unary('Cos'),
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  Floor: unary('Floor'),
  IsNan: unary('IsNaN'),
  Log: unary('Log'),
  LogicalNot: unary('Not'),
  Neg: unary('Neg'),
  Reciprocal: unary('Reciprocal'),
  Relu: unary('Relu'),
  Round: unary('Round'),
  Sigmoid: unary('Sigmoid'),
  Sign: unary('Sign'),
  Sin: unary('Sin'),
  Softplus: unary('Softplus'),
  Sqrt: unary('Sqrt'),
  Tanh: unary('Tanh'),

  Add: binary('Add'),
  Equal: binary('Equal'),
  Greater: binary('Greater'),
  GreaterEqual: binary('GreaterOrEqual'),
  Less: binary('Less'),
  LessEqual: binary('LessOrEqual'),
  LogicalAnd: binary('And'),
  LogicalOr: binary('Or'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  Multiply: binary('Mul'),
  Pow: binary('Pow'),
  RealDiv: binary('Div'),
  Sub: binary('Sub'),

  Square: square,
  SquaredDifference: ({ g, inputs: [a, b] }) => {
    const difference = g.binary('Sub', a!, b!);
    return g.binary('Mul', difference, difference);
  },
  AddN: ({ g, inputs }) => inputs.reduce((sum, x) => g.binary('Add', sum, x)),
  NotEqual: ({ g, inputs: [a, b], out }) => g.apply('Not', [g.apply('Equal', [a!, b!], out)], out),
  FloorDiv: ({ g, inputs: [a, b] }) => g.unary('Floor', g.binary('Div', a!, b!)),
  Rsqrt: ({ g, inputs: [x] }) => g.unary('Reciprocal', g.unary('Sqrt', x!)),
  // ONNX has neither of these two: near 0 they are as exact as float32 sums, not as their own names promise.
  Expm1: ({ g, inputs: [x] }) => g.binary('Sub', g.unary('Exp', x!), g.scalar(1)),
  Log1p: ({ g, inputs: [x] }) => g.unary('Log', g.binary('Add', x!, g.scalar(1))),

  ClipByValue: (k) => {
    const [x] = k.inputs;
    const bounds = [k.attribute<number>('clipValueMin'), k.attribute<number>('clipValueMax')];
    return k.g.apply('Clip', [x!, ...bounds.map((bound) => constantLike(k, x!, bound))], k.out);
  },
  Relu6: (k) => k.g.apply('Clip', [k.inputs[0]!, k.g.scalar(0), k.g.scalar(6)], k.out),
  LeakyRelu: (k) => k.g.unary('LeakyRelu', k.inputs[0]!, { alpha: float(k.attribute<number>('alpha')) }),
  Prelu: ({ g, inputs: [x, alpha] }) => g.apply('PRelu', [x!, alpha!], x!),
  Elu: ({ g, inputs: [x] }) => g.unary('Elu', x!),
  // d elu(x) = 1 where y > 0, else y + 1.
  EluGrad: ({ g, inputs: [dy, y] }) => {
    const negative = g.apply('Clip', [y!, g.scalar(-1), g.scalar(0)], y!);
    return g.binary('Mul', dy!, g.binary('Add', negative, g.scalar(1)));
  },
  // 1 where x > 0, else alpha.
  Step: (k) => {
    const x = k.inputs[0]!;
    const positive = k.g.apply('Greater', [x, k.g.scalar(0)], { type: 'bool', shape: x.shape });
    const alpha = k.attribute<number>('alpha');
    if (alpha === 0) return k.g.cast(positive, 'float32');
    return k.g.apply('Where', [positive, k.g.scalar(1), k.g.scalar(alpha)], k.out);
  },
  Select: (k) => k.g.apply('Where', [k.input('condition'), k.input('t'), k.input('e')], k.out),
  Cast: ({ g, inputs: [x], out }) => {
    // To bool, TensorFlow.js compares with zero; to int32, it truncates, as ONNX does.
    return g.cast(x!, out.type);
  },
};
