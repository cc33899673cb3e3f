// Order statistics: thresholds of planners and intervals of tables use one definition.

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

/** The same of values in ascending order, unchecked. */
export function sortedQuantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const fraction = position - below;
  const low = sorted[below]!;
  // Without the test the last value would be interpolated with one past the end.
  return fraction === 0 ? low : low + fraction * (sorted[below + 1]! - low);
}
