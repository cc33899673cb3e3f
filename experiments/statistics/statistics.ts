// Statistics over seeds. Each is a pure function of its values; functions that draw take an `Rng`, so results are reproducible.
import type { Rng } from '../../base/random/rng.js';
import { median, sortedQuantile } from '../../base/statistics/quantile.js';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  /** The statistic; default the median. */
  readonly statistic?: (sample: readonly number[]) => number;
  /** Coverage of the interval, in (0, 1). */
  readonly confidence?: number;
  readonly resamples?: number;
}

/**
 * Percentile bootstrap interval (Efron, "Bootstrap Methods: Another Look at the Jackknife", The Annals of Statistics 7(1),
 * 1979; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3): draw `resamples` samples of
 * the size of `values`, with replacement; the interval spans the (1 - confidence)/2 and (1 + confidence)/2 quantiles of
 * their statistics. A single value, and equal values, give an interval of no width.
 * @throws RangeError when there is no value, no resample, or the confidence lies outside (0, 1).
 */
export function bootstrapInterval(
  values: readonly number[],
  rng: Rng,
  { statistic = median, confidence = 0.95, resamples = 2000 }: BootstrapOptions = {},
): Interval {
  if (values.length === 0) throw new RangeError('bootstrapInterval: no values.');
  if (!(resamples >= 1)) throw new RangeError(`bootstrapInterval: ${resamples} resamples; at least 1 is needed.`);
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`bootstrapInterval: the confidence is ${confidence}, outside (0, 1).`);
  }
  const statistics = new Float64Array(resamples);
  const sample = new Array<number>(values.length);
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < sample.length; i++) sample[i] = values[rng.integer(values.length)]!;
    statistics[r] = statistic(sample);
  }
  statistics.sort();
  return {
    low: sortedQuantile(statistics, (1 - confidence) / 2),
    high: sortedQuantile(statistics, (1 + confidence) / 2),
  };
}

/**
 * The mean of the middle half: a quarter of the values, rounded down, is left out at either end. (The aggregate that Agarwal
 * et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021, recommend for few seeds.)
 * @throws RangeError when there is no value
 */
export function interquartileMean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('interquartileMean: no values.');
  const cut = Math.floor(values.length / 4);
  const middle = values.toSorted((a, b) => a - b).slice(cut, values.length - cut);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}
