// For tests: a float32 network as exporters and quantisers write it in narrower numbers.

import { halfTensorOf } from '../base/onnx/half.js';
import {
  type AttributeValue,
  DataType,
  type ModelProto,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
} from '../base/onnx/proto.js';
import { float32Tensor, numbersOf } from '../base/onnx/tensor-data.js';
import { Stream } from '../base/random/stream.js';

/** A network of convolutions, drawn from the seed: residual, pooled, with an activation after some. */
export function smallNetwork(seed: number, { size = 12, opset = 17 } = {}): ModelProto {
  const random = Stream.of(seed, 'small-network');
  const nodes: NodeProto[] = [];
  const constants: TensorProto[] = [];
  const weights = (name: string, dims: readonly number[]): string => {
    const length = dims.reduce((a, b) => a * b, 1);
    constants.push(
      float32Tensor(
        name,
        dims,
        Float32Array.from({ length }, () => random.normal() / 4),
      ),
    );
    return name;
  };
  let count = 0;
  const add = (opType: string, input: readonly string[], attributes: Record<string, AttributeValue> = {}): string => {
    const name = `${opType.toLowerCase()}${count++}`;
    nodes.push(makeNode(opType, input, [`${name}_out`], attributes, { name }));
    return `${name}_out`;
  };
  const conv = (x: string, channels: number, read: number): string => {
    const own = count;
    const constant = [weights(`w${own}`, [channels, read, 3, 3]), weights(`b${own}`, [channels])];
    return add('Conv', [x, ...constant], { pads: [1, 1, 1, 1], kernel_shape: [3, 3] });
  };
  let x = add('Relu', [conv('x', 8, 3)]);
  for (let block = 0; block < 3; block++) {
    const made = conv(x, 8, 8);
    const active = random.uniform() < 0.6 ? add('Relu', [made]) : made;
    x = random.uniform() < 0.6 ? add('Add', [x, active]) : active;
    if (random.uniform() < 0.3) x = add('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
  }
  const flat = add('Flatten', [add('GlobalAveragePool', [x])]);
  const y = add('Gemm', [flat, weights('wy', [8, 5]), weights('by', [5])]);
  return makeModel(
    {
      name: 'small',
      nodes,
      inputs: [makeValueInfo('x', DataType.FLOAT, [1, 3, size, size])],
      outputs: [makeValueInfo(y, DataType.FLOAT, [1, 5])],
      initializers: constants,
    },
    { '': opset },
    9,
  );
}

/**
 * The network in half precision, in place.
 * @param islands nodes that stay in single precision, between casts
 */
export function inHalf(model: ModelProto, islands: ReadonlySet<string> = new Set()): ModelProto {
  const graph = model.graph!;
  const kept = new Set(graph.node.filter(({ name }) => islands.has(name)).flatMap(({ input }) => input.slice(1)));
  const isConstant = new Set(graph.initializer.map(({ name }) => name));
  graph.initializer = graph.initializer.map((each) =>
    kept.has(each.name) || each.dataType !== DataType.FLOAT ? each : halfTensorOf(each, each.name),
  );
  for (const { type } of [...graph.input, ...graph.output])
    if (type?.value.case === 'tensorType') type.value.value.elemType = DataType.FLOAT16;
  graph.node = graph.node.flatMap((node) => {
    if (!islands.has(node.name)) return [node];
    const up = node.input
      .filter((name) => !isConstant.has(name))
      .map((name) => makeNode('Cast', [name], [`${name}/${node.name}`], { to: DataType.FLOAT }));
    node.input = node.input.map((name) => (isConstant.has(name) ? name : `${name}/${node.name}`));
    const out = node.output[0]!;
    node.output = [`${out}/wide`];
    return [...up, node, makeNode('Cast', [`${out}/wide`], [out], { to: DataType.FLOAT16 }, { name: `${out}/cast` })];
  });
  return model;
}

export interface QuantisingOptions {
  /** Nodes that stay in floating point. Default: none. */
  readonly skipped?: ReadonlySet<string>;
  /** Integers that weights become: INT8 (default; one scale for each channel) or UINT8 (one scale and zero point). */
  readonly weights?: 'int8' | 'uint8';
  /** Weights as floats with both operators, as training with quantisation leaves them. */
  readonly floatWeights?: boolean;
}

const activationScale = 1 / 16;

/** The network with QuantizeLinear and DequantizeLinear around every operator, in place; pairs are shared by readers. */
export function inQdq(model: ModelProto, { skipped = new Set(), ...how }: QuantisingOptions = {}): ModelProto {
  const graph = model.graph!;
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const nodes: NodeProto[] = [];
  const made = new Map<string, TensorProto>([
    ['scale', float32Tensor('scale', [], Float32Array.of(activationScale))],
    ['zero', makeTensor('zero', DataType.UINT8, [], Uint8Array.of(128))],
  ]);
  const paired = new Set<string>();
  const pair = (name: string): string => {
    if (!paired.has(name)) {
      nodes.push(makeNode('QuantizeLinear', [name, 'scale', 'zero'], [`${name}/q`]));
      nodes.push(makeNode('DequantizeLinear', [`${name}/q`, 'scale', 'zero'], [`${name}/dq`]));
    }
    paired.add(name);
    return `${name}/dq`;
  };
  for (const node of graph.node) {
    const inputs = node.input;
    if (!skipped.has(node.name)) {
      node.input = inputs.map((name, position) => {
        const constant = constants.get(name);
        if (!constant) return pair(name);
        return position === 1 ? quantisedWeights(constant, node, how, nodes, made) : name;
      });
    }
    nodes.push(node);
  }
  // The output is quantised too: what the last operator writes gets another name.
  const [output] = graph.output;
  const last = nodes.find((node) => node.output.includes(output!.name))!;
  if (!skipped.has(last.name)) {
    last.output = [`${output!.name}/wide`];
    nodes.push(makeNode('QuantizeLinear', [`${output!.name}/wide`, 'scale', 'zero'], [`${output!.name}/q`]));
    nodes.push(makeNode('DequantizeLinear', [`${output!.name}/q`, 'scale', 'zero'], [output!.name]));
  }
  graph.node = nodes;
  const read = new Set(nodes.flatMap(({ input }) => input));
  graph.initializer = [...constants.values(), ...made.values()].filter(({ name }) => read.has(name));
  return model;
}

/** Adds the weights' integers and their DequantizeLinear; returns the name of what it makes. */
function quantisedWeights(
  tensor: TensorProto,
  node: NodeProto,
  { weights = 'int8', floatWeights = false }: QuantisingOptions,
  nodes: NodeProto[],
  made: Map<string, TensorProto>,
): string {
  const { name } = tensor;
  const dims = tensor.dims.map(Number);
  const perChannel = weights === 'int8' && node.opType === 'Conv';
  const channels = perChannel ? dims[0]! : 1;
  const scales = Float32Array.from({ length: channels }, (_, channel) => (1 + channel / channels) / 100);
  const zero = weights === 'int8' ? 0 : 128;
  const type = weights === 'int8' ? DataType.INT8 : DataType.UINT8;
  const numbers = numbersOf(tensor)!;
  const share = numbers.length / channels;
  const integers = Uint8Array.from(numbers, (value, i) => {
    const step = Math.round(value / scales[perChannel ? Math.floor(i / share) : 0]!);
    return Math.min(127, Math.max(-127, step)) + zero;
  });
  const settingDims = perChannel ? [channels] : [];
  made.set(`${name}/s`, float32Tensor(`${name}/s`, settingDims, scales));
  made.set(`${name}/z`, makeTensor(`${name}/z`, type, settingDims, new Uint8Array(channels).fill(zero)));
  made.set(`${name}/i`, makeTensor(`${name}/i`, type, dims, integers));
  const settings = [`${name}/s`, `${name}/z`];
  const attributes: Record<string, AttributeValue> = perChannel ? { axis: 0 } : {};
  if (floatWeights) nodes.push(makeNode('QuantizeLinear', [name, ...settings], [`${name}/i`], attributes));
  if (floatWeights) made.delete(`${name}/i`);
  nodes.push(makeNode('DequantizeLinear', [`${name}/i`, ...settings], [`${name}/dq`], attributes));
  return `${name}/dq`;
}
