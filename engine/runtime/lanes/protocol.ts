// The protocol between the executor and its lanes: commands over a message port, and the layout of their shared memory.
// Commands prepare; an execution itself uses shared memory only.
import type { InferenceSession } from 'onnxruntime-node';
import type { Operation, Region, TensorSlot } from '../../segments/operations.js';
import type { Handover } from './handover.js';

/** What a session reads or writes: a private tensor, or a region of it. */
export interface Place {
  readonly slot: number;
  readonly shape: readonly number[];
  readonly region: Region | null;
}

export type LaneCommand =
  | {
      readonly kind: 'load';
      readonly key: string;
      readonly model: string | Uint8Array<ArrayBuffer>;
      readonly settings: InferenceSession.SessionOptions;
      readonly inputs: readonly Place[];
      readonly outputs: readonly Place[];
    }
  | { readonly kind: 'release'; readonly key: string }
  | { readonly kind: 'releaseAll' }
  | { readonly kind: 'execute'; readonly operations: readonly Operation[]; readonly epoch: number }
  /** Writes values into a private tensor. */
  | { readonly kind: 'write'; readonly slot: number; readonly bytes: Uint8Array }
  /** Overwrites private tensors with all ones (NaN), so that a stale value cannot pass for a computed one. */
  | { readonly kind: 'invalidate'; readonly keep: readonly number[] }
  | { readonly kind: 'read'; readonly slots: readonly number[] };

export type LaneReply =
  | { readonly kind: 'failed'; readonly key: string; readonly message: string }
  | { readonly kind: 'values'; readonly values: readonly Uint8Array[] };

/** The data that a lane is started with. */
export interface LaneStart {
  readonly lane: number;
  readonly handover: Handover;
  readonly slots: readonly TensorSlot[];
  readonly shared: SharedMemory;
  /** One Int32: 1 once the lane is abandoned, and must leave by itself when native code returns. */
  readonly retired: SharedArrayBuffer;
}

export interface SharedMemory {
  /** Int32 words, see `word`. */
  readonly control: SharedArrayBuffer;
  /** Int32 per flag: the epoch in which it was raised last. That of an `out` is raised with the first piece of its copy. */
  readonly flags: SharedArrayBuffer;
  /** Int32 per flag of an `out`: bytes from the start of the tensor before which all of its region is in the arena. */
  readonly progress: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
  /** Per lane, three times of each operation, Float64 milliseconds of `nowMs`. */
  readonly stamps: readonly SharedArrayBuffer[];
}

/** Words of the control buffer, of which there are `word.sent(lanes)`. */
export const word = {
  /** The epoch of the execution that is given up. */
  abort: 0,
  /** Commands sent to a lane. */
  sent: (lane: number): number => 1 + 2 * lane,
  /** Commands that a lane has carried out. */
  done: (lane: number): number => 2 + 2 * lane,
} as const;

/** The machine's monotonic clock in ms: the same in all threads, unlike `performance.now()`. */
export function nowMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
