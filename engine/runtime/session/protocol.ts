// What the executor asks its worker thread and what comes back: plain data, copied between threads.
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { RunProfile } from './profile.js';

export interface PlainTensor {
  readonly type: Tensor.Type;
  readonly data: Tensor.DataType;
  readonly dims: readonly number[];
}
export type PlainFeeds = Readonly<Record<string, PlainTensor>>;

export type Request =
  /** Keeps the inputs, and the outputs of the plain session that plans are compared with. */
  | { readonly op: 'reference'; readonly model: string; readonly feeds: PlainFeeds }
  /** Opens a plan's session; before that a profiled twin of it runs and is closed again. */
  | {
      readonly op: 'compile';
      readonly plan: number;
      readonly model: string | Uint8Array;
      readonly settings: InferenceSession.SessionOptions;
    }
  | { readonly op: 'run'; readonly plan: number }
  | { readonly op: 'release'; readonly plan: number }
  | { readonly op: 'close' };

export interface CompiledPlan {
  readonly profile: RunProfile;
  /** Per kernel, the names under which the tensor it copies was known; null where it copies none. */
  readonly copied: readonly (readonly string[] | null)[];
  /** Largest max|a-b| / max|b| over the outputs, b those of the plain session. */
  readonly difference: number;
}

export interface Replies {
  readonly reference: null;
  readonly compile: CompiledPlan;
  /** Latency, ms. */
  readonly run: number;
  readonly release: null;
  readonly close: null;
}

export type Reply<T> = { readonly value: T } | { readonly failure: string };
