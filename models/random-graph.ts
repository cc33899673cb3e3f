// Random operator graphs for property tests: no ONNX behind them, but every rule of a graph kept, and fan-out as high as
// asked. A planner that is right on a thousand of them is not right by the shape of five networks.
import type { Stream } from '../base/random/stream.js';
import { makeGraph, type OpClass, type OperatorGraph, type TensorDraft, type Unit } from './graph.js';

export interface RandomGraphOptions {
  /** How many units, at least 1. */
  readonly units: number;
  /** The most units that read one tensor; 4 unless given. */
  readonly maxFanOut?: number;
}

/** Classes by how often they are drawn, with the ONNX operator that stands for each and its operations per byte written. */
const kinds: readonly { opClass: OpClass; opType: string; weight: number; flopsPerByte: number; splits: boolean }[] = [
  { opClass: 'conv', opType: 'Conv', weight: 6, flopsPerByte: 300, splits: true },
  { opClass: 'depthwise-conv', opType: 'Conv', weight: 3, flopsPerByte: 5, splits: true },
  { opClass: 'matmul', opType: 'MatMul', weight: 3, flopsPerByte: 200, splits: true },
  { opClass: 'activation', opType: 'Relu', weight: 5, flopsPerByte: 0.25, splits: false },
  { opClass: 'elementwise', opType: 'Add', weight: 4, flopsPerByte: 0.25, splits: false },
  { opClass: 'data-movement', opType: 'Transpose', weight: 2, flopsPerByte: 0, splits: false },
  { opClass: 'control-flow', opType: 'If', weight: 0.5, flopsPerByte: 0.25, splits: false },
];

/** A graph whose units, costs and edges are drawn from `stream`; tensors that nobody reads are graph outputs. */
export function randomGraph(stream: Stream, { units: count, maxFanOut = 4 }: RandomGraphOptions): OperatorGraph {
  const drafts: TensorDraft[] = [];
  /** How many more units may read each tensor. */
  const room: number[] = [];
  const addTensor = (name: string): number => {
    const elements = 2 ** (4 + stream.integer(13));
    // A few tensors are hubs: without them a high fan-out would never be reached.
    room.push(stream.uniform() < 0.15 ? maxFanOut : 1 + stream.integer(Math.min(2, maxFanOut)));
    return drafts.push({ name, type: 'float', shape: [1, elements], bytes: 4 * elements, graphOutput: false }) - 1;
  };
  const reads = new Map<number, number>();
  const pickInput = (taken: readonly number[]): number => {
    const open = room.flatMap((left, tensor) => (left > 0 && !taken.includes(tensor) ? [tensor] : []));
    if (open.length === 0) return addTensor(`input${drafts.length}`);
    const hub = open.reduce((best, tensor) => ((reads.get(tensor) ?? 0) > (reads.get(best) ?? 0) ? tensor : best));
    const draw = stream.uniform();
    return draw < 0.35 ? hub : draw < 0.65 ? open.at(-1)! : open[stream.integer(open.length)]!;
  };

  addTensor('input0');
  const units = Array.from({ length: count }, (_, id): Unit => {
    const inputs: number[] = [];
    for (let left = stream.uniform() < 0.3 ? 2 : 1; left > 0; left--) {
      const input = pickInput(inputs);
      inputs.push(input);
      room[input]!--;
      reads.set(input, (reads.get(input) ?? 0) + 1);
    }
    const outputs = Array.from({ length: stream.uniform() < 0.1 ? 2 : 1 }, (_, index) => addTensor(`t${id}.${index}`));
    return randomUnit(stream, id, inputs, outputs, drafts);
  });
  const produced = new Set(units.flatMap((unit) => unit.outputs));
  const marked = drafts.map((draft, id) => ({
    ...draft,
    graphOutput: produced.has(id) && (!reads.has(id) || stream.uniform() < 0.05),
  }));
  return makeGraph('operator', units, marked);
}

function randomUnit(
  stream: Stream,
  id: number,
  inputs: readonly number[],
  outputs: readonly number[],
  drafts: readonly TensorDraft[],
): Unit {
  const kind = pickKind(stream);
  const bytesOf = (tensors: readonly number[]): number =>
    tensors.reduce((sum, tensor) => sum + drafts[tensor]!.bytes, 0);
  const bytesWritten = bytesOf(outputs);
  const weightBytes = kind.splits ? 4 * 2 ** (6 + stream.integer(14)) : 0;
  const bytesRead = bytesOf(inputs) + weightBytes;
  const macs = kind.splits ? Math.round((kind.flopsPerByte * bytesWritten * (0.5 + stream.uniform())) / 2) : 0;
  const flops = kind.splits ? 2 * macs : kind.flopsPerByte * bytesWritten;
  return {
    id,
    name: `${kind.opType}_${id}`,
    opClass: kind.opClass,
    nodes: [`${kind.opType}_${id}`],
    opTypes: [kind.opType],
    inputs,
    outputs,
    macs,
    flops,
    bytesRead,
    bytesWritten,
    weightBytes,
    intensity: flops / (bytesRead + bytesWritten),
    activationSparsity: stream.uniform(),
    weightSparsity: weightBytes > 0 ? stream.uniform() : 0,
    splitAxis: kind.splits ? 1 : null,
    channelReach: kind.opClass === 'depthwise-conv' ? 0 : null,
    onlyOn: kind.opClass === 'control-flow' ? 0 : null,
  };
}

function pickKind(stream: Stream): (typeof kinds)[number] {
  let left = stream.uniform() * kinds.reduce((sum, kind) => sum + kind.weight, 0);
  return kinds.find((kind) => (left -= kind.weight) < 0) ?? kinds[0]!;
}
