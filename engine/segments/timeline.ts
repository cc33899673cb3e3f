// Converts the times that lanes recorded to the events of a trace.

import type { OperatorGraph } from '../../models/graph.js';
import { channelsOf } from '../../models/parts/channels.js';
import type { Lane, Trace, TraceEvent } from '../trace.js';
import { type LaneBuffer, residentOverTime } from './memory.js';
import { type Operation, type Span, type Stamps, stampsPerOperation, type TensorSlot } from './operations.js';
import type { Segment } from './segments.js';

/**
 * The events of one execution, by their start, in ms of the machine's clock. A wait has two parts: until the tensor's first
 * piece is in the arena the lane idles, which is a gap; from then until it notices, it synchronises.
 */
export function eventsOf(
  graph: OperatorGraph,
  operations: readonly (readonly Operation[])[],
  stamps: Stamps,
  segments: readonly Segment[],
  slots: readonly TensorSlot[],
): TraceEvent[] {
  const segmentOf = new Map(segments.map((segment) => [segment.key, segment]));
  const tensorOf = new Map(graph.tensors.map((tensor) => [tensor.name, tensor]));
  const timeOf = (lane: number, index: number, stamp: number): number =>
    stamps[lane]![stampsPerOperation * index + stamp]!;
  // When each flag was raised, but for those of earlier steps.
  const raisedMs = new Map<number, number>();
  operations.forEach((own, lane) => {
    own.forEach((operation, i) => {
      if (operation.kind === 'out') raisedMs.set(operation.flag, timeOf(lane, i, 2));
      if (operation.kind === 'signal') raisedMs.set(operation.flag, timeOf(lane, i, 1));
    });
  });
  const events: TraceEvent[] = [];
  operations.forEach((own, lane) => {
    own.forEach((operation, i) => {
      const startMs = timeOf(lane, i, 0);
      const endMs = timeOf(lane, i, 1);
      if (operation.kind === 'run') {
        const { units, range } = segmentOf.get(operation.key)!;
        const channels = range && channelsOf(graph, graph.units[units[0]!]!.outputs[0]!);
        const part = range && channels ? { part: [range.from / channels, range.to / channels] as const } : {};
        events.push({ kind: 'compute', lane, units, startMs, endMs, ...part });
        return;
      }
      if (operation.kind === 'signal') return;
      const arrivedMs = Math.min(endMs, Math.max(startMs, raisedMs.get(operation.flag) ?? startMs));
      if (operation.kind === 'wait') {
        const next = own.slice(i).find(({ kind }) => kind === 'run') as Operation & { kind: 'run' };
        events.push({ kind: 'sync', lane, units: segmentOf.get(next.key)!.units, startMs: arrivedMs, endMs });
        return;
      }
      const { id: tensor, producer, consumers } = tensorOf.get(slots[operation.slot]!.name)!;
      const units = [producer ?? consumers[0] ?? 0];
      const { rows, stride, offset, length } = operation.region;
      const part = length < stride ? { part: [offset / stride, (offset + length) / stride] as const } : {};
      const moved = { kind: 'copy', lane, units, tensor, bytes: rows * length, ...part } as const;
      if (operation.kind === 'out') {
        events.push({ ...moved, startMs, endMs, outward: true });
        return;
      }
      events.push({ kind: 'sync', lane, units, startMs: arrivedMs, endMs, tensor });
      events.push({ ...moved, startMs: endMs, endMs: timeOf(lane, i, 2) });
    });
  });
  return events.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
}

/** When each operation works, `byMs` later than stamped; what it waited before is left out. */
export function spansOf(operations: readonly (readonly Operation[])[], stamps: Stamps, byMs: number): Span[][] {
  return operations.map((own, lane) =>
    own.map(({ kind }, i) => {
      const first = stampsPerOperation * i + Number(kind === 'in');
      return { startMs: stamps[lane]![first]! + byMs, endMs: stamps[lane]![first + 1]! + byMs };
    }),
  );
}

/** The events moved by `byMs`. */
export function shifted(events: readonly TraceEvent[], byMs: number): TraceEvent[] {
  return events.map((event) => ({ ...event, startMs: event.startMs + byMs, endMs: event.endMs + byMs }));
}

export function spanOf(events: readonly TraceEvent[]): Span {
  let startMs = Number.POSITIVE_INFINITY;
  let endMs = Number.NEGATIVE_INFINITY;
  for (const event of events) {
    startMs = Math.min(startMs, event.startMs);
    endMs = Math.max(endMs, event.endMs);
  }
  return events.length > 0 ? { startMs, endMs } : { startMs: 0, endMs: 0 };
}

/** What ran, of a program whose buffers are known: the part of a trace that lanes make. */
export function executionOf(
  graph: OperatorGraph,
  lanes: readonly Lane[],
  { operations, segments, buffers, slots }: CompiledProgram,
  stamps: Stamps,
): Pick<Trace, 'resolution' | 'lanes' | 'makespanMs' | 'memory' | 'events'> {
  const events = eventsOf(graph, operations, stamps, segments, slots);
  const { startMs, endMs } = spanOf(events);
  return {
    resolution: segments.every(({ units }) => units.length === 1) ? 'unit' : 'segment',
    lanes: lanes.map(({ id, device }) => ({ id, device })),
    makespanMs: endMs - startMs,
    memory: residentOverTime(buffers, spansOf(operations, stamps, -startMs), lanes),
    events: shifted(events, -startMs),
  };
}

export interface CompiledProgram {
  readonly segments: readonly Segment[];
  /** Per lane. */
  readonly operations: readonly (readonly Operation[])[];
  readonly buffers: readonly LaneBuffer[];
  readonly slots: readonly TensorSlot[];
}
