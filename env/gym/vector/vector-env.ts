// Several environments of one kind as one: a step of the vector is a step of each. After gymnasium/vector of Gymnasium 1.4
// (SyncVectorEnv). In every mode `finalObservations` and `finalInfos` hold the last step of an episode, even if
// `observations` holds the first one of the next.
import { didYouMean, InputError } from '../../../base/errors/input-error.js';
import type { Env, Info } from '../env.js';
import { Box } from '../spaces/box.js';
import type { Space } from '../spaces/space.js';

/**
 * What happens to an environment whose episode is over (https://farama.org/Vector-Autoreset-Mode):
 * - `next-step`: the next step resets it; that step's action is ignored, its reward 0, and `resets` is 1;
 * - `same-step`: it is reset at once; `observations` holds the first one of the next episode;
 * - `disabled`: the next step throws, until `reset({ only })` has reset it.
 */
export type AutoresetMode = 'next-step' | 'same-step' | 'disabled';
const modes: readonly AutoresetMode[] = ['next-step', 'same-step', 'disabled'];

/** One element, or one row of an observation's size, for each environment. */
export interface VectorOutcome {
  readonly observations: Float32Array;
  readonly rewards: Float64Array;
  /** 0 or 1, as the next two. */
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  /** 1 if this step was a reset, and so no transition to learn from. */
  readonly resets: Uint8Array;
  /** The last observation of each episode that ended in this step; other rows are what they were. */
  readonly finalObservations: Float32Array;
}

export interface VectorStep extends VectorOutcome {
  /** The infos that belong to `observations`. */
  readonly infos: readonly Info[];
  /** The last info of each episode that ended in this step. */
  readonly finalInfos: readonly (Info | null)[];
}

export interface VectorResetOptions {
  /** The seed of the first environment, the others get the numbers after it; or one for each. Without it generators go on. */
  readonly seed?: number | readonly number[];
  /** 1 for each environment to reset; default all. */
  readonly only?: Uint8Array;
}

export class VectorEnv<Action = Float32Array> {
  readonly count: number;
  readonly singleObservationSpace: Box;
  readonly singleActionSpace: Space<Action>;
  readonly #outcome: VectorOutcome;
  /** Views of the rows of `observations`. */
  readonly #rows: readonly Float32Array[];
  readonly #action: Float32Array | null;
  readonly #over: Uint8Array;
  readonly #infos: Info[];
  readonly #finalInfos: (Info | null)[];

  /**
   * @param envs made alike; the vector closes them
   * @param memory where its own arrays lie; default new ones
   * @throws InputError when there is none, one stands there twice, spaces differ, observations are no Box, or the mode is
   * unknown
   */
  constructor(
    readonly envs: readonly Env<Float32Array, Action>[],
    readonly autoreset: AutoresetMode,
    memory?: VectorOutcome,
  ) {
    checkMode(autoreset);
    const [first] = envs;
    if (!first || new Set(envs).size < envs.length)
      throw new InputError(
        `vector: ${first ? 'an environment stands there twice' : 'there is no environment'}.`,
        'Give one instance for each row.',
      );
    const { actionSpace } = first;
    const observationSpace = boxOf(first.observationSpace);
    const spaces = (env: Env<Float32Array, Action>) => JSON.stringify([env.observationSpace, env.actionSpace]);
    const other = envs.findIndex((env) => spaces(env) !== spaces(first));
    if (other >= 0)
      throw new InputError(`vector: environment ${other} has other spaces than the first.`, 'Make them alike.');
    this.count = envs.length;
    this.singleObservationSpace = observationSpace;
    this.singleActionSpace = actionSpace;
    const size = observationSpace.flatSize;
    this.#outcome = memory ?? {
      observations: new Float32Array(this.count * size),
      rewards: new Float64Array(this.count),
      terminated: new Uint8Array(this.count),
      truncated: new Uint8Array(this.count),
      resets: new Uint8Array(this.count),
      finalObservations: new Float32Array(this.count * size),
    };
    this.#rows = envs.map((_, i) => this.#outcome.observations.subarray(i * size, (i + 1) * size));
    this.#action = actionSpace instanceof Box ? new Float32Array(actionSpace.flatSize) : null;
    this.#over = new Uint8Array(this.count).fill(1);
    this.#infos = envs.map(() => ({}));
    this.#finalInfos = envs.map(() => null);
  }

  /** Per row, the latest info that was made. `stepInto` makes those of resets, and those of ends on request. */
  get infos(): readonly Info[] {
    return this.#infos;
  }

  /** As in `VectorStep`; after `stepInto` only on request. */
  get finalInfos(): readonly (Info | null)[] {
    return this.#finalInfos;
  }

  /** @throws InputError when seeds or `only` are not one for each environment */
  reset({ seed, only }: VectorResetOptions = {}): Pick<VectorStep, 'observations' | 'infos'> {
    checkRows(this.count, seed, only);
    for (let i = 0; i < this.count; i++)
      if (only === undefined || only[i] === 1) this.#reset(i, true, typeof seed === 'number' ? seed + i : seed?.[i]);
    return { observations: this.#outcome.observations.slice(), infos: [...this.#infos] };
  }

  /**
   * One step of each environment; the result's arrays are fresh.
   * @param actions for a Box one `Float32Array` with a row for each environment, else a list of actions
   * @throws InputError when there are not as many, one is refused, or an environment is over with autoreset `disabled`
   */
  step(actions: ArrayLike<number> | ArrayLike<Action>): VectorStep {
    this.#step(actions, true, true);
    return { ...copyOf(this.#outcome), infos: [...this.#infos], finalInfos: [...this.#finalInfos] };
  }

  /**
   * `step` into the vector's own arrays, which the next call overwrites, and without infos: allocates nothing where the
   * environments have `stepInto` and `resetInto`.
   * @param options `finalInfos`: whether to make those of rows that end or begin
   */
  stepInto(actions: ArrayLike<number> | ArrayLike<Action>, { finalInfos = false } = {}): VectorOutcome {
    this.#step(actions, false, finalInfos);
    return this.#outcome;
  }

  close(): void {
    for (const env of this.envs) env.close();
  }

  #step(actions: ArrayLike<number> | ArrayLike<Action>, infos: boolean, finalInfos: boolean): void {
    checkCount(this, actions.length, this.count * (this.#action?.length ?? 1));
    checkOver(this.autoreset, this.#over);
    const { rewards, terminated, truncated, resets } = this.#outcome;
    for (let i = 0; i < this.count; i++) {
      this.#finalInfos[i] = null;
      resets[i] = Number(this.autoreset === 'next-step' && this.#over[i] === 1);
      if (resets[i] === 1) {
        rewards[i] = 0;
        terminated[i] = 0;
        truncated[i] = 0;
        this.#reset(i, finalInfos);
      } else this.#advance(i, this.#actionOf(actions, i), infos, finalInfos);
    }
  }

  #actionOf(actions: ArrayLike<number> | ArrayLike<Action>, i: number): Action {
    const action = this.#action;
    if (action === null) return actions[i] as Action;
    for (let k = 0; k < action.length; k++) action[k] = actions[i * action.length + k] as number;
    return action as Action;
  }

  #advance(i: number, action: Action, infos: boolean, finalInfos: boolean): void {
    const env = this.envs[i]!;
    const { rewards, terminated, truncated, finalObservations } = this.#outcome;
    const row = this.#rows[i]!;
    if (env.stepInto) {
      const outcome = env.stepInto(action, row);
      rewards[i] = outcome.reward;
      terminated[i] = Number(outcome.terminated);
      truncated[i] = Number(outcome.truncated);
      if (infos) this.#infos[i] = env.info?.() ?? {};
    } else {
      // A wrapper may keep the action, and the row is used again.
      const result = env.step(this.#action === null ? action : (this.#action.slice() as Action));
      row.set(result.observation);
      rewards[i] = result.reward;
      terminated[i] = Number(result.terminated);
      truncated[i] = Number(result.truncated);
      this.#infos[i] = result.info;
    }
    if (terminated[i] === 0 && truncated[i] === 0) return;
    this.#over[i] = 1;
    finalObservations.set(row, i * row.length);
    if (finalInfos) {
      if (env.stepInto && !infos) this.#infos[i] = env.info?.() ?? {};
      this.#finalInfos[i] = this.#infos[i]!;
    }
    if (this.autoreset === 'same-step') this.#reset(i, finalInfos);
  }

  #reset(i: number, infos: boolean, seed?: number): void {
    const env = this.envs[i]!;
    if (env.resetInto) {
      env.resetInto(this.#rows[i]!, seed === undefined ? undefined : { seed });
      if (infos) this.#infos[i] = env.info?.() ?? {};
    } else {
      const { observation, info } = env.reset(seed === undefined ? {} : { seed });
      this.#rows[i]!.set(observation);
      this.#infos[i] = info;
    }
    this.#over[i] = 0;
  }
}

/** The same values in fresh arrays. */
export function copyOf(outcome: VectorOutcome): VectorOutcome {
  const { observations, rewards, terminated, truncated, resets, finalObservations } = outcome;
  return {
    observations: observations.slice(),
    rewards: rewards.slice(),
    terminated: terminated.slice(),
    truncated: truncated.slice(),
    resets: resets.slice(),
    finalObservations: finalObservations.slice(),
  };
}

/** @throws InputError when observations are no Box */
export function boxOf(observationSpace: Space<unknown>): Box {
  if (observationSpace instanceof Box) return observationSpace;
  throw new InputError(
    `vector: the observations are ${observationSpace}, not a Box.`,
    'Wrap each environment in FlattenObservation.',
  );
}

/** @throws InputError when there are not as many numbers or actions as expected */
export function checkCount(
  { count, singleActionSpace }: { readonly count: number; readonly singleActionSpace: unknown },
  given: number,
  expected: number,
): void {
  if (given === expected) return;
  throw new InputError(
    `vector: ${given} numbers or actions for ${count} environments.`,
    `Give ${expected}: ${count} of ${singleActionSpace}.`,
  );
}

/** @throws InputError when seeds or `only` are not one for each environment */
export function checkRows(count: number, seed: VectorResetOptions['seed'], only: VectorResetOptions['only']): void {
  for (const [name, given] of [
    ['seeds', seed],
    ['flags in only', only],
  ] as const)
    if (typeof given === 'object' && given.length !== count)
      throw new InputError(`vector: ${given.length} ${name} for ${count} environments.`, 'Give one for each.');
}

/** @throws InputError when the mode is unknown */
export function checkMode(autoreset: AutoresetMode): void {
  if (modes.includes(autoreset)) return;
  throw new InputError(
    `vector: the autoreset mode "${autoreset}" is unknown; there is no default.`,
    didYouMean(String(autoreset), modes),
  );
}

/** @throws InputError when an environment is over that nothing resets */
export function checkOver(autoreset: AutoresetMode, over: Uint8Array): void {
  if (autoreset !== 'disabled' || !over.includes(1)) return;
  throw new InputError(
    `vector: environment ${over.indexOf(1)} is over, and autoreset is disabled.`,
    'Reset it with reset({ only }).',
  );
}
