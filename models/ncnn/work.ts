// What a layer costs: its class, the ONNX operator that does the same, multiply-accumulates, other operations, weights, and
// how it can be split. Counted as models/analysis/operators.ts counts ONNX operators.
import type { Split } from '../analysis/operators.js';
import type { OpClass } from '../graph.js';
import { elements, type Layer, type Shape } from './layer.js';
import { kernelOf } from './windows.js';

export interface LayerWork {
  readonly opClass: OpClass;
  readonly opType: string;
  readonly macs: number;
  readonly flops: number;
  /** Elements of its weights, of `weightBytes` each; biases and scales, of 4 bytes, apart. */
  readonly weights: number;
  readonly biases: number;
  readonly weightBytes: 1 | 4;
  readonly split: Split | null;
}

type Rule = (layer: Layer, outputs: readonly Shape[]) => Partial<LayerWork> & Pick<LayerWork, 'opClass' | 'opType'>;

const written = (outputs: readonly Shape[]): number => outputs.reduce((sum, shape) => sum + elements(shape), 0);

/** Weights of layers that multiply are said twice: by their sizes, and by parameter `id`. */
function agreeing(layer: Layer, id: number, weights: number): number {
  const said = layer.number(id, weights);
  return said === weights ? weights : layer.fail(`its weights are said to be ${said}, and its sizes make ${weights}`);
}

/** A fused activation is one operation for each element. */
const fusedActivation = (layer: Layer, id: number, [output]: readonly Shape[]): number =>
  layer.number(id, 0) > 0 ? elements(output!) : 0;

const quantised = (layer: Layer, id: number): 1 | 4 => (layer.number(id, 0) > 0 ? 1 : 4);

/** @param transposed each input element is spread over the window, not each output element summed over it */
const convolution =
  (transposed: boolean): Rule =>
  (layer, outputs) => {
    const channels = layer.input[1]!;
    const filters = layer.number(0, 0);
    const groups = layer.type.endsWith('DepthWise') ? layer.count(7, 'the number of groups', 1, 1) : 1;
    if (channels % groups !== 0 || filters % groups !== 0)
      layer.fail(`${groups} groups divide neither ${channels} channels nor ${filters}`);
    const [height, width] = kernelOf(layer);
    const window = height * width;
    const macs = transposed
      ? elements(layer.input) * (filters / groups) * window
      : elements(outputs[0]!) * (channels / groups) * window;
    const isDepthwise = groups > 1 && groups === channels;
    const reach = isDepthwise ? 0 : null;
    return {
      opClass: isDepthwise && !transposed ? 'depthwise-conv' : 'conv',
      opType: transposed ? 'ConvTranspose' : 'Conv',
      macs,
      flops: 2 * macs + fusedActivation(layer, 9, outputs),
      weights: agreeing(layer, 6, filters * (channels / groups) * window),
      biases: layer.number(5, 0) === 1 ? filters : 0,
      weightBytes: quantised(layer, 8),
      split: !transposed && filters > 1 && (groups === 1 || isDepthwise) ? { axis: 1, reach } : null,
    };
  };

const innerProduct: Rule = (layer, outputs) => {
  const filters = layer.number(0, 0);
  const depth = (elements(layer.input) * filters) / elements(outputs[0]!);
  const macs = elements(outputs[0]!) * depth;
  return {
    opClass: 'gemm',
    opType: 'Gemm',
    macs,
    flops: 2 * macs + fusedActivation(layer, 9, outputs),
    weights: agreeing(layer, 2, filters * depth),
    biases: layer.number(1, 0) === 1 ? filters : 0,
    weightBytes: quantised(layer, 8),
    split: filters > 1 ? { axis: outputs[0]!.length - 1, reach: null } : null,
  };
};

/** A product of matrices, one of which may be constant: a MatMul of ONNX, whose Gemm has two dimensions with the batch. */
const gemm: Rule = (layer, [output]) => {
  const [, m = 1, n = 1] = layer.number(14, 0) === 1 ? [1, output![2], output![1]] : output!;
  const depth = layer.number(4, 0) === 1 ? layer.count(9, 'the depth', 1) : elements(layer.input.slice(1)) / m;
  const macs = m * n * depth;
  return {
    opClass: 'matmul',
    opType: 'MatMul',
    macs,
    flops: 2 * macs,
    weights: (layer.number(4, 0) === 1 ? m * depth : 0) + (layer.number(5, 0) === 1 ? n * depth : 0),
    biases: layer.number(6, 0) === 1 ? n : 0,
    weightBytes: quantised(layer, 18),
  };
};

const matmul: Rule = (layer, [output]) => {
  const macs = elements(output!) * layer.input.at(-1)!;
  return { opClass: 'matmul', opType: 'MatMul', macs, flops: 2 * macs };
};

/** Projections of query, key, value and output, and two products of the heads. */
const attention: Rule = (layer, [output]) => {
  const embedding = layer.count(0, 'the embedding', 1);
  const [queries, keys, values] = [0, 1, 2].map(
    (at) => layer.inputs[at] ?? layer.inputs[Math.max(0, at - 1)] ?? layer.input,
  );
  const rows = (shape: Shape | undefined) => elements(shape!.slice(1, -1));
  const depth = (shape: Shape | undefined) => shape!.at(-1)!;
  const projections = [queries, keys, values, output].map((shape) => [rows(shape), depth(shape) * embedding] as const);
  const products = 2 * rows(queries) * rows(keys) * embedding;
  const macs = projections.reduce((sum, [count, weights]) => sum + count * weights, products);
  return {
    opClass: 'matmul',
    opType: 'MultiHeadAttention',
    macs,
    flops: 2 * macs + 5 * rows(queries) * rows(keys) * layer.count(1, 'the number of heads', 1, 1),
    weights: projections.reduce((sum, [, weights]) => sum + weights, 0),
    biases: 4 * embedding,
    weightBytes: quantised(layer, 18),
  };
};

const pooling: Rule = (layer, outputs) => {
  const name = layer.number(0, 0) === 1 ? 'AveragePool' : 'MaxPool';
  const split = layer.input.length > 2 && outputs[0]!.length > 2 ? { axis: 1, reach: 0 } : null;
  if (layer.number(4, 0) === 1)
    return { opClass: 'pool', opType: `Global${name}`, flops: elements(layer.input), split };
  const window = layer.number(7, 0) === 1 ? elements(layer.input) / elements(outputs[0]!) : elements(kernelOf(layer));
  return { opClass: 'pool', opType: name, flops: elements(outputs[0]!) * window, split };
};

const localResponse: Rule = (layer) => {
  const size = layer.count(1, 'the size', 1, 5);
  return {
    opClass: 'normalization',
    opType: 'LRN',
    flops: elements(layer.input) * (size + 4),
    split: layer.rank === 3 ? { axis: 1, reach: Math.ceil((size - 1) / 2) } : null,
  };
};

const concat: Rule = (layer) => ({
  opClass: 'data-movement',
  opType: 'Concat',
  split: layer.rank > 1 && layer.axis(layer.number(0, 0)) === 1 ? { axis: 1, reach: 'stacked' } : null,
});

const arithmetic = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Pow'];
const binary: Rule = (layer, outputs) => ({
  opClass: 'elementwise',
  opType: arithmetic[layer.number(0, 0)] ?? layer.type,
  flops: written(outputs),
});
const eltwise: Rule = (layer, outputs) => ({
  opClass: 'elementwise',
  opType: ['Mul', 'Add', 'Max'][layer.number(0, 0)] ?? layer.type,
  flops: written(outputs) * Math.max(1, layer.inputs.length - 1),
});

const perElement =
  (opClass: OpClass, opType: string | null, operations: number, of: 'read' | 'written', affine?: number): Rule =>
  (layer, outputs) => ({
    opClass,
    opType: opType ?? layer.type,
    flops: operations * (of === 'read' ? elements(layer.input) : written(outputs)),
    // A scale and a shift for each element of parameter `affine`.
    biases: affine === undefined ? 0 : 2 * layer.count(affine, 'the number of scales', 0, 0),
  });

const each = (rule: (name: string) => Rule, names: string): [string, Rule][] =>
  names.split(' ').map((pair) => {
    const [type = '', name = type] = pair.split('=');
    return [type, rule(name)];
  });

const rules: ReadonlyMap<string, Rule> = new Map([
  ...each(() => convolution(false), 'Convolution ConvolutionDepthWise'),
  ...each(() => convolution(true), 'Deconvolution DeconvolutionDepthWise'),
  ...each(() => innerProduct, 'InnerProduct'),
  ...each(() => gemm, 'Gemm'),
  ...each(() => matmul, 'MatMul'),
  ...each(() => attention, 'MultiHeadAttention'),
  ...each(() => pooling, 'Pooling'),
  ...each(() => localResponse, 'LRN'),
  ...each(() => concat, 'Concat'),
  ...each(() => binary, 'BinaryOp'),
  ...each(() => eltwise, 'Eltwise'),
  ...each(
    (name) => perElement('activation', name, 1, 'written'),
    'ReLU=Relu PReLU=PRelu Clip ELU=Elu SELU=Selu CELU=Celu Sigmoid HardSigmoid Swish HardSwish Mish TanH=Tanh GELU=Gelu Erf Softplus Shrink Threshold=ThresholdedRelu BNLL=Softplus',
  ),
  ...each(
    (name) => perElement('elementwise', name, 1, 'written'),
    'UnaryOp AbsVal=Abs Exp Log Power=Pow Cast Quantize=QuantizeLinear Dequantize=DequantizeLinear Requantize',
  ),
  ...each((name) => perElement('normalization', name, 2, 'read', 0), 'BatchNorm=BatchNormalization Scale Bias'),
  ...each(
    (name) => perElement('normalization', name, 5, 'read', 0),
    'LayerNorm=LayerNormalization RMSNorm=RMSNormalization GroupNorm=GroupNormalization InstanceNorm=InstanceNormalization MVN Normalize=LpNormalization',
  ),
  ...each((name) => perElement('softmax', name, 5, 'read'), 'Softmax'),
  ...each((name) => perElement('reduce', name, 1, 'read'), 'Reduction=ReduceMean'),
  ...each(
    (name) => perElement('data-movement', name, 0, 'read'),
    'Slice=Split Flatten Reshape Permute=Transpose ShuffleChannel Interp=Resize Padding=Pad Crop=Slice Reorg=SpaceToDepth PixelShuffle=DepthToSpace Packing PriorBox',
  ),
]);

/** Whether the work of the type is known; that of others counts one operation for each element that they write. */
export const isCounted = (type: string): boolean => rules.has(type);

/** @throws InputError when parameters and shapes contradict each other */
export function workOf(layer: Layer, outputs: readonly Shape[]): LayerWork {
  const rule = rules.get(layer.type) ?? perElement('other', null, 1, 'written');
  return { macs: 0, flops: 0, weights: 0, biases: 0, weightBytes: 4, split: null, ...rule(layer, outputs) };
}
