// A trace: what ran where, from when to when, with which bytes moved. Executors make it, everything else reads it.
import type { Conditions } from './conditions.js';
import type { Schedule } from './schedule.js';

export type EventKind = 'compute' | 'launch' | 'copy' | 'sync' | 'reorder';

export interface TraceEvent {
  readonly kind: EventKind;
  /** Index into `Trace.lanes`. */
  readonly lane: number;
  readonly units: readonly number[];
  readonly startMs: number;
  readonly endMs: number;
  /** Of a copy: the tensor moved and its bytes. */
  readonly tensor?: number;
  readonly bytes?: number;
  /** Of a copy, or of computing a part of a split unit: its channels [from, to), as fractions of all. Absent: all. */
  readonly part?: readonly [from: number, to: number];
  /**
   * Of a copy: whether it is the first half of a move, on the lane that has the tensor, into memory that all lanes see.
   * The move ends with the copy on the destination's lane. Devices that reach each other's memory need no such half.
   */
  readonly outward?: true;
}

/** What does one thing at a time; it keeps tensors of its own. */
export interface Lane {
  readonly id: string;
  readonly device: 0 | 1;
}

/** The index of a device's n-th lane, -1 where it has fewer. */
export function laneIndex(lanes: readonly Lane[], device: 0 | 1, n: number): number {
  const first = lanes.findIndex((lane) => lane.device === device);
  return first >= 0 && lanes[first + n]?.device === device ? first + n : -1;
}

/** What happened so far, in whole or in part: what there is to draw. */
export type Timeline = Omit<Trace, 'schedule' | 'memory'>;

export interface Trace {
  readonly version: 1;
  readonly kind: 'simulated' | 'measured';
  /** 'segment' where the device times of several units could not be separated. */
  readonly resolution: 'unit' | 'segment';
  /** 'scaled': intervals come from a profiled twin of the execution and are scaled to the latency measured without profiling. */
  readonly intervals?: 'scaled';
  readonly graphHash: string;
  readonly profileHash: string | null;
  readonly schedule: Schedule;
  readonly conditions: Conditions;
  /** Those of a device one after the other, in the order of `Schedule.lane`. */
  readonly lanes: readonly Lane[];
  readonly makespanMs: number;
  /** Millijoules per rail; null where no rail can be read or modelled. */
  readonly energyMj: Readonly<Record<string, number>> | null;
  readonly memory: readonly { readonly atMs: number; readonly device: 0 | 1; readonly bytes: number }[];
  readonly events: readonly TraceEvent[];
}
