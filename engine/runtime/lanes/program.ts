// From a schedule to what each lane does: segments (runs of units on one lane) in order, and between them the copies
// that hand tensors over. Pure: no threads, no sessions.

import { DataType } from '../../../base/onnx/proto.js';
import { elementBytes } from '../../../base/onnx/tensor-data.js';
import type { OperatorGraph, TensorInfo } from '../../../models/graph.js';
import type { ChannelRange } from '../../../models/split.js';
import type { Schedule } from '../../schedule.js';
import { type LaneSpec, placesOf } from './layout.js';
import type { Operation, Region, TensorSlot } from './protocol.js';

/** What one session runs: units on one lane, or some output channels of one unit. */
export interface Segment {
  /** The same for equal segments of one graph: sessions are shared by it. */
  readonly key: string;
  readonly lane: number;
  /** In the schedule's order. */
  readonly units: readonly number[];
  readonly range: ChannelRange | null;
  /** Of the units' outputs that it computes: less than 1 for a range of channels. */
  readonly fraction: number;
}

export type RangesOf = (unit: number, share: number) => readonly [ChannelRange, ChannelRange];

export function segmentOf(
  graph: OperatorGraph,
  lane: number,
  units: readonly number[],
  range: ChannelRange | null,
): Segment {
  const part = range ? `[${range.from},${range.to})` : '';
  const { splitAxis, outputs } = graph.units[units[0]!]!;
  const fraction = range ? (range.to - range.from) / graph.tensors[outputs[0]!]!.shape[splitAxis!]! : 1;
  return { key: `${graph.hash}/${lane}/${units.join('+')}${part}`, lane, units, range, fraction };
}

/**
 * The schedule's segments, by their first unit. A unit joins the open segment of its lane unless that would make
 * someone wait: when it reads what another lane computes after the segment's first unit, or when another lane has,
 * earlier in the order, a unit that reads what the segment computes. So whatever a segment waits for begins earlier in
 * the order: segments are convex, lanes cannot wait for each other in a circle, and the order of a schedule says where
 * to cut.
 * @throws InputError when the schedule uses a lane that there is not.
 */
export function compileSegments(
  graph: OperatorGraph,
  { order, share, lane }: Schedule,
  lanes: readonly LaneSpec[],
  rangesOf: RangesOf,
  maxSegmentUnits: number,
): Segment[] {
  const position = new Int32Array(graph.units.length);
  order.forEach((unit, at) => {
    position[unit] = at;
  });
  const places = graph.units.map((unit) => placesOf(lanes, unit, share[unit.id]!, lane[unit.id]!));
  interface Draft {
    readonly lane: number;
    readonly units: number[];
    readonly range: ChannelRange | null;
  }
  const drafts: Draft[] = [];
  const open: (Draft | null)[] = lanes.map(() => null);
  for (const unit of order) {
    const producers = graph.units[unit]!.inputs.flatMap((tensor) => graph.tensors[tensor]!.producer ?? []);
    const own = places[unit]!;
    open.forEach((segment, at) => {
      if (!own.includes(at) && producers.some((producer) => segment?.units.includes(producer))) open[at] = null;
    });
    if (own.length > 1) {
      rangesOf(unit, share[unit]!).forEach((range, part) => {
        open[own[part]!] = null;
        drafts.push({ lane: own[part]!, units: [unit], range });
      });
      continue;
    }
    const at = own[0]!;
    const segment = open[at];
    const here = (producer: number): boolean => places[producer]!.length === 1 && places[producer]![0] === at;
    const joins =
      segment &&
      segment.units.length < maxSegmentUnits &&
      producers.every((producer) => here(producer) || position[producer]! < position[segment.units[0]!]!);
    if (joins) segment.units.push(unit);
    else drafts.push((open[at] = { lane: at, units: [unit], range: null }));
  }
  return drafts.map((draft) => segmentOf(graph, draft.lane, draft.units, draft.range));
}

/** Lists what each lane does, and knows at every point which lane has which tensor. */
export class ProgramBuilder {
  readonly #graph: OperatorGraph;
  readonly #slotOf: ReadonlyMap<string, number>;
  readonly #lanes: number;
  /** Per tensor and lane: the region that the lane computed, or null. */
  readonly #computed: readonly (Region | null)[][];
  /** Per tensor and lane, whether the whole lies there. */
  readonly #whole: Uint8Array;
  /** Per tensor and lane, whether the lane's region was copied into the arena. */
  readonly #sent: Uint8Array;
  #operations: Operation[][];

  constructor(graph: OperatorGraph, slotOf: ReadonlyMap<string, number>, lanes: number) {
    this.#graph = graph;
    this.#slotOf = slotOf;
    this.#lanes = lanes;
    this.#computed = graph.tensors.map(() => new Array<Region | null>(lanes).fill(null));
    this.#whole = new Uint8Array(lanes * graph.tensors.length);
    this.#sent = new Uint8Array(lanes * graph.tensors.length);
    this.#operations = Array.from({ length: lanes }, () => []);
    for (const tensor of graph.tensors) if (tensor.producer === null) this.#write(tensor, 0, wholeRegion(tensor));
  }

  /** The operations since the last call, per lane. */
  take(): readonly (readonly Operation[])[] {
    const taken = this.#operations;
    this.#operations = taken.map(() => []);
    return taken;
  }

  /** Fraction of the tensor on the lane. */
  held(tensor: number, lane: number): number {
    if (this.#whole[this.#lanes * tensor + lane]) return 1;
    const region = this.#computed[tensor]![lane];
    return region ? (region.rows * region.length) / Math.max(1, this.#graph.tensors[tensor]!.bytes) : 0;
  }

  /** Brings the whole tensor to the lane: what others computed of it. */
  bring(tensor: number, lane: number): void {
    if (this.#whole[this.#lanes * tensor + lane]) return;
    this.#computed[tensor]!.forEach((region, from) => {
      if (!region || from === lane) return;
      this.send(tensor, from);
      const slot = this.#slot(tensor);
      this.#operations[lane]!.push({ kind: 'in', slot, region, flag: this.#lanes * slot + from });
    });
    this.#whole[this.#lanes * tensor + lane] = 1;
  }

  /** Puts what the lane computed of the tensor into the arena, once. */
  send(tensor: number, lane: number): void {
    if (this.#sent[this.#lanes * tensor + lane]) return;
    const slot = this.#slot(tensor);
    const region = this.#computed[tensor]![lane]!;
    this.#operations[lane]!.push({ kind: 'out', slot, region, flag: this.#lanes * slot + lane });
    this.#sent[this.#lanes * tensor + lane] = 1;
  }

  /** Runs the segment, whose inputs are on its lane, when the segments `after` have run; `awaited`: one waits for this one. */
  run(segment: Segment, after: readonly Segment[] = [], awaited = false): void {
    const { lane, units, range, key } = segment;
    const operations = this.#operations[lane]!;
    for (const other of after) operations.push({ kind: 'wait', flag: this.#signalOf(other) });
    operations.push({ kind: 'run', key });
    if (awaited) operations.push({ kind: 'signal', flag: this.#signalOf(segment) });
    for (const unit of units) {
      const axis = this.#graph.units[unit]!.splitAxis;
      for (const id of this.#graph.units[unit]!.outputs) {
        const tensor = this.#graph.tensors[id]!;
        this.#write(tensor, lane, range ? channelRegion(tensor, axis!, range) : wholeRegion(tensor));
      }
    }
  }

  #write({ id, bytes }: TensorInfo, lane: number, region: Region): void {
    this.#computed[id]![lane] = region;
    if (region.rows * region.length === bytes) this.#whole[this.#lanes * id + lane] = 1;
  }

  /** The flag of a segment's having run: after those of tensors, two per unit, because a split one is two segments. */
  #signalOf({ units, range }: Segment): number {
    return this.#lanes * this.#slotOf.size + 2 * units[0]! + Number(range !== null && range.from > 0);
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

/** How many flags a program on so many lanes uses at most. */
export const flagCount = (lanes: number, slots: number, units: number): number => lanes * slots + 2 * units;

/**
 * All lanes' operations for a whole schedule: a tensor is sent as soon as it is computed, and fetched when needed.
 * @param waits per segment, earlier ones (by index) that it waits for though it reads nothing of them
 */
export function compileProgram(
  graph: OperatorGraph,
  segments: readonly Segment[],
  slotOf: ReadonlyMap<string, number>,
  lanes: number,
  waits: readonly (readonly number[])[] = [],
): readonly (readonly Operation[])[] {
  const builder = new ProgramBuilder(graph, slotOf, lanes);
  const readers = graph.tensors.map(({ graphOutput }) => new Set(graphOutput ? [0] : []));
  for (const segment of segments) for (const tensor of inputsOf(graph, segment)) readers[tensor]!.add(segment.lane);
  const sendIfRead = (tensor: number, lane: number): void => {
    if (readers[tensor]!.size > Number(readers[tensor]!.has(lane))) builder.send(tensor, lane);
  };
  for (const { id, producer } of graph.tensors) if (producer === null) sendIfRead(id, 0);
  const awaited = new Set(waits.flat());
  segments.forEach((segment, index) => {
    for (const tensor of inputsOf(graph, segment)) builder.bring(tensor, segment.lane);
    const after = waits[index]?.map((other) => segments[other]!);
    builder.run(segment, after, awaited.has(index));
    for (const unit of segment.units) for (const tensor of graph.units[unit]!.outputs) sendIfRead(tensor, segment.lane);
  });
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
