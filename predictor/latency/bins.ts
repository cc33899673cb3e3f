// Columns as small integers: a tree looks for its splits between bins, so a node costs its rows plus its bins.
import type { Samples } from './samples.js';

/** The most bins of a column: a bin is a byte. A column with no more distinct values keeps one for each, and is exact. */
export const mostBins = 256;

export interface BinnedColumn {
  /** [rows] */
  readonly bin: Uint8Array;
  /** [bins], ascending: the least and the greatest value in each bin. */
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** One binned column for each feature. */
export function binColumns({ features, x, latencyMs }: Samples): BinnedColumn[] {
  return features.map((_, column) =>
    binColumn(Float64Array.from(latencyMs, (__, row) => x[row * features.length + column]!)),
  );
}

/** Equal values share a bin; where there are too many, neighbours do, so that bins hold about as many rows each. */
function binColumn(values: Float64Array): BinnedColumn {
  const sorted = Float64Array.from(values).sort();
  const distinct = sorted.filter((value, at) => at === 0 || value !== sorted[at - 1]);
  let upper = distinct;
  if (distinct.length > mostBins) {
    const edges = new Set<number>();
    for (let bin = 1; bin <= mostBins; bin++) edges.add(sorted[Math.ceil((bin * sorted.length) / mostBins) - 1]!);
    upper = Float64Array.from(edges);
  }
  const low = new Float64Array(upper.length).fill(Number.POSITIVE_INFINITY);
  const bin = Uint8Array.from(values, (value) => {
    const found = firstAtLeast(upper, value);
    low[found] = Math.min(low[found]!, value);
    return found;
  });
  return { bin, low, high: upper };
}

/** Position of the first of the ascending `values` that is no less than `value`. */
function firstAtLeast(values: Float64Array, value: number): number {
  let from = 0;
  let to = values.length - 1;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (values[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
