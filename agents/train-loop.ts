// The environment loop: act, step, observe, learn. It takes its callbacks and knows no files.
import { checkOptions } from '../base/errors/options.js';
import type { Env } from '../env/gym/env.js';
import type { Agent, Metrics } from './agent.js';

export interface EpisodeSummary {
  /** Environment steps taken so far, this episode included. */
  readonly step: number;
  readonly episode: number;
  readonly return: number;
  readonly length: number;
  /** The actions taken, in order. */
  readonly actions: readonly Float32Array[];
  readonly info: Readonly<Record<string, unknown>>;
  /** Of the last learning step; null before the first. */
  readonly metrics: Metrics | null;
}

/** Where a training stands between two episodes; a checkpoint holds it beside the agent's state. */
export interface TrainingProgress {
  step: number;
  episode: number;
}

export interface TrainOptions {
  readonly env: Env;
  readonly agent: Agent;
  /** Training ends with the first episode that reaches this many steps. */
  readonly steps: number;
  /** Continues from here; episodes are seeded by their number, so a resumed training sees the same ones. */
  readonly progress: TrainingProgress;
  readonly seed: number;
  /**
   * When the agent learns: after each step (default), or after each episode, which takes no core from an environment
   * that measures.
   */
  readonly learn?: 'each-step' | 'each-episode';
  readonly onEpisode: (summary: EpisodeSummary) => void | Promise<void>;
}

const trainOptionNames = {
  ...({ env: true, agent: true, steps: true, progress: true } as const),
  ...({ seed: true, learn: true, onEpisode: true } as const),
};

/** Trains until `steps` environment steps are taken. */
export async function train(options: TrainOptions): Promise<void> {
  checkOptions('train', options, trainOptionNames);
  const { env, agent, steps, progress, seed, learn = 'each-step', onEpisode } = options;
  let metrics: Metrics | null = null;
  while (progress.step < steps) {
    let { observation } = env.reset({ seed: episodeSeed(seed, progress.episode) });
    const actions: Float32Array[] = [];
    let episodeReturn = 0;
    for (;;) {
      const action = Float32Array.from(agent.act(observation, { deterministic: false }));
      const result = env.step(action);
      agent.observe({
        observation,
        action,
        reward: result.reward,
        nextObservation: result.observation,
        terminated: result.terminated,
      });
      const over = result.terminated || result.truncated;
      if (over || learn === 'each-step') metrics = (await agent.learn()) ?? metrics;
      actions.push(action);
      episodeReturn += result.reward;
      observation = result.observation;
      progress.step += 1;
      if (over) {
        progress.episode += 1;
        await onEpisode({
          ...progress,
          return: episodeReturn,
          length: actions.length,
          actions,
          info: result.info,
          metrics,
        });
        break;
      }
    }
  }
}

export interface Rollout {
  readonly return: number;
  readonly actions: readonly Float32Array[];
  readonly info: Readonly<Record<string, unknown>>;
  /** Wall-clock time spent in the agent's decisions. */
  readonly decisionWallMs: number;
}

/** One episode of the agent's deterministic policy. */
export function rollout(env: Env, agent: Pick<Agent, 'act'>, seed: number): Rollout {
  let { observation } = env.reset({ seed });
  const actions: Float32Array[] = [];
  let total = 0;
  let decisionWallMs = 0;
  for (;;) {
    const startMs = performance.now();
    const action = Float32Array.from(agent.act(observation, { deterministic: true }));
    decisionWallMs += performance.now() - startMs;
    actions.push(action);
    const result = env.step(action);
    total += result.reward;
    observation = result.observation;
    if (result.terminated || result.truncated) return { return: total, actions, info: result.info, decisionWallMs };
  }
}

/** A learner's seed gives each of its episodes one of its own. */
export function episodeSeed(seed: number, episode: number): number {
  return seed * 1_000_003 + episode;
}
