// The operations of lanes, real (threads) or simulated.

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

/** Times kept of each operation: start, end; `out`: raising its flag too. `in`: start of waiting, end of it, end of copying. */
export const stampsPerOperation = 3;

/** When the operations of an execution ran: `stampsPerOperation` times each, per lane, in ms. */
export type Stamps = readonly ArrayLike<number>[];

/** Tensors are handed over in pieces: the next lane copies one while this one copies the next. */
export const pieceBytes = 65_536;

/**
 * How long a lane polls for a tensor before it sleeps. Waking costs 35 us, 3.5 % of the wait by then. Longer polling takes the
 * core from the lane that computes if other programs run too: with two such programs on two cores, executions unit by unit
 * take twice as long with 20 ms.
 */
export const pollMs = 1;

/** When something ran, in ms. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}
