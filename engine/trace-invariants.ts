// What every trace must satisfy, whichever executor made it. One function, so that tests, `validate` and the checker of
// environments agree.
import type { OperatorGraph } from '../models/graph.js';
import { laneIndex, type Trace, type TraceEvent } from './trace.js';

/** Rounding slack relative to the makespan: sums of doubles in different orders. */
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

/** A unit computes on a lane only when each input is there: written or copied; graph inputs are on device 0's first. */
function earlyStarts(graph: OperatorGraph, trace: Trace, toleranceMs: number): string[] {
  const { events, lanes, schedule } = trace;
  const home = laneIndex(lanes, 0, 0);
  // Per tensor and lane, when the last piece of it arrived there.
  const arrival = graph.tensors.map((tensor) =>
    lanes.map((_, lane) => (tensor.producer === null && lane === home ? 0 : Number.POSITIVE_INFINITY)),
  );
  for (const event of events) {
    if (event.kind === 'copy' && !event.outward) arrival[event.tensor!]![event.lane] = event.endMs;
    if (event.kind !== 'compute') continue;
    for (const unit of event.units) {
      const share = schedule.share[unit]!;
      if (share > 0 && share < 1) continue;
      for (const tensor of graph.units[unit]!.outputs) arrival[tensor]![event.lane] = event.endMs;
    }
  }
  return events
    .filter((event) => event.kind === 'compute')
    .flatMap((event) =>
      event.units.flatMap((unit) =>
        graph.units[unit]!.inputs.filter((tensor) => !event.units.includes(graph.tensors[tensor]!.producer ?? -1))
          .filter((tensor) => arrival[tensor]![event.lane]! > event.startMs + toleranceMs)
          .map((tensor) => `${describe(event)} starts before tensor ${tensor} is on lane ${lanes[event.lane]!.id}`),
      ),
    );
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
  const computed = graph.units.map(() => new Set<number>());
  for (const event of events) {
    if (event.kind === 'compute') for (const unit of event.units) computed[unit]!.add(event.lane);
  }
  const named = (indices: readonly number[]): string => indices.map((lane) => lanes[lane]?.id ?? 'none').join(', ');
  return graph.units.flatMap(({ id, name }) => {
    const [share, lane] = [schedule.share[id]!, schedule.lane[id]!];
    const expected = [
      ...(share < 1 ? [laneIndex(lanes, 0, lane)] : []),
      ...(share > 0 ? [laneIndex(lanes, 1, share < 1 ? 0 : lane)] : []),
    ].sort();
    const actual = [...computed[id]!].sort();
    return actual.join() === expected.join()
      ? []
      : [`unit ${id} "${name}" ran on lanes [${named(actual)}] instead of [${named(expected)}]`];
  });
}

function belowCriticalPath(graph: OperatorGraph, trace: Trace, toleranceMs: number): string[] {
  const lowerBoundMs = criticalPathMs(graph, trace);
  return trace.makespanMs + toleranceMs >= lowerBoundMs
    ? []
    : [`makespan ${trace.makespanMs} ms is below the critical path, ${lowerBoundMs} ms`];
}

/** Length of the longest chain of dependent units, by the compute times of the trace. */
export function criticalPathMs(graph: OperatorGraph, trace: Trace): number {
  const duration = new Float64Array(graph.units.length);
  for (const event of trace.events) {
    if (event.kind !== 'compute') continue;
    // Several units in one event share its time: charging it to the last is a lower bound for every chain.
    const last = event.units.at(-1)!;
    duration[last] = Math.max(duration[last]!, event.endMs - event.startMs);
  }
  const finish = new Float64Array(graph.units.length);
  for (const unit of graph.units) {
    let ready = 0;
    for (const tensor of unit.inputs) {
      const { producer } = graph.tensors[tensor]!;
      if (producer !== null) ready = Math.max(ready, finish[producer]!);
    }
    finish[unit.id] = ready + duration[unit.id]!;
  }
  return finish.reduce((a, b) => Math.max(a, b), 0);
}

function describe({ kind, units, startMs, endMs }: TraceEvent): string {
  return `${kind} of unit ${units.join('+')} [${startMs}, ${endMs}] ms`;
}
