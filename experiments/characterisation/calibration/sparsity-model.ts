// Models whose units are the same layers over and over, with ever more zeros in the weights or in what they read, and with
// ever fewer channels: what a device gains from each is a comparison of units that are measured in turn.
import {
  DataType,
  encodeModel,
  makeModel,
  makeNode,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
} from '../../../base/onnx/proto.js';
import { float32Tensor } from '../../../base/onnx/tensor-data.js';
import { Rng } from '../../../base/random/rng.js';
import { prune, uniformWeights } from '../../../models/builders/weights.js';
import type { OpClass } from '../../../models/graph.js';

export const zeroFractions = [0, 0.25, 0.5, 0.75, 0.9, 0.99] as const;
export const keptFractions = [1, 0.75, 0.5, 0.25, 0.125] as const;

/** `weights`, `activations`: a fraction of zeros in a dense layer. `channels`: a fraction of the channels removed. */
export type SparsityKind = 'weights' | 'activations' | 'channels';

/** A layer at one fraction. */
export interface SparsityCase {
  readonly node: string;
  /** Its places in the model. */
  readonly nodes: readonly string[];
  readonly opClass: OpClass;
  readonly zeros: SparsityKind;
  /** Of zeros, or of channels removed. */
  readonly fraction: number;
}

export interface SparsityModel {
  readonly bytes: Uint8Array;
  readonly cases: readonly SparsityCase[];
  /** Fraction of zeros of each input, by name. */
  readonly inputs: ReadonlyMap<string, { readonly shape: readonly number[]; readonly zeros: number }>;
}

interface Layer {
  readonly opClass: OpClass;
  readonly opType: string;
  readonly input: (channels: number) => readonly number[];
  readonly output: (channels: number) => readonly number[];
  /** Shapes of the weights by the channels read and written, which are equal. */
  readonly weights: (channels: number) => readonly (readonly number[])[];
  readonly attributes?: (channels: number) => Parameters<typeof makeNode>[3];
}

/** Sizes of layers in the middle of published networks. */
const channels = 128;
const extent = 28;
const image = (c: number): readonly number[] => [1, c, extent, extent];
const rows = (c: number): readonly number[] => [196, c];
const conv = (kernel: number, groups: (c: number) => number) => ({
  input: image,
  output: image,
  weights: (c: number) => [[c, c / groups(c), kernel, kernel]],
  attributes: (c: number) => ({
    kernel_shape: [kernel, kernel],
    pads: [kernel >> 1, kernel >> 1, kernel >> 1, kernel >> 1],
    group: groups(c),
  }),
});

const layers: Readonly<Record<string, Layer>> = {
  conv1x1: { opClass: 'conv', opType: 'Conv', ...conv(1, () => 1) },
  conv3x3: { opClass: 'conv', opType: 'Conv', ...conv(3, () => 1) },
  depthwise3x3: { opClass: 'depthwise-conv', opType: 'Conv', ...conv(3, (c) => c) },
  gemm: { opClass: 'gemm', opType: 'Gemm', input: rows, output: rows, weights: (c) => [[c, c]] },
  matmul: { opClass: 'matmul', opType: 'MatMul', input: rows, output: rows, weights: (c) => [[c, c]] },
  layernorm: {
    opClass: 'normalization',
    opType: 'LayerNormalization',
    input: rows,
    output: rows,
    weights: (c) => [[c], [c]],
  },
  softmax: { opClass: 'softmax', opType: 'Softmax', input: rows, output: rows, weights: () => [] },
  relu: { opClass: 'activation', opType: 'Relu', input: image, output: image, weights: () => [] },
  mul: { opClass: 'elementwise', opType: 'Mul', input: image, output: image, weights: (c) => [[1, c, 1, 1]] },
  maxpool: {
    opClass: 'pool',
    opType: 'MaxPool',
    input: image,
    output: image,
    weights: () => [],
    attributes: () => ({ kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] }),
  },
  transpose: {
    opClass: 'data-movement',
    opType: 'Transpose',
    input: image,
    output: (c) => [1, extent, extent, c],
    weights: () => [],
    attributes: () => ({ perm: [0, 2, 3, 1] }),
  },
};

/** Layers whose channels a pruned network has fewer of. */
const pruned: readonly string[] = ['conv1x1', 'conv3x3', 'depthwise3x3', 'gemm', 'matmul'];

/**
 * All cases as one model, in which no layer reads another.
 * @param places so often stands each case in it, at places drawn at random: what ran before a layer matters too
 */
export function sparsityModel(places: number): SparsityModel {
  const nodes: NodeProto[] = [];
  const constants: TensorProto[] = [];
  const outputs: { readonly name: string; readonly shape: readonly number[] }[] = [];
  const inputs = new Map<string, { readonly shape: readonly number[]; readonly zeros: number }>();
  const cases: SparsityCase[] = [];
  const add = (name: string, zeros: SparsityKind, fraction: number): void => {
    const layer = layers[name]!;
    const width = zeros === 'channels' ? channels * (1 - fraction) : channels;
    const shape = layer.input(width);
    const activationZeros = zeros === 'activations' ? fraction : 0;
    // Of its own kind and fraction: what many layers read lies in a cache for all of them.
    const input = `x_${shape.join('x')}_${zeros}_${fraction}`;
    inputs.set(input, { shape, zeros: activationZeros });
    const node = `${name}_${zeros}_${fraction}`;
    const weights = layer.weights(width).map((dims, at) => {
      const values = uniformWeights(
        Rng.of(0, 'sparsity', node, at),
        dims.reduce((a, b) => a * b, 1),
        0,
        0.1,
      );
      prune(values, zeros === 'weights' ? fraction : 0);
      const tensor = float32Tensor(`${node}.w${at}`, [...dims], values);
      constants.push(tensor);
      return tensor.name;
    });
    for (let place = 0; place < places; place++) {
      const y = `${node}/${place}`;
      nodes.push(makeNode(layer.opType, [input, ...weights], [`${y}.y`], layer.attributes?.(width) ?? {}, { name: y }));
      outputs.push({ name: `${y}.y`, shape: layer.output(width) });
    }
    const own = Array.from({ length: places }, (_, place) => `${node}/${place}`);
    cases.push({ node, nodes: own, opClass: layer.opClass, zeros, fraction });
  };
  for (const name of Object.keys(layers)) {
    for (const fraction of zeroFractions) {
      add(name, 'activations', fraction);
      if (layers[name]!.weights(channels).length > 0) add(name, 'weights', fraction);
    }
    if (pruned.includes(name)) for (const kept of keptFractions) add(name, 'channels', 1 - kept);
  }
  const model = makeModel(
    {
      name: 'sparsity',
      nodes: Rng.of(0, 'sparsity', 'places').shuffle(nodes),
      inputs: [...inputs].map(([name, { shape }]) => makeValueInfo(name, DataType.FLOAT, [...shape])),
      outputs: outputs.map(({ name, shape }) => makeValueInfo(name, DataType.FLOAT, [...shape])),
      initializers: constants,
    },
    { '': 17 },
    8,
  );
  return { bytes: encodeModel(model), cases, inputs };
}
