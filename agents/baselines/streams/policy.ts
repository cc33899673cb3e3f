// Policies for streams that do not learn: before each batch they choose its schedule from the observation.

import { InputError } from '../../../base/errors/input-error.js';
import { memoize } from '../../../base/functions/memoize.js';
import { Rng } from '../../../base/random/rng.js';
import type { Schedule } from '../../../engine/schedule.js';
import type { Trace } from '../../../engine/trace.js';
import type { StreamEnv, StreamView } from '../../../env/stream/env.js';
import type { StreamEpisode } from '../../../env/stream/episode.js';
import { type StreamOutcome, streamOutcome } from '../../../env/stream/outcome.js';
import type { StreamCase } from '../../../env/stream/setting.js';
import { optimum } from '../../bounds/optimum.js';

export type StreamPolicy = (view: StreamView) => Schedule;

export interface PlayedStream {
  readonly return: number;
  /** One for each unit of each batch. */
  readonly actions: readonly Float32Array[];
  readonly outcome: StreamOutcome;
}

/**
 * One episode of the environment by a policy.
 * @param policyOf makes it for the episode; all but a policy in hindsight leave the episode alone
 */
export function driveStream(
  env: StreamEnv,
  policyOf: (episode: StreamEpisode) => StreamPolicy,
  seed: number,
): PlayedStream {
  env.reset({ seed });
  const policy = policyOf(env.view().queue.episode);
  const actions: Float32Array[] = [];
  let total = 0;
  for (;;) {
    for (const share of policy(env.view()).share) {
      const action = Float32Array.of(share);
      actions.push(action);
      const { reward, terminated, info } = env.step(action);
      total += reward;
      if (terminated) return { return: total, actions, outcome: streamOutcome(info) };
    }
  }
}

/** The optimum of one inference under its conditions, by minimum cut; memoized. */
export const optimumOf = memoize(
  ({ graph, costs, conditions }: StreamCase): Schedule =>
    optimum({ graph, costs, conditions, random: Rng.of(0, 'unused') }),
);

const latencies = memoize(({ executor, graph, conditions }: StreamCase) =>
  memoize((schedule: Schedule): number => {
    if (executor.kind === 'measured')
      throw new InputError(
        'streams: the latency of a schedule on hardware is not known before it runs.',
        'Use a policy that re-solves by measured costs, or evaluate policies that look ahead on the simulator.',
      );
    return (executor.run(graph, schedule, conditions) as Trace).makespanMs;
  }),
);

/** Latency of a schedule in a case, ms; memoized. @throws InputError on hardware, where it is known only after the execution */
export function latencyMs(inference: StreamCase, schedule: Schedule): number {
  return latencies(inference)(schedule);
}

/** Re-solving: at each batch, the minimum cut under the conditions of the monitor's last reading. */
export const resolving: StreamPolicy = ({ observed }) => optimumOf(observed);
