// The clairvoyant bound: no policy, even with knowledge of the future, answers the requests of an episode earlier.
import { InputError } from '../../base/errors/input-error.js';
import type { StreamEpisode } from '../../env/stream/episode.js';
import { latencyMs, optimumOf } from '../baselines/streams/policy.js';

export interface StreamBound {
  /** At most the objective of any policy in this episode. */
  readonly objectiveMs: number;
  /** For each request, no policy answers it before. */
  readonly answeredMs: readonly number[];
}

/**
 * Let L_j be a time before which request j cannot be answered. It runs in a batch of requests i..k around it, all of one
 * model; the batch begins at a time s that is no earlier than the arrival of k, nor than L_(i-1), as batches run one after
 * the other in the order of arrival; and it takes at least f(s), the optimum over placements under what holds at s. So
 *
 *     L_j = min over batches i..k that hold j of  min over s >= max(arrival_k, L_(i-1)) of  s + f(s)
 *
 * is one too, by induction on j. The bound is the objective with every answer at L_j. It is below what can be reached: it
 * lets the board wait for better conditions, takes for each request the batch that suits it, and decides in no time.
 *
 * @throws InputError with splits: the minimum cut is the optimum over whole units only
 */
export function clairvoyantBound(episode: StreamEpisode): StreamBound {
  const { setting, arrivalMs, model } = episode;
  const { shares, deadlineMs, missPenaltyMs } = setting.options;
  if (shares !== 'binary')
    throw new InputError(`streams: there is no clairvoyant bound with shares "${shares}".`, 'Set shares to binary.');
  /** Optimal latencies by condition, and the least of them, of a model at a batch size. */
  const optimaOf = (of: number, size: number) => {
    const ms = setting.casesOf(of, size).map((inference) => latencyMs(inference, optimumOf(inference)));
    return { ms, leastMs: Math.min(...ms) };
  };
  const optima = Array.from({ length: setting.modelCount }, (_, of) =>
    setting.batches.map((_, size) => optimaOf(of, size)),
  );
  const largest = setting.batches.at(-1)!;
  const answeredMs: number[] = new Array(arrivalMs.length).fill(Number.POSITIVE_INFINITY);
  // L_(i-1) is final once every batch that begins before i has been seen.
  for (let i = 0; i < arrivalMs.length; i++) {
    for (let k = i; k < Math.min(i + largest, arrivalMs.length) && model[k] === model[i]; k++) {
      const fromMs = Math.max(arrivalMs[k]!, answeredMs[i - 1] ?? 0);
      const { ms, leastMs } = optima[model[i]!]![setting.sizeFor(k - i + 1)]!;
      const endMs = earliestEndMs(episode, fromMs, ms, leastMs);
      for (let j = i; j <= k; j++) answeredMs[j] = Math.min(answeredMs[j]!, endMs);
    }
  }
  let objectiveMs = 0;
  answeredMs.forEach((ms, j) => {
    const responseMs = ms - arrivalMs[j]!;
    objectiveMs += responseMs + (deadlineMs !== null && responseMs > deadlineMs ? missPenaltyMs : 0);
  });
  return { objectiveMs, answeredMs };
}

/** The least s + latency(s) over s from `fromMs` on: where conditions hold, the earliest s is the best one. */
function earliestEndMs(episode: StreamEpisode, fromMs: number, latencies: readonly number[], leastMs: number): number {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let startMs = fromMs; startMs + leastMs < bestMs; startMs = episode.changeAfter(startMs))
    bestMs = Math.min(bestMs, startMs + latencies[episode.conditionAt(startMs)]!);
  return bestMs;
}
