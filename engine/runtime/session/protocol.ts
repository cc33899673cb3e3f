// Requests of the executor to its worker thread, and their answers: plain data, copied between threads. The sessions are in
// the thread (worker.ts) or in a Python process (python-worker.ts); everything else is done by the executor.
import type { InferenceSession } from 'onnxruntime-node';
import type { PlainFeeds } from '../plain-tensor.js';

/** Outputs by name, as they lie in memory; strings as JSON. */
export type OutputBytes = Readonly<Record<string, { readonly type: string; readonly data: Uint8Array }>>;

/** A model's file, and how its session is to be. */
export interface SessionSource {
  readonly model: string;
  readonly settings: InferenceSession.SessionOptions;
}

export type Request =
  /** Asks for the version of ONNX Runtime. */
  | { readonly op: 'describe' }
  /** Keeps the inputs of all later runs, and gives the outputs of one session on them. */
  | ({ readonly op: 'reference'; readonly feeds: PlainFeeds } & SessionSource)
  /** Runs a session with profiling on: the graph as optimised goes to one file, the profile to `<profilePrefix>...json`. */
  | ({
      readonly op: 'profile';
      readonly runs: number;
      readonly optimisedPath: string;
      readonly profilePrefix: string;
    } & SessionSource)
  /** Opens a plan's session, runs it so often, and gives the last outputs. */
  | ({ readonly op: 'open'; readonly plan: number; readonly runs: number } & SessionSource)
  /** One execution; the least disturbed of those that `patienceMs` allows. */
  | { readonly op: 'run'; readonly plan: number; readonly patienceMs: number }
  | { readonly op: 'release'; readonly plan: number }
  | { readonly op: 'close' };

export interface RuntimeDescription {
  /** Of ONNX Runtime, such as 1.30.0. */
  readonly version: string;
  /** Execution providers it was built with, by ONNX Runtime's own names; whether they run is another question. */
  readonly providers: readonly string[];
}

export interface Replies {
  readonly describe: RuntimeDescription;
  readonly reference: OutputBytes;
  readonly profile: null;
  readonly open: OutputBytes;
  /** Latency, ms. */
  readonly run: number;
  readonly release: null;
  readonly close: null;
}

export type Reply<T> =
  | { readonly value: T }
  | {
      readonly failure: string;
      /** What the user can do, if the user can fix the failure. */
      readonly remedy?: string;
      /** The process with the sessions ended, and their state is lost. */
      readonly lost?: true;
    };
