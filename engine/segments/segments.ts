// Cuts a schedule into segments. One session runs one segment on one lane.

import type { OperatorGraph } from '../../models/graph.js';
import { type ChannelRange, channelsOf, channelsRead, readsItsOwn } from '../../models/parts/channels.js';
import type { Schedule } from '../schedule.js';
import type { Lane } from '../trace.js';
import { placesOf } from './places.js';

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
 * The schedule's segments, by their first unit. A unit joins the open segment of its lane unless a lane would then wait
 * longer: if the unit reads a tensor that another lane computes after the segment's first unit, or if another lane has, earlier
 * in the order, a unit that reads an output of the segment. So a segment waits only for segments that begin earlier in the
 * order: segments are convex, lanes cannot deadlock, and the order of a schedule decides the cuts. A split unit joins a segment
 * that computes the same channels of all its inputs.
 * @throws InputError when the schedule uses a lane that there is not.
 */
export function compileSegments(
  graph: OperatorGraph,
  { order, share, lane }: Pick<Schedule, 'share' | 'lane'> & { readonly order: Iterable<number> },
  lanes: readonly Lane[],
  rangesOf: RangesOf,
  maxSegmentUnits: number,
): Segment[] {
  const position = new Int32Array(graph.units.length);
  let at = 0;
  for (const unit of order) position[unit] = at++;
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
        readsItsOwn(graph, unit, tensor) &&
        channelsOf(graph, tensor) === channelsOf(graph, outputs[0]!),
    )
  );
}

/** What a segment reads from outside of itself, in order. */
export function inputsOf(graph: OperatorGraph, { units }: Segment): number[] {
  return [...new Set(units.flatMap((unit) => graph.units[unit]!.inputs))].filter(
    (tensor) => !units.includes(graph.tensors[tensor]!.producer ?? -1),
  );
}

/** What a segment's units write. */
export function outputsOf(graph: OperatorGraph, { units }: Segment): number[] {
  return units.flatMap((unit) => graph.units[unit]!.outputs);
}

/** A tensor that a segment reads from outside of itself, and which channels of it. */
export interface Read {
  readonly tensor: number;
  readonly channels: ChannelRange;
}

export function readsOf(graph: OperatorGraph, segment: Segment): Read[] {
  return inputsOf(graph, segment)
    .map((tensor) => ({ tensor, channels: channelsRead(graph, segment.units[0]!, tensor, segment.range) }))
    .filter(({ channels }) => channels.from < channels.to);
}
