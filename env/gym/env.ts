// The environment contract, after Gymnasium 1.x: https://gymnasium.farama.org/api/env/ . Synchronous.
import type { Space } from './spaces/space.js';

/** Diagnostics beside the observation; agents do not learn from it. `actionMask`, if present, is a mask of the action space. */
export type Info = Readonly<Record<string, unknown>>;

export interface ResetOptions {
  readonly seed?: number;
  /** What else an environment takes at the start of an episode. */
  readonly options?: Readonly<Record<string, unknown>>;
}

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

/** The state of an environment as plain data, which survives JSON text and back. */
export type EnvState = Readonly<Record<string, unknown>>;

/** What an environment promises beyond the contract; `checkEnv` tests it. */
export interface Guarantees {
  /** The seed and the actions determine everything but wall-clock times; false on hardware. */
  readonly deterministic: boolean;
  /** `snapshot`, `restore` and `fork` work. */
  readonly restorable: boolean;
  /** The sign of every reward of an episode that terminates. */
  readonly rewardSign?: 'nonpositive' | 'nonnegative';
  /** Computes the return from the last info of a terminated episode; the rewards add up to it. */
  readonly returnOf?: (info: Info) => number;
  /** Conservation laws that the last info of a terminated episode violates, as sentences. */
  readonly violations?: (info: Info) => readonly string[];
}

export interface Env<Observation = Float32Array, Action = Float32Array> {
  readonly observationSpace: Space<Observation>;
  readonly actionSpace: Space<Action>;
  /** Absent: deterministic, not restorable. */
  readonly guarantees?: Guarantees;
  /** What `render` draws. */
  readonly renderModes?: readonly string[];
  /** Starts an episode. A seed restarts the environment's random generator; without one it goes on. */
  reset(options?: ResetOptions): ResetResult<Observation>;
  /**
   * Takes one action; the result's objects are fresh.
   * @throws InputError when the episode is over or not begun, or the action is not in the action space.
   */
  step(action: Action): StepResult<Observation>;
  /** `step` without allocation: the observation goes into the caller's buffer, the outcome is the environment's own. */
  stepInto?(action: Action, observation: Observation): Readonly<StepOutcome>;
  /** `reset` without allocation: the observation goes into the caller's buffer. */
  resetInto?(observation: Observation, options?: ResetOptions): void;
  /** The info of the latest `stepInto` or `resetInto`. */
  info?(): Info;
  /**
   * Writes the latest `actionMask` into the caller's bytes, without allocation; for spaces whose masks are flat.
   * @returns false, and writes nothing, if there is no mask
   */
  maskInto?(mask: Uint8Array): boolean;
  /** @throws InputError when the mode is none of `renderModes`, or nothing has begun */
  render?(mode: string): string;
  /** @throws InputError when the executor cannot save its state */
  snapshot?(): EnvState;
  /**
   * Goes on from where `snapshot` was taken, in this environment or one made alike.
   * @throws InputError when the state is another environment's
   */
  restore?(state: EnvState): void;
  /** An independent copy in the same state. */
  fork?(): Env<Observation, Action>;
  /** `count` forks, whose states may lie in one block of memory. */
  forks?(count: number): Env<Observation, Action>[];
  /** Ends what the environment runs; calling it again does nothing. */
  close(): void;
}

/** The guarantees of an environment that declares none. */
export const defaultGuarantees: Guarantees = { deterministic: true, restorable: false };
