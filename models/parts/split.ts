// Splits a unit along its output channels: the same operator on a slice of its weights, or of its input where a channel
// reads the one of its place or neighbours of it, computes a slice of its output. Two such parts side by side are the
// whole, whatever runs each.
import { InputError } from '../../base/errors/input-error.js';
import { makeNode, makeTensor, type NodeProto, type TensorProto } from '../../base/onnx/proto.js';
import { elementBytes, int64Tensor, rawBytes } from '../../base/onnx/tensor-data.js';
import { intAttribute } from '../analysis/node-view.js';
import type { OperatorGraph, TensorInfo, Unit } from '../graph.js';
import { type ChannelRange, channelsRead, readsAll, stackedBefore } from './channels.js';
import { boundary, type SliceSource, type SubModel, subModel, unitNodes } from './slice.js';

/**
 * Per operator, which inputs have the output channels as an axis (negative: from the end). An input of size 1 there is
 * broadcast and stays whole.
 */
const channelAxes: ReadonlyMap<string, (node: NodeProto) => Readonly<Record<number, number>>> = new Map(
  Object.entries({
    Conv: () => ({ 1: 0, 2: 0 }),
    FusedConv: () => ({ 1: 0, 2: 0, 3: 1 }),
    ConvInteger: () => ({ 1: 0, 3: 0 }),
    QLinearConv: () => ({ 3: 0, 4: 0, 5: 0, 8: 0 }),
    Gemm: (node) => ({ 1: intAttribute(node, 'transB', 0) === 1 ? 0 : 1, 2: -1 }),
    FusedGemm: (node) => ({ 1: intAttribute(node, 'transB', 0) === 1 ? 0 : 1, 2: -1 }),
    MatMul: () => ({ 1: -1 }),
    FusedMatMul: (node) => ({ 1: intAttribute(node, 'transB', 0) === 1 ? 0 : 1 }),
    MatMulInteger: () => ({ 1: -1, 3: -1 }),
  } as Record<string, (node: NodeProto) => Record<number, number>>),
);

/** Channels that CPU kernels compute at once, at most: the floats of an AVX-512 register. */
const blockChannels = 16;
/** A split can be this fine. */
const finestParts = 8;

/**
 * How a share of a unit on device 1 falls on whole channels: device 0 takes the first, device 1 the others, each at
 * least one. Channels of a convolution in groups stay with their group. The cut falls on whole blocks of channels where
 * that leaves eight steps or more: a block that is cut costs as much as a whole one on either side.
 * @throws InputError when the unit cannot be split.
 */
export function channelRanges(
  source: SliceSource,
  graph: OperatorGraph,
  id: number,
  share: number,
): readonly [ChannelRange, ChannelRange] {
  const { channels } = splittable(graph, id);
  const node = unitNodes(source, graph, id)[0]!;
  const step = stepOf(node, channels);
  const cut = Math.round(((1 - share) * channels) / step) * step;
  const bounded = Math.min(channels - step, Math.max(step, cut));
  return [
    { from: 0, to: bounded },
    { from: bounded, to: channels },
  ];
}

/**
 * Parts that a split unit can be cut into: `channelRanges` cuts between them, so a share of a whole number of parts is met.
 * @throws InputError when the unit cannot be split.
 */
export function splitSteps(source: SliceSource, graph: OperatorGraph, id: number): number {
  const { channels } = splittable(graph, id);
  return channels / stepOf(unitNodes(source, graph, id)[0]!, channels);
}

/**
 * Makes a model that computes only the channels [from, to) of the units' outputs. It reads tensors of the same names, each
 * cut to the channels that `channelsRead` gives for the first unit, and writes outputs of the same names with that many
 * channels along `splitAxis`. Units after the first work channel by channel on the outputs of those before them.
 * @throws InputError when a unit cannot be split, or the range is empty, outside, or cuts a group.
 */
export function sliceChannels(
  source: SliceSource,
  graph: OperatorGraph,
  ids: readonly number[],
  range: ChannelRange,
): SubModel {
  const axis = graph.units[ids[0]!]!.splitAxis!;
  const cut = ids.map((id) => cutUnit(source, graph, id, range));
  const { inputs, outputs } = boundary(graph, ids);
  return subModel(
    source,
    cut.flatMap(({ nodes }) => nodes),
    inputs
      .map((tensor) => ({ tensor, read: channelsRead(graph, ids[0]!, tensor.id, range) }))
      .filter(({ read }) => read.from < read.to)
      .map(({ tensor, read }) => (readsAll(graph, ids[0]!, tensor.id) ? tensor : narrowed(tensor, axis, read))),
    outputs.map((tensor) => narrowed(tensor, axis, range)),
    cut.flatMap(({ tensors }) => tensors),
  );
}

/** The unit's nodes for the channels [from, to) of its outputs, and the constants that they compute with. */
function cutUnit(
  source: SliceSource,
  graph: OperatorGraph,
  id: number,
  { from, to }: ChannelRange,
): { readonly nodes: readonly NodeProto[]; readonly tensors: readonly TensorProto[] } {
  const { unit, channels } = splittable(graph, id);
  const [first, ...others] = unitNodes(source, graph, id);
  const groups = convolutionGroups(first!);
  const grain = grainOf(first!, channels);
  if (!(from >= 0 && from < to && to <= channels && from % grain === 0 && to % grain === 0)) {
    throw new InputError(
      `models: unit ${id} "${unit.name}" has ${channels} channels in steps of ${grain}; [${from}, ${to}) is no part of them.`,
      'Give a range of whole steps.',
    );
  }
  const cutter = new Cutter(source, `${unit.name}/${from}-${to}`);
  if (first!.opType === 'LRN') {
    const read = channelsRead(graph, id, unit.inputs[0]!, { from, to });
    const nodes = cutter.trimmed(first!, { from: from - read.from, to: to - read.from }, read.to - read.from);
    return { nodes: [...nodes, ...others], tensors: cutter.tensors };
  }
  if (unit.channelReach === 'stacked') {
    const node = stackedPart(graph, unit, first!, { from, to }, cutter);
    return { nodes: [...cutter.nodes, node, ...others], tensors: cutter.tensors };
  }
  const input = [...first!.input];
  for (const [position, channelAxis] of Object.entries(channelAxes.get(first!.opType)?.(first!) ?? {})) {
    const name = input[Number(position)];
    if (!name) continue;
    // What is computed has the part's channels already where the unit reads these alone.
    const whole = unit.channelReach === null ? graph.tensors.find((tensor) => tensor.name === name)?.shape : [];
    input[Number(position)] = cutter.cut(name, channelAxis, channels, { from, to }, whole);
  }
  const attribute = first!.attribute.map((each) =>
    each.name === 'group' && groups > 1 ? { ...each, i: BigInt((to - from) / grain) } : each,
  );
  return { nodes: [...cutter.nodes, { ...first!, input, attribute }, ...others], tensors: cutter.tensors };
}

/** The Concat with those of its inputs that lie in [from, to), and of these the channels that do. */
function stackedPart(
  graph: OperatorGraph,
  { id, splitAxis, inputs }: Unit,
  node: NodeProto,
  { from, to }: ChannelRange,
  cutter: Cutter,
): NodeProto {
  const input = inputs.flatMap((tensor) => {
    const { name, shape } = graph.tensors[tensor]!;
    const size = shape[splitAxis!]!;
    const before = stackedBefore(graph, id, tensor);
    const part = { from: Math.max(0, from - before), to: Math.min(size, to - before) };
    if (part.from >= part.to) return [];
    // Where its channels lie along another axis, all of them are read.
    return readsAll(graph, id, tensor) ? [cutter.cut(name, splitAxis!, size, part, shape)] : [name];
  });
  return { ...node, input };
}

/** The tensor with these channels alone; one without any stays as it is. */
const narrowed = (tensor: TensorInfo, axis: number, { from, to }: ChannelRange): TensorInfo =>
  to - from >= tensor.shape[axis]! ? tensor : { ...tensor, shape: tensor.shape.with(axis, to - from) };

function splittable(graph: OperatorGraph, id: number): { unit: Unit; channels: number } {
  const unit = graph.units[id]!;
  const axis = unit.splitAxis;
  if (axis === null || !(channelAxes.has(unit.opTypes[0]!) || unit.channelReach !== null)) {
    throw new InputError(
      `models: unit ${id} "${unit.name}" (${unit.opTypes[0]}) cannot be split along its output channels.`,
      'Run it whole: a share of 0 or 1.',
    );
  }
  return { unit, channels: graph.tensors[unit.outputs[0]!]!.shape[axis]! };
}

/** Channels can be cut at multiples of this: a dense convolution's anywhere, a depthwise one's between its groups. */
function grainOf(node: NodeProto, channels: number): number {
  const groups = convolutionGroups(node);
  return groups === 1 ? 1 : channels / groups;
}

/** What `channelRanges` cuts at multiples of: whole groups, in blocks of channels. */
function stepOf(node: NodeProto, channels: number): number {
  const grain = grainOf(node, channels);
  // Nothing is computed: its cuts follow those of its inputs.
  return node.opType === 'Concat' ? grain : channelStep(channels, grain);
}

/** Channels that parts of a unit are whole numbers of. @param grain channels that stay together, those of a group */
export function channelStep(channels: number, grain = 1): number {
  let block = blockChannels;
  while (block > grain && (channels % block !== 0 || channels / block < finestParts || block % grain !== 0)) block /= 2;
  return Math.max(grain, block);
}

function convolutionGroups(node: NodeProto): number {
  return intAttribute(node, 'group', 1);
}

/** Slices what the parts of a unit read: a constant into a smaller constant, anything else by a Slice node. */
class Cutter {
  readonly nodes: NodeProto[] = [];
  readonly tensors: TensorProto[] = [];
  readonly #source: SliceSource;
  readonly #prefix: string;
  /** Slice has its ranges as attributes before opset 10, as inputs since. */
  readonly #opset: number;

  constructor(source: SliceSource, prefix: string) {
    this.#source = source;
    this.#prefix = prefix;
    const standard = source.model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
    this.#opset = Number(standard?.version ?? 0);
  }

  /** The name of the part; the tensor's own where it has not `size` channels. `shape`: of a tensor that is no constant. */
  cut(name: string, axis: number, size: number, { from, to }: ChannelRange, shape: readonly number[] = []): string {
    const constant = this.#source.initializers.get(name);
    const dims = constant?.dims.map(Number) ?? shape;
    const at = axis < 0 ? dims.length + axis : axis;
    if (dims[at] !== size) return name;
    const sliced = `${this.#prefix}/${name}`;
    if (constant) {
      const bytes = sliceBytes(rawBytes(constant), dims, at, elementBytes(constant.dataType), from, to);
      this.tensors.push(makeTensor(sliced, constant.dataType, dims.with(at, to - from), bytes));
      return sliced;
    }
    this.nodes.push(this.#slice(name, sliced, at, { from, to }));
    return sliced;
  }

  /** The operator on `size` channels, of whose output only `kept` is left: the others were read for their neighbours. */
  trimmed(node: NodeProto, kept: ChannelRange, size: number): NodeProto[] {
    if (kept.to - kept.from === size) return [node];
    const made = `${this.#prefix}/${node.output[0]!}`;
    return [{ ...node, output: [made] }, this.#slice(made, node.output[0]!, 1, kept)];
  }

  #slice(name: string, sliced: string, axis: number, { from, to }: ChannelRange): NodeProto {
    const node = { name: `${this.#prefix}/Slice/${sliced}` };
    if (this.#opset < 10)
      return makeNode('Slice', [name], [sliced], { starts: [from], ends: [to], axes: [axis] }, node);
    const bounds = [from, to, axis].map((value, i) => int64Tensor(`${node.name}/${i}`, [1], [value]));
    this.tensors.push(...bounds);
    return makeNode('Slice', [name, ...bounds.map((bound) => bound.name)], [sliced], {}, node);
  }
}

function sliceBytes(
  bytes: Uint8Array,
  shape: readonly number[],
  axis: number,
  elementSize: number,
  from: number,
  to: number,
): Uint8Array {
  const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
  const rows = product(shape.slice(0, axis));
  const step = product(shape.slice(axis + 1)) * elementSize;
  const size = shape[axis]! * step;
  const length = (to - from) * step;
  const out = new Uint8Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const start = row * size + from * step;
    out.set(bytes.subarray(start, start + length), row * length);
  }
  return out;
}
