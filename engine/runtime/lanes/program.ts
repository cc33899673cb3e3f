// From a schedule to what each lane does: segments (runs of units on one device) in order, and between them the copies
// that hand tensors over. Pure: no threads, no sessions.

import { DataType } from '../../../base/onnx/proto.js';
import { elementBytes } from '../../../base/onnx/tensor-data.js';
import type { OperatorGraph, TensorInfo } from '../../../models/graph.js';
import type { ChannelRange } from '../../../models/split.js';
import type { Schedule } from '../../schedule.js';
import type { Operation, Region, TensorSlot } from './protocol.js';

/** What one session runs: units on one device, or some output channels of one unit. */
export interface Segment {
  /** The same for equal segments of one graph: sessions are shared by it. */
  readonly key: string;
  readonly device: 0 | 1;
  /** In the schedule's order. */
  readonly units: readonly number[];
  readonly range: ChannelRange | null;
}

export type RangesOf = (unit: number, share: number) => readonly [ChannelRange, ChannelRange];

export function segmentOf(
  graph: OperatorGraph,
  device: 0 | 1,
  units: readonly number[],
  range: ChannelRange | null,
): Segment {
  const part = range ? `[${range.from},${range.to})` : '';
  return { key: `${graph.hash}/${device}/${units.join('+')}${part}`, device, units, range };
}

/**
 * The schedule's segments, by their first unit. A unit joins the open segment of its device unless that would make
 * someone wait: when it reads what the other device computes after the segment's first unit, or when the other device
 * has, earlier in the order, a unit that reads what the segment computes. So a segment is convex, lanes cannot wait for
 * each other in a circle, and the order of a schedule says where to cut.
 */
export function compileSegments(
  graph: OperatorGraph,
  { order, share }: Schedule,
  rangesOf: RangesOf,
  maxSegmentUnits: number,
): Segment[] {
  const position = new Int32Array(graph.units.length);
  order.forEach((unit, at) => {
    position[unit] = at;
  });
  interface Draft {
    readonly device: 0 | 1;
    readonly units: number[];
    readonly range: ChannelRange | null;
  }
  const drafts: Draft[] = [];
  const open: (Draft | null)[] = [null, null];
  for (const unit of order) {
    const producers = graph.units[unit]!.inputs.flatMap((tensor) => graph.tensors[tensor]!.producer ?? []);
    const portion = share[unit]!;
    if (portion > 0 && portion < 1) {
      open.fill(null);
      rangesOf(unit, portion).forEach((range, device) => {
        drafts.push({ device: device as 0 | 1, units: [unit], range });
      });
      continue;
    }
    const device = portion as 0 | 1;
    const other = open[1 - device];
    if (other && producers.some((producer) => other.units.includes(producer))) open[1 - device] = null;
    const own = open[device];
    const joins =
      own &&
      own.units.length < maxSegmentUnits &&
      producers.every((producer) => share[producer] === device || position[producer]! < position[own.units[0]!]!);
    if (joins) own.units.push(unit);
    else drafts.push((open[device] = { device, units: [unit], range: null }));
  }
  return drafts.map(({ device, units, range }) => segmentOf(graph, device, units, range));
}

/** Lists what both lanes do, and knows at every point which device has which tensor. */
export class ProgramBuilder {
  readonly #graph: OperatorGraph;
  readonly #slotOf: ReadonlyMap<string, number>;
  /** Per tensor: the region that each device computed, or null. */
  readonly #computed: [Region | null, Region | null][];
  /** Per tensor and device, whether the whole lies there. */
  readonly #whole: Uint8Array;
  /** Per tensor and device, whether the device's region was copied into the arena. */
  readonly #sent: Uint8Array;
  #operations: [Operation[], Operation[]] = [[], []];

  constructor(graph: OperatorGraph, slotOf: ReadonlyMap<string, number>) {
    this.#graph = graph;
    this.#slotOf = slotOf;
    this.#computed = graph.tensors.map((tensor) => [tensor.producer === null ? wholeRegion(tensor) : null, null]);
    this.#whole = Uint8Array.from({ length: 2 * graph.tensors.length }, (_, i) =>
      Number(i % 2 === 0 && graph.tensors[i >> 1]!.producer === null),
    );
    this.#sent = new Uint8Array(2 * graph.tensors.length);
  }

  /** The operations since the last call. */
  take(): readonly [readonly Operation[], readonly Operation[]] {
    const taken = this.#operations;
    this.#operations = [[], []];
    return taken;
  }

  /** Fraction of the tensor on the device. */
  held(tensor: number, device: number): number {
    if (this.#whole[2 * tensor + device]) return 1;
    const region = this.#computed[tensor]![device];
    return region ? (region.rows * region.length) / Math.max(1, this.#graph.tensors[tensor]!.bytes) : 0;
  }

  /** Brings the whole tensor to the device. */
  bring(tensor: number, device: 0 | 1): void {
    if (this.#whole[2 * tensor + device]) return;
    this.send(tensor, (1 - device) as 0 | 1);
    const region = this.#computed[tensor]![1 - device]!;
    this.#operations[device].push({ kind: 'in', slot: this.#slot(tensor), region });
    this.#whole[2 * tensor + device] = 1;
  }

  /** Puts what the device computed of the tensor into the arena, once. */
  send(tensor: number, device: 0 | 1): void {
    if (this.#sent[2 * tensor + device]) return;
    const region = this.#computed[tensor]![device]!;
    this.#operations[device].push({ kind: 'out', slot: this.#slot(tensor), region });
    this.#sent[2 * tensor + device] = 1;
  }

  /** Runs the segment, whose inputs are on its device. */
  run(segment: Segment): void {
    const { device, units, range, key } = segment;
    this.#operations[device].push({ kind: 'run', key });
    for (const unit of units) {
      for (const id of this.#graph.units[unit]!.outputs) {
        const tensor = this.#graph.tensors[id]!;
        const axis = this.#graph.units[unit]!.splitAxis;
        this.#computed[id]![device] = range ? channelRegion(tensor, axis!, range) : wholeRegion(tensor);
        if (!range) this.#whole[2 * id + device] = 1;
      }
    }
  }

  #slot(tensor: number): number {
    return this.#slotOf.get(this.#graph.tensors[tensor]!.name)!;
  }
}

/** What a segment reads from outside of itself, in order. */
export function inputsOf(graph: OperatorGraph, { units }: Segment): number[] {
  return [...new Set(units.flatMap((unit) => graph.units[unit]!.inputs))].filter(
    (tensor) => !units.includes(graph.tensors[tensor]!.producer ?? -1),
  );
}

/** Both lanes' operations for a whole schedule: a tensor is sent as soon as it is computed, and fetched when needed. */
export function compileProgram(
  graph: OperatorGraph,
  { share }: Schedule,
  segments: readonly Segment[],
  slotOf: ReadonlyMap<string, number>,
): readonly [readonly Operation[], readonly Operation[]] {
  const builder = new ProgramBuilder(graph, slotOf);
  const wanted = (tensor: TensorInfo, device: 0 | 1): boolean =>
    (device === 0 && tensor.graphOutput) ||
    tensor.consumers.some((unit) => (device === 0 ? share[unit]! < 1 : share[unit]! > 0));
  for (const tensor of graph.tensors) if (tensor.producer === null && wanted(tensor, 1)) builder.send(tensor.id, 0);
  for (const segment of segments) {
    for (const tensor of inputsOf(graph, segment)) builder.bring(tensor, segment.device);
    builder.run(segment);
    for (const unit of segment.units) {
      for (const tensor of graph.units[unit]!.outputs)
        if (wanted(graph.tensors[tensor]!, (1 - segment.device) as 0 | 1)) builder.send(tensor, segment.device);
    }
  }
  for (const tensor of graph.tensors) if (tensor.graphOutput) builder.bring(tensor.id, 0);
  return builder.take();
}

function wholeRegion({ bytes }: TensorInfo): Region {
  return { rows: 1, stride: bytes, offset: 0, length: bytes };
}

export function channelRegion({ shape, bytes }: TensorInfo, axis: number, { from, to }: ChannelRange): Region {
  const rows = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const stride = bytes / rows;
  const channelBytes = stride / shape[axis]!;
  return { rows, stride, offset: from * channelBytes, length: (to - from) * channelBytes };
}

const ortTypes: Readonly<Record<string, string>> = { float: 'float32', double: 'float64' };

/**
 * A slot for every tensor of the model, one after the other in the arena; strings and sequences, which cannot lie in
 * shared memory, have none.
 */
export function slotsOf(graph: OperatorGraph): TensorSlot[] {
  let offset = 0;
  const slots: TensorSlot[] = [];
  for (const { name, type, shape, bytes } of graph.tensors) {
    const elementType = DataType[type.toUpperCase() as keyof typeof DataType] ?? DataType.UNDEFINED;
    if (elementBytes(elementType) === 0) continue;
    slots.push({ name, type: ortTypes[type] ?? type, shape, bytes, offset });
    // Starts aligned to a cache line: lanes write neighbouring tensors at the same time.
    offset += Math.ceil(bytes / 64) * 64;
  }
  return slots;
}
