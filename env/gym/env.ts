// The environment contract, after Gymnasium 1.x: https://gymnasium.farama.org/api/env/ . Synchronous.
import type { Space } from './spaces/space.js';

/** Diagnostics beside the observation; agents do not learn from it. */
export type Info = Readonly<Record<string, unknown>>;

export interface ResetResult<Observation> {
  readonly observation: Observation;
  readonly info: Info;
}

export interface StepResult<Observation> {
  readonly observation: Observation;
  readonly reward: number;
  /** The episode ended by the MDP: nothing follows, so the value of what follows is 0. */
  readonly terminated: boolean;
  /** The episode was cut off from outside: what follows still has value. */
  readonly truncated: boolean;
  readonly info: Info;
}

/** Reward and end of a step that wrote its observation into the caller's buffer. */
export interface StepOutcome {
  reward: number;
  terminated: boolean;
  truncated: boolean;
}

export interface Env<Observation = Float32Array, Action = Float32Array> {
  readonly observationSpace: Space<Observation>;
  readonly actionSpace: Space<Action>;
  /** Starts an episode. A seed restarts the environment's stream; without one the stream goes on. */
  reset(options?: { readonly seed?: number }): ResetResult<Observation>;
  /**
   * Takes one action; the result's objects are fresh.
   * @throws InputError when the episode is over or not begun, or the action is not in the action space.
   */
  step(action: Action): StepResult<Observation>;
  close(): void;
}
