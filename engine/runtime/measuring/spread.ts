// Measured times in three numbers.
import { quantile } from '../../../base/statistics/quantile.js';
import type { Spread } from '../../../predictor/tables/unit-times.js';

/** Median and quartiles; null where there is none. */
export function spreadOf(times: readonly number[]): Spread | null {
  if (times.length === 0) return null;
  const [lowMs, medianMs, highMs] = [0.25, 0.5, 0.75].map((q) => quantile(times, q)) as [number, number, number];
  return { medianMs, lowMs, highMs, samples: times.length };
}
