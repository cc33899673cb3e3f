// The environment loop: act, step, observe, learn. It takes its callbacks and knows no files. Actions are numbers of a
// Discrete space, under its mask, or arrays of a Box.
import { checkOptions } from '../base/errors/options.js';
import type { Env, Info } from '../env/gym/env.js';
import { Discrete } from '../env/gym/spaces/discrete.js';
import type { Actions, Agent, Metrics } from './agent.js';

/** An action of an environment: of a Discrete space, or of a Box. */
export type Action = number | Float32Array;

export interface EpisodeSummary {
  /** Environment steps taken so far, this episode included. */
  readonly step: number;
  readonly episode: number;
  /** Of its reset. */
  readonly seed: number;
  readonly return: number;
  readonly length: number;
  /** The actions taken, in order. */
  readonly actions: readonly Action[];
  readonly info: Info;
  /** Of the last learning step; null before the first. */
  readonly metrics: Metrics | null;
}

/** Where a training stands between two episodes; a checkpoint holds it beside the agent's state. */
export interface TrainingProgress {
  step: number;
  episode: number;
}

export interface TrainOptions {
  /** The environment, or the one of each episode; they have the same spaces. */
  readonly env: Env<Float32Array, Action> | ((episode: number) => Env<Float32Array, Action>);
  readonly agent: Agent;
  /** Training ends with the first episode that reaches this many steps. */
  readonly steps: number;
  /** Continues from here; episodes are seeded by their number, so a resumed training sees the same ones. */
  readonly progress?: TrainingProgress;
  readonly seed: number;
  /**
   * When the agent learns: after each step (default), or after each episode, which takes no core from an environment
   * that measures.
   */
  readonly learn?: 'each-step' | 'each-episode';
  /** What the agent's rewards are multiplied by; default 1. */
  readonly rewardScale?: number;
  readonly onMetrics?: (metrics: Metrics) => void;
  readonly onEpisode?: (summary: EpisodeSummary) => void | Promise<void>;
}

const trainOptionNames = {
  ...({ env: true, agent: true, steps: true, progress: true } as const),
  ...({ seed: true, learn: true, rewardScale: true, onMetrics: true, onEpisode: true } as const),
};

/** Trains until `steps` environment steps are taken. */
export async function train(options: TrainOptions): Promise<void> {
  checkOptions('train', options, trainOptionNames);
  const { env: given, agent, steps, progress = { step: 0, episode: 0 }, seed: trainingSeed } = options;
  const { learn = 'each-step', rewardScale = 1, onMetrics, onEpisode } = options;
  let metrics: Metrics | null = null;
  while (progress.step < steps) {
    const env = typeof given === 'function' ? given(progress.episode) : given;
    const seed = episodeSeed(trainingSeed, progress.episode);
    const actions: Action[] = [];
    let { observation } = env.reset({ seed });
    let mask = maskOf(env);
    let episodeReturn = 0;
    for (;;) {
      const chosen = agent.act(observation, { deterministic: false, ...(mask && { masks: mask }) }).slice();
      const action = actionOf(env, chosen);
      const { reward, terminated, truncated, observation: nextObservation, info } = env.step(action);
      const over = terminated || truncated;
      const nextMask = over ? null : maskOf(env);
      const step = {
        observation,
        action: chosen,
        reward: rewardScale * reward,
        nextObservation,
        terminated,
        truncated,
      };
      agent.observe({ env: 0, ...step, ...(nextMask && { nextMask }) });
      if (over || learn === 'each-step') {
        const learned = await agent.learn();
        if (learned) onMetrics?.((metrics = learned));
      }
      actions.push(action);
      episodeReturn += reward;
      observation = nextObservation;
      mask = nextMask;
      progress.step += 1;
      if (!over) continue;
      progress.episode += 1;
      const summary = { return: episodeReturn, length: actions.length, actions, info, metrics };
      await onEpisode?.({ ...progress, seed, ...summary });
      break;
    }
  }
}

export interface Rollout {
  readonly return: number;
  readonly actions: readonly Action[];
  readonly info: Info;
  /** Wall-clock time spent in the agent's decisions. */
  readonly decisionWallMs: number;
}

/** One episode of the agent's deterministic policy. */
export function rollout(env: Env<Float32Array, Action>, agent: Pick<Agent, 'act'>, seed: number): Rollout {
  return drive(env, seed, (observation) => {
    const mask = maskOf(env);
    return actionOf(env, agent.act(observation, { deterministic: true, ...(mask && { masks: mask }) }).slice());
  });
}

/** One episode in which `next` gives each action; its time is measured. */
export function drive(
  env: Env<Float32Array, Action>,
  seed: number,
  next: (observation: Float32Array) => Action,
): Rollout {
  let { observation } = env.reset({ seed });
  const actions: Action[] = [];
  let total = 0;
  let decisionWallMs = 0;
  for (;;) {
    const startMs = performance.now();
    const action = next(observation);
    decisionWallMs += performance.now() - startMs;
    actions.push(action);
    const result = env.step(action);
    total += result.reward;
    observation = result.observation;
    if (result.terminated || result.truncated) return { return: total, actions, info: result.info, decisionWallMs };
  }
}

/** An agent's row as the environment's action; `row` must not change afterwards. */
function actionOf({ actionSpace }: Env<Float32Array, Action>, row: Actions): Action {
  return actionSpace instanceof Discrete ? row[0]! : (row as Float32Array);
}

/** Which actions are allowed now; null: all. */
export function maskOf(env: Env<Float32Array, Action>): Uint8Array | null {
  const { actionSpace } = env;
  if (!(actionSpace instanceof Discrete)) return null;
  if (env.maskInto) {
    const mask = new Uint8Array(actionSpace.n);
    return env.maskInto(mask) ? mask : null;
  }
  return (env.info?.().actionMask as Uint8Array | undefined) ?? null;
}

/** A learner's seed gives each of its episodes one of its own. */
export function episodeSeed(seed: number, episode: number): number {
  return seed * 1_000_003 + episode;
}
