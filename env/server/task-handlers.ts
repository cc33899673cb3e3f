// Requests about baselines, bounds and recorded episodes. They belong to a floor above environments, so the program that starts
// a server gives it these functions.
import type { Env, Info } from '../gym/env.js';
import type { EnvSpec } from '../gym/registry.js';

/** An environment that a client has open, and the id and options that made it. */
export interface OpenEnv extends Pick<EnvSpec, 'id' | 'options'> {
  readonly env: Env<unknown, unknown>;
}

/** The episode that a client has ended. */
export interface EndedEpisode {
  /** Seed of the reset; null if it had none. */
  readonly seed: number | null;
  readonly actions: readonly unknown[];
  readonly return: number;
  /** The info of the last step. */
  readonly info: Info;
}

/** Answers are JSON. Each may throw an InputError; none changes the client's environment. */
export interface TaskHandlers {
  baselines(of: OpenEnv): object;
  /** An episode played by a baseline. @param randomSeed seed of the numbers that the baseline draws */
  plan(of: OpenEnv, name: string, seed: number, randomSeed: number): Promise<object>;
  reference(of: OpenEnv, seed: number): Promise<object>;
  /** Null if no bound is proved. */
  bound(of: OpenEnv, seed: number): Promise<object | null>;
  metrics(of: OpenEnv, episode: EndedEpisode): object;
  /** The episode's line of trajectories.csv. @param seed of the episode, if the reset had none */
  row(of: OpenEnv, episode: EndedEpisode, scheduler: string, seed: number | null): Promise<object>;
}

/** Loads the handlers at the first request. */
export type LoadHandlers = () => Promise<TaskHandlers>;
