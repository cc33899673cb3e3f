// What the executor and its lanes agree about: the commands that travel over a message port, and the layout of the
// memory they share. Commands prepare; an execution itself passes through shared memory only.
import type { InferenceSession } from 'onnxruntime-node';

/**
 * How a lane waits for a tensor of another: `polling` notices in 0.3 us and keeps a core busy, for 20 ms at most, then
 * sleeps; `blocking` sleeps at once, and wakes in some 35 us.
 */
export type Handover = 'polling' | 'blocking';

/** A tensor that segments hand over: the same index in every lane, a place in the arena, a private copy in each lane. */
export interface TensorSlot {
  readonly name: string;
  /** As ONNX Runtime's JavaScript names it. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Bytes from the start of the arena. */
  readonly offset: number;
}

/** A part of a tensor: in each of `rows` rows of `stride` bytes, `length` bytes from `offset`. */
export interface Region {
  readonly rows: number;
  readonly stride: number;
  readonly offset: number;
  readonly length: number;
}

/** One step of a lane. Slots are indices of `TensorSlot`s. */
export type Operation =
  | { readonly kind: 'run'; readonly key: string }
  /** Raises the flag, and copies a region from the private tensor into the arena. */
  | { readonly kind: 'out'; readonly slot: number; readonly region: Region; readonly flag: number }
  /** Waits for the flag of another lane's `out`, and copies the region from the arena into the private tensor behind it. */
  | { readonly kind: 'in'; readonly slot: number; readonly region: Region; readonly flag: number }
  /** Raises the flag when all before it is done, for who must not start earlier. */
  | { readonly kind: 'signal'; readonly flag: number }
  /** Waits for the flag of another lane's `signal`. */
  | { readonly kind: 'wait'; readonly flag: number };

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
  | { readonly kind: 'execute'; readonly operations: readonly Operation[]; readonly epoch: number }
  /** Writes values into a private tensor. */
  | { readonly kind: 'write'; readonly slot: number; readonly bytes: Uint8Array }
  /** Overwrites private tensors with all ones (NaN), so that a stale value cannot pass for a computed one. */
  | { readonly kind: 'spoil'; readonly keep: readonly number[] }
  | { readonly kind: 'read'; readonly slots: readonly number[] };

export type LaneReply =
  | { readonly kind: 'failed'; readonly key: string; readonly message: string }
  | { readonly kind: 'values'; readonly values: readonly Uint8Array[] };

/** What a lane is started with. */
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

/** Times kept of each operation: start, end; `out`: raising its flag too. `in`: start of waiting, end of it, end of copying. */
export const stampsPerOperation = 3;

/** The machine's monotonic clock in ms: the same in all threads, unlike `performance.now()`. */
export function nowMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
