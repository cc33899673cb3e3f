// A trace for ui.perfetto.dev and chrome://tracing, in the Trace Event Format (JSON; Google, "Trace Event Format"):
// a process for each device, a thread for each lane, a counter for each device's memory. Times there are microseconds.
import type { OperatorGraph } from '../../models/graph.js';
import type { Trace, TraceEvent } from '../trace.js';

/** A complete event (X), a counter's value (C) or a name (M). */
export interface ChromeEvent {
  readonly ph: 'X' | 'C' | 'M';
  readonly name: string;
  readonly pid: number;
  readonly tid?: number;
  readonly cat?: string;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface ChromeTrace {
  readonly displayTimeUnit: 'ms';
  readonly traceEvents: readonly ChromeEvent[];
  /** Where the numbers come from: kind, hashes, conditions, makespan in ms. */
  readonly otherData: Readonly<Record<string, unknown>>;
}

/** To be written as JSON. */
export function chromeTrace(graph: OperatorGraph, trace: Trace): ChromeTrace {
  const { kind, graphHash, profileHash, conditions, makespanMs, lanes, memory, events } = trace;
  const names = lanes.flatMap(({ id, device }, lane): ChromeEvent[] => [
    { ph: 'M', name: 'process_name', pid: device, args: { name: `device ${device} (${kind})` } },
    { ph: 'M', name: 'thread_name', pid: device, tid: lane, args: { name: id } },
    { ph: 'M', name: 'thread_sort_index', pid: device, tid: lane, args: { sort_index: lane } },
  ]);
  const slices = events.map(
    (event): ChromeEvent => ({
      ph: 'X',
      name: nameOf(graph, event),
      cat: event.kind,
      pid: lanes[event.lane]!.device,
      tid: event.lane,
      ts: event.startMs * usPerMs,
      dur: (event.endMs - event.startMs) * usPerMs,
      args: argsOf(graph, event),
    }),
  );
  const counters = memory.map(
    ({ atMs, device, bytes }): ChromeEvent => ({
      ph: 'C',
      name: 'activations',
      pid: device,
      ts: atMs * usPerMs,
      args: { bytes },
    }),
  );
  return {
    displayTimeUnit: 'ms',
    traceEvents: [...names, ...slices, ...counters],
    otherData: { kind, graphHash, profileHash, conditions, makespanMs },
  };
}

const usPerMs = 1000;

function nameOf(graph: OperatorGraph, { kind, units, tensor }: TraceEvent): string {
  if (kind === 'copy') return `copy ${graph.tensors[tensor!]!.name}`;
  const [first] = units;
  const computed = graph.units[first!]!.name + (units.length > 1 ? ` and ${units.length - 1} more` : '');
  return kind === 'compute' ? computed : `${kind} ${computed}`;
}

function argsOf(graph: OperatorGraph, { units, tensor, bytes, part, outward }: TraceEvent): ChromeEvent['args'] {
  return {
    units: units.map((unit) => graph.units[unit]!.name),
    classes: units.map((unit) => graph.units[unit]!.opClass),
    ...(tensor !== undefined && { tensor: graph.tensors[tensor]!.name, bytes }),
    ...(part && { channels: part }),
    ...(outward && { outward }),
  };
}
