// The interface of a learner: it acts, observes, learns, and can be saved. It knows environments only by their spaces. It acts
// for several environments at once, a row of numbers each; a single environment is one row.

/** Numbers of n environments, row after row. */
export type Rows = Float32Array;

/** For a Box a row of numbers per environment, for a Discrete space one whole number. */
export type Actions = Float32Array | Int32Array;

/** One step as it goes into a replay buffer. `terminated` is true only when the episode ended by the MDP, not by a limit. */
export interface Transition {
  /** Which of the environments. */
  readonly env: number;
  readonly observation: Float32Array;
  /** In the agent's own range, as `act` returned it: its one row. */
  readonly action: Actions;
  readonly reward: number;
  readonly nextObservation: Float32Array;
  readonly terminated: boolean;
  /** The episode was cut off: what follows still has value. */
  readonly truncated: boolean;
  /** Which actions are allowed next; absent: all. */
  readonly nextMask?: Uint8Array;
}

/** Scalars of one learning step by name: criticLoss, actorLoss, alpha, ... */
export type Metrics = Readonly<Record<string, number>>;

/** The mean of each scalar over updates. */
export function meanMetrics(rows: readonly Metrics[]): Metrics {
  const meanOf = (name: string) => rows.reduce((sum, row) => sum + row[name]!, 0) / rows.length;
  return Object.fromEntries(Object.keys(rows[0]!).map((name) => [name, meanOf(name)]));
}

/** A learner's whole state: JSON beside named arrays, so that it can be written as one file and restored bit-exactly. */
export interface Checkpoint {
  readonly meta: unknown;
  readonly arrays: Readonly<Record<string, Float32Array>>;
}

export interface ActOptions {
  /** The policy's mode, else a sample. */
  readonly deterministic: boolean;
  /** Of a Discrete space: a byte per environment and action, 1 where the action is allowed; absent: all are. */
  readonly masks?: Uint8Array;
}

export interface Agent {
  /** Actions for one observation of each environment. The array is the agent's own, overwritten by the next call. */
  act(observations: Rows, options: ActOptions): Actions;
  observe(transition: Transition): void;
  /** As many updates as the observed steps call for; null when there is nothing to learn yet. */
  learn(): Promise<Metrics | null>;
  save(): Checkpoint;
  load(checkpoint: Checkpoint): void;
  close(): Promise<void>;
}
