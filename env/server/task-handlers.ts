// What a server answers about environments but does not know itself: baselines and bounds are above environments, and
// whoever starts a server hands it these functions.
import type { Env, Info } from '../gym/env.js';
import type { EnvSpec } from '../gym/registry.js';

/** An environment that a client has open, and what it was made of. */
export interface OpenEnv extends Pick<EnvSpec, 'id' | 'options'> {
  readonly env: Env<unknown, unknown>;
}

/** The episode that a client has ended. */
export interface EndedEpisode {
  /** Of the reset; null where none was given. */
  readonly seed: number | null;
  readonly actions: readonly unknown[];
  readonly return: number;
  /** Of the last step. */
  readonly info: Info;
}

/** Answers are JSON; each may throw an InputError. None changes the client's environment. */
export interface TaskHandlers {
  baselines(of: OpenEnv): object;
  /** An episode by a baseline. @param randomSeed of the numbers that the baseline draws */
  plan(of: OpenEnv, name: string, seed: number, randomSeed: number): Promise<object>;
  reference(of: OpenEnv, seed: number): Promise<object>;
  /** Null where nothing is proved. */
  bound(of: OpenEnv, seed: number): Promise<object | null>;
  metrics(of: OpenEnv, episode: EndedEpisode): object;
  /** The episode's line of trajectories.csv. @param seed where the reset had none */
  row(of: OpenEnv, episode: EndedEpisode, scheduler: string, seed: number | null): Promise<object>;
}

/** Loads them when they are asked for first. */
export type LoadHandlers = () => Promise<TaskHandlers>;
