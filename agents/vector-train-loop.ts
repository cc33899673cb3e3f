// The environment loop over a vector: act in all environments at once, step them, observe each transition, learn. Episodes
// follow each other in every environment, so an on-policy learner sees many of them in one rollout.

import { InputError } from '../base/errors/input-error.js';
import { checkOptions } from '../base/errors/options.js';
import type { Env } from '../env/gym/env.js';
import type { VectorEnv } from '../env/gym/vector/vector-env.js';
import type { Agent, Metrics } from './agent.js';
import { type Action, maskOf } from './train-loop.js';

/** An episode of one of the environments. */
export interface VectorEpisode {
  /** Steps of all environments so far. */
  readonly step: number;
  readonly env: number;
  readonly return: number;
  readonly length: number;
}

export interface VectorTrainOptions {
  /** Of mode `same-step`. */
  readonly envs: VectorEnv<number> | VectorEnv<Float32Array>;
  /** Made for as many environments. */
  readonly agent: Agent;
  /** Training ends when the environments together have taken this many steps. */
  readonly steps: number;
  /** Of the first environment; the others get the numbers after it. */
  readonly seed: number;
  /** What the agent's rewards are multiplied by; default 1. */
  readonly rewardScale?: number;
  readonly onMetrics?: (metrics: Metrics) => void;
  readonly onEpisode?: (episode: VectorEpisode) => void;
}

const optionNames = {
  ...({ envs: true, agent: true, steps: true, seed: true } as const),
  ...({ rewardScale: true, onMetrics: true, onEpisode: true } as const),
};

/**
 * Trains one agent in all environments of a vector.
 * @throws InputError when the vector resets its environments in another mode than `same-step`
 */
export async function trainVector(options: VectorTrainOptions): Promise<void> {
  checkOptions('trainVector', options, optionNames);
  const { envs, agent, steps, seed, rewardScale = 1, onMetrics, onEpisode } = options;
  if (envs.autoreset !== 'same-step')
    throw new InputError(
      `trainVector: the vector resets its environments in the mode ${envs.autoreset}.`,
      'Make it with autoreset same-step.',
    );
  const { count } = envs;
  const size = envs.singleObservationSpace.flatSize;
  const single = envs.envs as readonly Env<Float32Array, Action>[];
  let { observations } = envs.reset({ seed });
  let masks = masksOf(single);
  const returns = new Float64Array(count);
  const lengths = new Int32Array(count);
  for (let step = 0; step < steps; ) {
    const actions = agent.act(observations, { deterministic: false, ...(masks && { masks }) }).slice();
    const actionSize = actions.length / count;
    const outcome = envs.step(actions);
    const nextMasks = masksOf(single);
    for (let env = 0; env < count; env++) {
      const over = outcome.terminated[env] === 1 || outcome.truncated[env] === 1;
      const rows = over ? outcome.finalObservations : outcome.observations;
      const at = env * size;
      agent.observe({
        env,
        observation: observations.subarray(at, at + size),
        action: actions.subarray(env * actionSize, (env + 1) * actionSize),
        reward: rewardScale * outcome.rewards[env]!,
        nextObservation: rows.subarray(at, at + size),
        terminated: outcome.terminated[env] === 1,
        truncated: outcome.truncated[env] === 1,
        ...(nextMasks && !over && { nextMask: maskRow(nextMasks, env, count) }),
      });
      step += 1;
      returns[env]! += outcome.rewards[env]!;
      lengths[env]! += 1;
      if (!over) continue;
      onEpisode?.({ step, env, return: returns[env]!, length: lengths[env]! });
      returns[env] = 0;
      lengths[env] = 0;
    }
    const learned = await agent.learn();
    if (learned) onMetrics?.(learned);
    ({ observations } = outcome);
    masks = nextMasks;
  }
}

function masksOf(envs: readonly Env<Float32Array, Action>[]): Uint8Array | null {
  const masks = envs.map(maskOf);
  if (masks.every((mask) => mask === null)) return null;
  const size = masks.find((mask) => mask !== null)!.length;
  const all = new Uint8Array(envs.length * size).fill(1);
  for (const [i, mask] of masks.entries()) if (mask) all.set(mask, i * size);
  return all;
}

const maskRow = (masks: Uint8Array, env: number, count: number): Uint8Array => {
  const size = masks.length / count;
  return masks.subarray(env * size, (env + 1) * size);
};
