// From a schedule to what each lane does: segments (runs of units on one lane) in order, and between them the copies
// that hand tensors over. Pure: no threads, no sessions.

import { DataType } from '../../../base/onnx/proto.js';
import { elementBytes } from '../../../base/onnx/tensor-data.js';
import { type ChannelRange, channelAxisOf, channelsOf, channelsRead, reachInto } from '../../../models/channels.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { Schedule } from '../../schedule.js';
import { type LaneSpec, placesOf } from './layout.js';
import type { Operation, Region, TensorSlot } from './protocol.js';

/** What one session runs: units on one lane, or some output channels of units that read each other channel by channel. */
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
 * to cut. A split unit joins those that compute the same channels of all that it reads.
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
  const drafts: Draft[] = [];
  const open: (Draft | null)[] = lanes.map(() => null);
  for (const unit of order) {
    const producers = graph.units[unit]!.inputs.flatMap((tensor) => graph.tensors[tensor]!.producer ?? []);
    const own = places[unit]!;
    open.forEach((segment, at) => {
      if (!own.includes(at) && producers.some((producer) => segment?.units.includes(producer))) open[at] = null;
    });
    if (own.length > 1) {
      const ranges = rangesOf(unit, share[unit]!);
      const goOn = ranges.every(({ from, to }, part) =>
        canFollow(graph, unit, open[own[part]!] ?? null, maxSegmentUnits, from, to),
      );
      ranges.forEach((range, part) => {
        if (goOn) open[own[part]!]!.units.push(unit);
        else drafts.push((open[own[part]!] = { lane: own[part]!, units: [unit], range }));
      });
      continue;
    }
    const at = own[0]!;
    const segment = open[at];
    const here = (producer: number): boolean => places[producer]!.length === 1 && places[producer]![0] === at;
    const joins =
      segment?.range === null &&
      segment.units.length < maxSegmentUnits &&
      producers.every((producer) => here(producer) || position[producer]! < position[segment.units[0]!]!);
    if (joins) segment.units.push(unit);
    else drafts.push((open[at] = { lane: at, units: [unit], range: null }));
  }
  return drafts.map((draft) => segmentOf(graph, draft.lane, draft.units, draft.range));
}

/** A segment that units still join. */
interface Draft {
  readonly lane: number;
  readonly units: number[];
  readonly range: ChannelRange | null;
}

/** Whether channels [from, to) of the unit are computed from nothing but the same channels of what the segment computes. */
function canFollow(
  graph: OperatorGraph,
  unit: number,
  segment: Draft | null,
  maxSegmentUnits: number,
  from: number,
  to: number,
): boolean {
  const { inputs, outputs } = graph.units[unit]!;
  return (
    segment?.range?.from === from &&
    segment.range.to === to &&
    segment.units.length < maxSegmentUnits &&
    inputs.every(
      (tensor) =>
        segment.units.includes(graph.tensors[tensor]!.producer ?? -1) &&
        reachInto(graph, unit, tensor) === 0 &&
        channelsOf(graph, tensor) === channelsOf(graph, outputs[0]!),
    )
  );
}

/** Lists what each lane does, and knows at every point which lane has which channels of which tensor. */
export class ProgramBuilder {
  readonly #graph: OperatorGraph;
  readonly #slotOf: ReadonlyMap<string, number>;
  readonly #lanes: number;
  /** Per tensor and lane: the channels that the lane computed, or null. */
  readonly #computed: readonly (ChannelRange | null)[][];
  /** Per tensor and lane: the channels that lie there, or null. Computed or fetched, they are one range. */
  readonly #held: readonly (ChannelRange | null)[][];
  /** Per tensor and lane, whether what the lane computed was copied into the arena. */
  readonly #sent: Uint8Array;
  #operations: Operation[][];

  constructor(graph: OperatorGraph, slotOf: ReadonlyMap<string, number>, lanes: number) {
    this.#graph = graph;
    this.#slotOf = slotOf;
    this.#lanes = lanes;
    this.#computed = graph.tensors.map(() => new Array<ChannelRange | null>(lanes).fill(null));
    this.#held = graph.tensors.map(() => new Array<ChannelRange | null>(lanes).fill(null));
    this.#sent = new Uint8Array(lanes * graph.tensors.length);
    this.#operations = Array.from({ length: lanes }, () => []);
    for (const { id, producer } of graph.tensors) if (producer === null) this.#write(id, 0, this.#all(id));
  }

  /** The operations since the last call, per lane. */
  take(): readonly (readonly Operation[])[] {
    const taken = this.#operations;
    this.#operations = taken.map(() => []);
    return taken;
  }

  /** Fraction of the tensor on the lane. */
  held(tensor: number, lane: number): number {
    const held = this.#held[tensor]![lane];
    return held ? (held.to - held.from) / Math.max(1, this.#all(tensor).to) : 0;
  }

  /** Brings what the segment reads to its lane. */
  bringInputs(segment: Segment): void {
    for (const { tensor, channels } of readsOf(this.#graph, segment)) this.bring(tensor, segment.lane, channels);
  }

  /** Brings the channels (all unless given) to the lane: what it lacks of them, from whoever computed it. */
  bring(tensor: number, lane: number, channels = this.#all(tensor)): void {
    const held = this.#held[tensor]![lane] ?? null;
    this.#computed[tensor]!.forEach((computed, from) => {
      if (from === lane) return;
      const wanted = lacking(held, channels, computed);
      if (!wanted) return;
      this.send(tensor, from);
      const slot = this.#slot(tensor);
      const region = channelRegion(this.#graph, tensor, wanted);
      this.#operations[lane]!.push({ kind: 'in', slot, region, flag: this.#lanes * slot + from });
    });
    this.#held[tensor]![lane] = held ? hull(held, channels) : channels;
  }

  /** Puts what the lane computed of the tensor, or these channels of it, into the arena: once. */
  send(tensor: number, lane: number, channels = this.#computed[tensor]![lane]!): void {
    if (this.#sent[this.#lanes * tensor + lane]) return;
    const slot = this.#slot(tensor);
    const region = channelRegion(this.#graph, tensor, channels);
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
    for (const tensor of units.flatMap((unit) => this.#graph.units[unit]!.outputs))
      this.#write(tensor, lane, range ?? this.#all(tensor));
  }

  #write(tensor: number, lane: number, channels: ChannelRange): void {
    this.#computed[tensor]![lane] = channels;
    this.#held[tensor]![lane] = channels;
  }

  #all(tensor: number): ChannelRange {
    return { from: 0, to: channelsOf(this.#graph, tensor) };
  }

  /** The flag of a segment's having run: after those of tensors, two per unit, because a split one is two segments. */
  #signalOf({ units, range }: Segment): number {
    return this.#lanes * this.#slotOf.size + 2 * units[0]! + Number(range !== null && range.from > 0);
  }

  #slot(tensor: number): number {
    return this.#slotOf.get(this.#graph.tensors[tensor]!.name)!;
  }
}

/**
 * What of the `wanted` channels is neither held nor elsewhere than in the `computed` ones. Device 0 computes the first
 * channels of a tensor and reads from the first on, device 1 the last, so what a lane lacks lies on one side of what it
 * holds.
 */
function lacking(held: ChannelRange | null, wanted: ChannelRange, computed: ChannelRange | null): ChannelRange | null {
  if (!computed) return null;
  const from = Math.max(computed.from, held && held.from <= wanted.from ? held.to : wanted.from);
  const to = Math.min(computed.to, held && held.to >= wanted.to ? held.from : wanted.to);
  return from < to ? { from, to } : null;
}

const hull = (a: ChannelRange, b: ChannelRange): ChannelRange => ({
  from: Math.min(a.from, b.from),
  to: Math.max(a.to, b.to),
});

/** A tensor that a segment reads from outside of itself, and which channels of it. */
interface Read {
  readonly tensor: number;
  readonly channels: ChannelRange;
}

function readsOf(graph: OperatorGraph, segment: Segment): Read[] {
  return inputsOf(graph, segment).map((tensor) => ({
    tensor,
    channels: channelsRead(graph, segment.units[0]!, tensor, segment.range),
  }));
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
  const sendIfRead = sendsOf(graph, segments, lanes, builder);
  for (const { id, producer } of graph.tensors) if (producer === null) sendIfRead(id, 0);
  const awaited = new Set(waits.flat());
  segments.forEach((segment, index) => {
    builder.bringInputs(segment);
    const after = waits[index]?.map((other) => segments[other]!);
    builder.run(segment, after, awaited.has(index));
    for (const unit of segment.units) for (const tensor of graph.units[unit]!.outputs) sendIfRead(tensor, segment.lane);
  });
  for (const tensor of graph.tensors) if (tensor.graphOutput) builder.bring(tensor.id, 0);
  return builder.take();
}

/** Sends of what a lane has computed of a tensor whatever other lanes lack: known beforehand, for a whole schedule. */
function sendsOf(
  graph: OperatorGraph,
  segments: readonly Segment[],
  lanes: number,
  builder: ProgramBuilder,
): (tensor: number, lane: number) => void {
  const none = () => graph.tensors.map(() => new Array<ChannelRange | null>(lanes).fill(null));
  const [computed, read] = [none(), none()];
  const widen = (ranges: (ChannelRange | null)[], lane: number, channels: ChannelRange): void => {
    ranges[lane] = ranges[lane] ? hull(ranges[lane], channels) : channels;
  };
  for (const { id, producer, graphOutput } of graph.tensors) {
    const all = { from: 0, to: channelsOf(graph, id) };
    if (producer === null) computed[id]![0] = all;
    if (graphOutput) read[id]![0] = all;
  }
  for (const segment of segments) {
    for (const { tensor, channels } of readsOf(graph, segment)) widen(read[tensor]!, segment.lane, channels);
    for (const tensor of segment.units.flatMap((unit) => graph.units[unit]!.outputs))
      computed[tensor]![segment.lane] = segment.range ?? { from: 0, to: channelsOf(graph, tensor) };
  }
  return (tensor, lane) => {
    const lacked = read[tensor]!.map((channels, other) =>
      channels && other !== lane ? lacking(computed[tensor]![other]!, channels, computed[tensor]![lane]!) : null,
    ).filter((channels) => channels !== null);
    if (lacked.length > 0) builder.send(tensor, lane, lacked.reduce(hull));
  };
}

/** Where channels of a tensor lie in its bytes. */
export function channelRegion(graph: OperatorGraph, tensor: number, { from, to }: ChannelRange): Region {
  const { shape, bytes } = graph.tensors[tensor]!;
  const channels = channelsOf(graph, tensor);
  if (to - from === channels) return { rows: 1, stride: bytes, offset: 0, length: bytes };
  const rows = shape.slice(0, channelAxisOf(graph, tensor)!).reduce((a, b) => a * b, 1);
  const stride = bytes / rows;
  return { rows, stride, offset: (from * stride) / channels, length: ((to - from) * stride) / channels };
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
