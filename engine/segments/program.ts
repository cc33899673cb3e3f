// Turns segments into the operations of each lane: running them in order, and the copies that hand tensors over. Pure: no
// threads, no sessions.

import type { OperatorGraph } from '../../models/graph.js';
import { type ChannelRange, channelsOf } from '../../models/parts/channels.js';
import type { Operation } from './operations.js';
import { outputsOf, readsOf, type Segment } from './segments.js';
import { channelRegion } from './slots.js';

/** Lists the operations of each lane, and tracks which lane has which channels of each tensor. */
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

  /** Sends the lane's part of the tensor, or these channels of it, to the arena, once. */
  send(tensor: number, lane: number, channels = this.#computed[tensor]![lane]!): void {
    if (this.#sent[this.#lanes * tensor + lane]) return;
    const slot = this.#slot(tensor);
    const region = channelRegion(this.#graph, tensor, channels);
    this.#operations[lane]!.push({ kind: 'out', slot, region, flag: this.#lanes * slot + lane });
    this.#sent[this.#lanes * tensor + lane] = 1;
  }

  /** Runs the segment, whose inputs are on its lane, when the segments `after` have run; `awaited`: one waits for this one. */
  run(segment: Segment, after: readonly Segment[] = [], awaited = false): void {
    const { lane, range, key } = segment;
    const operations = this.#operations[lane]!;
    for (const other of after) operations.push({ kind: 'wait', flag: this.#signalOf(other) });
    operations.push({ kind: 'run', key });
    if (awaited) operations.push({ kind: 'signal', flag: this.#signalOf(segment) });
    for (const tensor of outputsOf(this.#graph, segment)) this.#write(tensor, lane, range ?? this.#all(tensor));
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
 * The part of the `wanted` channels that is among the `computed` ones and not held. Device 0 computes and reads the first
 * channels of a tensor, device 1 the last, so the missing channels are on one side of the held ones.
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
    for (const tensor of outputsOf(graph, segment)) sendIfRead(tensor, segment.lane);
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
    for (const tensor of outputsOf(graph, segment))
      computed[tensor]![segment.lane] = segment.range ?? { from: 0, to: channelsOf(graph, tensor) };
  }
  return (tensor, lane) => {
    const lacked = read[tensor]!.map((channels, other) =>
      channels && other !== lane ? lacking(computed[tensor]![other]!, channels, computed[tensor]![lane]!) : null,
    ).filter((channels) => channels !== null);
    if (lacked.length > 0) builder.send(tensor, lane, lacked.reduce(hull));
  };
}
