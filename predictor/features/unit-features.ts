// Features of a unit of an operator graph. They do not depend on the model, so a predictor fitted to some models works on others.
import { memoize } from '../../base/functions/memoize.js';
import { type OpClass, type OperatorGraph, opClasses, type TensorInfo } from '../../models/graph.js';
import { localArena } from '../arenas/local-arena.js';

/**
 * Features that measurements of single operators have too. `class` is an index into opClasses, `operator` into
 * knownOperators. Channels and pixels are of the first output; input channels and pixels are of the largest input. `window`
 * is multiply-accumulates per output element and input channel: for a convolution, kernel height x width / groups.
 */
export const operatorFeatures = [
  'class',
  'flops',
  'bytes',
  'intensity',
  'macs',
  'activationBytes',
  'weightBytes',
  'outputBytes',
  'channels',
  'pixels',
  'nodes',
  'operator',
  'inputs',
  'inputChannels',
  'inputPixels',
  'window',
] as const;

/**
 * `columns` is the last dimension of the output: kernels work along rows, and treat their ends apart. `footprint` is the bytes
 * of all weights of the model and of its planned arena: what fits a cache is in it still when the next unit, or the next
 * execution, reads it.
 */
export const unitFeatures = [...operatorFeatures, 'columns', 'footprint'] as const;

/**
 * The neighbours of the unit, for times within one session of the whole model, where kernels are fused further: the class of the
 * unit that writes its largest input and of the first that reads its first output (-1 for none), and the number of readers of
 * each; the `window` and `alignment` of the last multiplying unit before it (0 for none). Units after a grouped convolution are
 * fused less, and not at all if channels do not fill blocks. `alignment` is the largest power of two that divides the output
 * channels of a group, at most 64; the unit's own comes first. `plainInputs` is the number of inputs that are not in blocks of
 * channels: layouts change between the two, and a unit that reads both is not fused.
 */
export const contextFeatures = [
  'alignment',
  'producerClass',
  'inputReaders',
  'readerClass',
  'outputReaders',
  'sourceWindow',
  'sourceAlignment',
  'plainInputs',
] as const;

/** A row: `unitFeatures`, then `contextFeatures`. A predictor reads the first of these, as many as it was fitted to. */
export const rowFeatures = [...unitFeatures, ...contextFeatures] as const;

/** First operators of units that differ though their class, work and shape are equal; any other is -1. */
export const knownOperators: readonly string[] = [
  ...['Conv', 'Gemm', 'MatMul', 'LayerNormalization', 'LRN', 'Softmax', 'MaxPool', 'AveragePool', 'GlobalAveragePool'],
  ...['Relu', 'Clip', 'HardSwish', 'HardSigmoid', 'Sigmoid', 'Tanh', 'Erf', 'Add', 'Sum', 'Mul', 'Div', 'Sub'],
  ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity'],
  ...['Transpose', 'Concat', 'Split', 'Slice', 'Gather', 'Pad', 'Resize', 'Expand', 'ReduceMean', 'Cast'],
];
const codeOf = new Map(knownOperators.map((name, code) => [name, code]));

/** Rows of `unitFeatures` for whole units, one after the other: [units x features]. */
export function unitFeatureRows(graph: OperatorGraph): Float64Array {
  const row = new Float64Array(rowFeatures.length);
  const rows = new Float64Array(graph.units.length * unitFeatures.length);
  for (const { id } of graph.units) {
    fillUnitRow(graph, id, 1, row);
    rows.set(row.subarray(0, unitFeatures.length), id * unitFeatures.length);
  }
  return rows;
}

/**
 * Writes one row of `rowFeatures` to `out` at `offset`.
 * @param share fraction of the output channels that is computed; work, weights and output shrink with it, inputs do not
 */
export function fillUnitRow(graph: OperatorGraph, id: number, share: number, out: Float64Array, offset = 0): void {
  const unit = graph.units[id]!;
  const output = graph.tensors[unit.outputs[0]!];
  const shape = output?.shape ?? [];
  const elements = elementsOf(shape);
  const channels = channelsOf(graph, id);
  const flops = share * unit.flops;
  const activationBytes = unit.bytesRead - unit.weightBytes;
  const bytes = activationBytes + share * (unit.weightBytes + unit.bytesWritten);
  const input = largestInput(graph, id);
  const inputShape = input?.shape ?? [];
  const inputChannels = inputShape[1] ?? 1;
  let at = offset;
  out[at++] = opClasses.indexOf(unit.opClass);
  out[at++] = flops;
  out[at++] = bytes;
  out[at++] = flops / Math.max(1, bytes);
  out[at++] = share * unit.macs;
  out[at++] = activationBytes;
  out[at++] = share * unit.weightBytes;
  out[at++] = share * unit.bytesWritten;
  out[at++] = share * channels;
  out[at++] = elements / Math.max(1, channels);
  out[at++] = unit.nodes.length;
  out[at++] = codeOf.get(unit.opTypes[0]!) ?? -1;
  out[at++] = unit.inputs.length;
  out[at++] = inputChannels;
  out[at++] = elementsOf(inputShape) / Math.max(1, inputChannels);
  out[at++] = windowOf(graph, id);
  out[at++] = shape.at(-1) ?? 1;
  out[at++] = footprintOf(graph);
  out[at++] = alignmentOf(graph, id);
  out[at++] = classOf(graph, input?.producer);
  out[at++] = input?.consumers.length ?? 0;
  out[at++] = classOf(graph, output?.consumers[0]);
  out[at++] = output?.consumers.length ?? 0;
  let source = input?.producer ?? null;
  while (source !== null && graph.units[source]!.macs === 0) source = largestInput(graph, source)?.producer ?? null;
  out[at++] = source === null ? 0 : windowOf(graph, source);
  out[at++] = source === null ? 0 : alignmentOf(graph, source);
  const blocked = blockedOf(graph);
  let plain = 0;
  for (const tensor of unit.inputs) if (!blocked[graph.tensors[tensor]!.producer ?? -1]) plain++;
  out[at++] = plain;
}

function channelsOf(graph: OperatorGraph, id: number): number {
  const { outputs, splitAxis } = graph.units[id]!;
  return graph.tensors[outputs[0]!]?.shape[splitAxis ?? 1] ?? 1;
}

function alignmentOf(graph: OperatorGraph, id: number): number {
  const channels = channelsOf(graph, id);
  const inGroup = channels / groupsOf(graph, id, channels);
  return Math.min(64, inGroup & -inGroup);
}

const windows = [1, 3, 5, 7].map((kernel) => kernel ** 2);

/** Groups of a convolution. The graph has kernel height x width / groups only; the smallest usual kernel that fits is assumed. */
function groupsOf(graph: OperatorGraph, id: number, channels: number): number {
  const { opClass } = graph.units[id]!;
  if (opClass === 'depthwise-conv') return channels;
  const window = windowOf(graph, id);
  if (opClass !== 'conv' || window === 0) return 1;
  for (const size of windows) {
    const groups = Math.round((1e6 * size) / window) / 1e6;
    if (channels % groups === 0) return groups;
  }
  return 1;
}

/** Channels that ONNX Runtime's convolutions take together on a CPU: 16 with AVX-512, 8 with less (`MlasNchwcGetBlockSize`). */
const block = 16;
const keepers: ReadonlySet<OpClass> = new Set(['activation', 'elementwise', 'pool']);

/** Per unit, 1 if its output has its channels in blocks: convolutions make blocks, and later units keep them if they can. */
const blockedOf = memoize((graph: OperatorGraph): Uint8Array => {
  const blocked = new Uint8Array(graph.units.length);
  for (const { id, opClass, opTypes, inputs } of graph.units) {
    if (makesBlocks(graph, id)) blocked[id] = 1;
    else if (keepers.has(opClass) || opTypes[0] === 'Concat')
      blocked[id] = Number(inputs.every((tensor) => blocked[graph.tensors[tensor]!.producer ?? -1]));
  }
  return blocked;
});

function makesBlocks(graph: OperatorGraph, id: number): boolean {
  const channels = channelsOf(graph, id);
  const { opClass } = graph.units[id]!;
  if (opClass === 'depthwise-conv') return channels % block === 0;
  return opClass === 'conv' && (groupsOf(graph, id, channels) === 1 || alignmentOf(graph, id) >= block);
}

const footprintOf = memoize((graph: OperatorGraph): number => {
  const all = graph.units.map(({ id }) => id);
  let bytes = localArena(graph, all).peakBytes;
  for (const { weightBytes } of graph.units) bytes += weightBytes;
  return bytes;
});

function largestInput(graph: OperatorGraph, id: number): TensorInfo | undefined {
  let largest: TensorInfo | undefined;
  for (const tensor of graph.units[id]!.inputs)
    if (!largest || graph.tensors[tensor]!.bytes > largest.bytes) largest = graph.tensors[tensor]!;
  return largest;
}

function windowOf(graph: OperatorGraph, id: number): number {
  const { macs, outputs } = graph.units[id]!;
  const elements = elementsOf(graph.tensors[outputs[0]!]?.shape ?? []);
  return macs / Math.max(1, elements * (largestInput(graph, id)?.shape[1] ?? 1));
}

function elementsOf(shape: readonly number[]): number {
  let elements = 1;
  for (const size of shape) elements *= size;
  return elements;
}

function classOf(graph: OperatorGraph, unit: number | null | undefined): number {
  return unit === null || unit === undefined ? -1 : opClasses.indexOf(graph.units[unit]!.opClass);
}
