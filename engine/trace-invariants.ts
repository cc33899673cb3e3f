// What every trace must satisfy, whichever executor made it. One function, so that tests, `validate` and the checker of
// environments agree.

import type { OperatorGraph } from '../models/graph.js';
import { fractionsRead, readLaw } from '../models/parts/channels.js';
import { laneIndex, type Trace, type TraceEvent } from './trace.js';

/** Rounding slack relative to the makespan, or to a tensor's channels: sums of doubles in different orders. */
const slack = 1e-9;

/** Every violated invariant as a sentence; empty when the trace is sound. */
export function traceViolations(graph: OperatorGraph, trace: Trace): string[] {
  const toleranceMs = slack * trace.makespanMs;
  return [
    ...outsideMakespan(trace, toleranceMs),
    ...laneOverlaps(trace, toleranceMs),
    ...repeatedMoves(graph, trace),
    ...earlyStarts(graph, trace, toleranceMs),
    ...earlyMoves(graph, trace, toleranceMs),
    ...missingUnits(graph, trace),
    ...belowCriticalPath(graph, trace, toleranceMs),
  ];
}

function outsideMakespan({ events, makespanMs }: Trace, toleranceMs: number): string[] {
  return events
    .filter(({ startMs, endMs }) => !(startMs >= 0 && endMs >= startMs && endMs <= makespanMs + toleranceMs))
    .map((event) => `${describe(event)} lies outside [0, ${makespanMs}] ms`);
}

function laneOverlaps({ events, lanes }: Trace, toleranceMs: number): string[] {
  return lanes.flatMap((lane, index) => {
    const own = events
      .filter((event) => event.lane === index)
      .sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
    return own.flatMap((event, i) => {
      const previous = own[i - 1];
      return previous && previous.endMs > event.startMs + toleranceMs
        ? [`lane ${lane.id}: ${describe(event)} overlaps ${describe(previous)}`]
        : [];
    });
  });
}

/** A tensor moves to each lane once, and leaves a lane once: no more bytes than it has. */
function repeatedMoves(graph: OperatorGraph, { events, lanes }: Trace): string[] {
  const moved = new Map<string, number>();
  for (const event of events) {
    if (event.kind !== 'copy') continue;
    const key = `tensor ${event.tensor} ${event.outward ? 'out of' : 'to'} lane ${event.lane} (${lanes[event.lane]!.id})`;
    moved.set(key, (moved.get(key) ?? 0) + (event.bytes ?? 0) / Math.max(1, graph.tensors[event.tensor!]!.bytes));
  }
  return [...moved].filter(([, times]) => times > 1 + slack).map(([key, times]) => `${key} moves ${times} times`);
}

/** Channels of a tensor on a lane, as fractions of all, and since when. */
interface Piece {
  readonly part: readonly [from: number, to: number];
  readonly sinceMs: number;
}

const whole = [0, 1] as const;

/**
 * A unit computes on a lane only when what it reads is there: written or copied; graph inputs are on device 0's first. A
 * part of a unit reads the channels that it needs.
 */
function earlyStarts(graph: OperatorGraph, { events, lanes }: Trace, toleranceMs: number): string[] {
  const home = laneIndex(lanes, 0, 0);
  const pieces = graph.tensors.map(({ producer }) =>
    lanes.map((_, lane): Piece[] => (producer === null && lane === home ? [{ part: whole, sinceMs: 0 }] : [])),
  );
  for (const { kind, lane, units, tensor, outward, part = whole, endMs } of events) {
    const arrived = kind === 'compute' ? units.flatMap((unit) => graph.units[unit]!.outputs) : [];
    if (kind === 'copy' && !outward) arrived.push(tensor!);
    for (const each of arrived) pieces[each]![lane]!.push({ part, sinceMs: endMs });
  }
  return events
    .filter((event) => event.kind === 'compute')
    .flatMap((event) =>
      event.units.flatMap((unit) =>
        graph.units[unit]!.inputs.filter((tensor) => !event.units.includes(graph.tensors[tensor]!.producer ?? -1))
          .filter((tensor) => {
            const there = pieces[tensor]![event.lane]!.filter(({ sinceMs }) => sinceMs <= event.startMs + toleranceMs);
            return !covers(there, partRead(graph, unit, tensor, event.part));
          })
          .map((tensor) => `${describe(event)} starts before tensor ${tensor} is on lane ${lanes[event.lane]!.id}`),
      ),
    );
}

function partRead(graph: OperatorGraph, unit: number, tensor: number, part: TraceEvent['part']): Piece['part'] {
  return part ? fractionsRead(readLaw(graph, unit, tensor), part) : whole;
}

/** Whether the pieces together are all of [from, to). */
function covers(pieces: readonly Piece[], [from, to]: Piece['part']): boolean {
  let reached = from;
  for (const { part } of pieces.toSorted((a, b) => a.part[0] - b.part[0]))
    if (part[0] <= reached + slack) reached = Math.max(reached, part[1]);
  return reached >= to - slack;
}

/** A tensor is copied only after it is computed: out of the lane that computed it, to a lane from any other. */
function earlyMoves(graph: OperatorGraph, { events, lanes }: Trace, toleranceMs: number): string[] {
  const computedMs = graph.units.map(() => new Map<number, number>());
  for (const event of events) {
    if (event.kind === 'compute') for (const unit of event.units) computedMs[unit]!.set(event.lane, event.endMs);
  }
  return events.flatMap((event) => {
    const producer = event.kind === 'copy' ? graph.tensors[event.tensor!]!.producer : null;
    if (producer === null) return [];
    const sources = [...computedMs[producer]!].filter(([lane]) => (lane === event.lane) === (event.outward === true));
    return sources.every(([, endMs]) => endMs > event.startMs + toleranceMs)
      ? [`${describe(event)} on lane ${lanes[event.lane]!.id} starts before a lane has computed tensor ${event.tensor}`]
      : [];
  });
}

function missingUnits(graph: OperatorGraph, { events, lanes, schedule }: Trace): string[] {
  const computed = graph.units.map(() => new Map<number, TraceEvent>());
  for (const event of events) {
    if (event.kind === 'compute') for (const unit of event.units) computed[unit]!.set(event.lane, event);
  }
  const named = (indices: readonly number[]): string => indices.map((lane) => lanes[lane]?.id ?? 'none').join(', ');
  return graph.units.flatMap(({ id, name }) => {
    const [share, lane] = [schedule.share[id]!, schedule.lane[id]!];
    const expected = [
      ...(share < 1 ? [laneIndex(lanes, 0, lane)] : []),
      ...(share > 0 ? [laneIndex(lanes, 1, share < 1 ? 0 : lane)] : []),
    ].sort();
    const actual = [...computed[id]!.keys()].sort();
    if (actual.join() !== expected.join())
      return [`unit ${id} "${name}" ran on lanes [${named(actual)}] instead of [${named(expected)}]`];
    const parts = [...computed[id]!.values()].map(({ part = whole }) => part);
    const computedFraction = parts.reduce((sum, [from, to]) => sum + to - from, 0);
    return Math.abs(computedFraction - 1) <= slack
      ? []
      : [`unit ${id} "${name}": ${computedFraction} of its channels are computed instead of all, once`];
  });
}

function belowCriticalPath(graph: OperatorGraph, trace: Trace, toleranceMs: number): string[] {
  const lowerBoundMs = criticalPathMs(graph, trace);
  return trace.makespanMs + toleranceMs >= lowerBoundMs
    ? []
    : [`makespan ${trace.makespanMs} ms is below the critical path, ${lowerBoundMs} ms`];
}

/** Length of the longest chain of dependent units, or parts of units, by the compute times of the trace. */
export function criticalPathMs(graph: OperatorGraph, trace: Trace): number {
  const partsOf = graph.units.map((): { part: Piece['part']; durationMs: number; finishMs: number }[] => []);
  for (const { kind, units, part = whole, startMs, endMs } of trace.events) {
    if (kind !== 'compute') continue;
    // Several units in one event share its time: charging it to the last is a lower bound for every chain.
    for (const unit of units) {
      const durationMs = unit === units.at(-1) ? endMs - startMs : 0;
      partsOf[unit]!.push({ part, durationMs, finishMs: 0 });
    }
  }
  let longestMs = 0;
  for (const { id, inputs } of graph.units) {
    for (const own of partsOf[id]!) {
      let readyMs = 0;
      for (const tensor of inputs) {
        const { producer } = graph.tensors[tensor]!;
        const [from, to] = partRead(graph, id, tensor, own.part);
        for (const { part, finishMs } of producer === null ? [] : partsOf[producer]!)
          if (part[0] < to - slack && part[1] > from + slack) readyMs = Math.max(readyMs, finishMs);
      }
      own.finishMs = readyMs + own.durationMs;
      longestMs = Math.max(longestMs, own.finishMs);
    }
  }
  return longestMs;
}

function describe({ kind, units, startMs, endMs }: TraceEvent): string {
  return `${kind} of unit ${units.join('+')} [${startMs}, ${endMs}] ms`;
}
