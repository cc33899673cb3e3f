// What a learner is to everyone else: it acts, observes, learns, and can be saved. It knows environments only by the
// sizes of their observations and actions.

/** One step as it goes into a replay buffer. `terminated` is true only when the episode ended by the MDP, not by a limit. */
export interface Transition {
  readonly observation: Float32Array;
  /** In the agent's own range, as `act` returned it. */
  readonly action: Float32Array;
  readonly reward: number;
  readonly nextObservation: Float32Array;
  readonly terminated: boolean;
}

/** Scalars of one learning step by name: criticLoss, actorLoss, alpha, ... */
export type Metrics = Readonly<Record<string, number>>;

/** A learner's whole state: JSON beside named arrays, so that it can be written as one file and restored bit-exactly. */
export interface Checkpoint {
  readonly meta: unknown;
  readonly arrays: Readonly<Record<string, Float32Array>>;
}

export interface Agent {
  /** The action for one observation: the policy's mode when `deterministic`, else a sample. The array is the agent's own. */
  act(
    observation: Float32Array,
    options: { readonly mask?: Uint8Array; readonly deterministic: boolean },
  ): Float32Array;
  observe(transition: Transition): void;
  /** As many updates as the observed steps call for; null when there is nothing to learn yet. */
  learn(): Promise<Metrics | null>;
  save(): Checkpoint;
  load(checkpoint: Checkpoint): void;
  close(): Promise<void>;
}
