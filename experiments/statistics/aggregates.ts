// Aggregates of normalised scores over several tasks and few runs of each, as rliable has them: Agarwal et al., "Deep
// Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021 (arXiv 2108.13264).
import type { Rng } from '../../base/random/rng.js';
import { mean } from '../../base/statistics/faster-half.js';
import { median, sortedQuantile } from '../../base/statistics/quantile.js';
import { type Interval, interquartileMean } from './statistics.js';

/** A list for each task of the scores of its runs, larger being better; tasks may have different numbers of runs. */
export type Scores = readonly (readonly number[])[];

/** Aggregates over all tasks, by the names that tables give them. */
export const aggregates = {
  /** The mean of the middle half of all runs of all tasks. */
  iqm: (scores: Scores): number => interquartileMean(scores.flat()),
  /** Over tasks, of their means. */
  median: (scores: Scores): number => median(scores.map(mean)),
  mean: (scores: Scores): number => mean(scores.map(mean)),
  /** How far runs fall short of the score 1 on average; a score above it counts as 1. */
  optimalityGap: (scores: Scores): number => 1 - mean(scores.flat().map((score) => Math.min(score, 1))),
} as const satisfies Readonly<Record<string, (scores: Scores) => number>>;

/**
 * P(X > Y) for a run of X and a run of Y on the same task, equal scores counting half, averaged over tasks (the Mann-Whitney
 * statistic, section 4.3 of the paper).
 * @throws RangeError when the tasks are not the same number
 */
export function probabilityOfImprovement(x: Scores, y: Scores): number {
  if (x.length !== y.length) throw new RangeError(`probabilityOfImprovement: ${x.length} and ${y.length} tasks.`);
  return mean(
    x.map((own, task) => {
      const others = y[task]!;
      let won = 0;
      for (const a of own) for (const b of others) won += a > b ? 1 : a === b ? 0.5 : 0;
      return won / (own.length * others.length);
    }),
  );
}

/** The fraction of runs, of all tasks, whose score is above each threshold (the score distribution of section 4.2). */
export function performanceProfile(scores: Scores, thresholds: readonly number[]): number[] {
  const all = scores.flat();
  return thresholds.map((threshold) => all.filter((score) => score > threshold).length / all.length);
}

/**
 * The percentile bootstrap interval of a statistic whose runs are drawn again within each task, tasks being kept (stratified,
 * section 4.1).
 * @param samples one or more sets of scores, which the statistic takes together
 * @throws RangeError when a task has no run
 */
export function stratifiedInterval(
  samples: readonly Scores[],
  statistic: (...samples: Scores[]) => number,
  rng: Rng,
  { confidence = 0.95, resamples = 2000 }: { readonly confidence?: number; readonly resamples?: number } = {},
): Interval {
  if (samples.some((scores) => scores.some(({ length }) => length === 0)))
    throw new RangeError('stratifiedInterval: a task has no run.');
  const drawn = samples.map((scores) => scores.map((runs) => [...runs]));
  const statistics = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    for (const [s, scores] of samples.entries())
      for (const [task, runs] of scores.entries())
        for (let i = 0; i < runs.length; i++) drawn[s]![task]![i] = runs[rng.integer(runs.length)]!;
    statistics[r] = statistic(...drawn);
  }
  statistics.sort();
  return {
    low: sortedQuantile(statistics, (1 - confidence) / 2),
    high: sortedQuantile(statistics, (1 + confidence) / 2),
  };
}
