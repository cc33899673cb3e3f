// Statistics over seeds. Each is a pure function of its values; whatever draws takes a stream, so a table computed twice
// has the same bytes.
import type { Stream } from '../base/random/stream.js';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  /** What is estimated from a sample; the median unless given. */
  readonly statistic?: (sample: readonly number[]) => number;
  /** Coverage of the interval, in (0, 1). */
  readonly confidence?: number;
  readonly resamples?: number;
}

/**
 * The q-quantile by linear interpolation between order statistics: with h = q (n - 1), x[floor h] moved towards
 * x[floor h + 1] by the fraction of h. Type 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American
 * Statistician 50(4), 1996; the default ('linear') of `numpy.quantile`.
 * @throws RangeError when there is no value, or q lies outside [0, 1].
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError('quantile: no values.');
  if (!(q >= 0 && q <= 1)) throw new RangeError(`quantile: q is ${q}, outside [0, 1].`);
  return sortedQuantile(Float64Array.from(values).sort(), q);
}

/** The middle order statistic, or the mean of the middle two: the 0.5-quantile. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
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
  stream: Stream,
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
    for (let i = 0; i < sample.length; i++) sample[i] = values[stream.integer(values.length)]!;
    statistics[r] = statistic(sample);
  }
  statistics.sort();
  return {
    low: sortedQuantile(statistics, (1 - confidence) / 2),
    high: sortedQuantile(statistics, (1 + confidence) / 2),
  };
}

function sortedQuantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const fraction = position - below;
  const low = sorted[below]!;
  // Without the test the last value would be interpolated with one past the end.
  return fraction === 0 ? low : low + fraction * (sorted[below + 1]! - low);
}
