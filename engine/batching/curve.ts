// Latency as a function of the batch size: all that the queue needs to know of an executor.
import { InputError } from '../../base/errors/input-error.js';

/** Time of one execution at a batch size, ms. */
export type BatchLatency = (batch: number) => number;

/**
 * A curve through measured or simulated points: straight lines between them. A batch below the smallest takes as long as
 * the smallest, because executors pad; one above the largest is an error, never a guess.
 */
export function latencyTable(points: readonly { readonly batch: number; readonly latencyMs: number }[]): BatchLatency {
  const sorted = points.toSorted((a, b) => a.batch - b.batch);
  if (sorted.length === 0 || sorted.some(({ latencyMs }) => !(latencyMs > 0))) {
    throw new InputError(
      `batching: a curve of ${sorted.length} points has no point or one that is not above 0 ms.`,
      'Give the latency of at least one batch size.',
    );
  }
  return (batch) => {
    const above = sorted.findIndex((point) => point.batch >= batch);
    const high = sorted[above];
    if (!high) {
      throw new InputError(
        `batching: a batch of ${batch} is above the curve's largest, ${sorted.at(-1)!.batch}.`,
        'Measure it, or form smaller batches.',
      );
    }
    const low = sorted[above - 1];
    if (!low || high.batch === batch) return high.latencyMs;
    const weight = (batch - low.batch) / (high.batch - low.batch);
    return low.latencyMs + weight * (high.latencyMs - low.latencyMs);
  };
}
