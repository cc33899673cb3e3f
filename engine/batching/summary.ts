// Statistics of a queue's log: throughput, latencies, misses and the overhead of batching.
import type { QueueLog, ServedRequest } from './queue.js';

export interface BatchingSummary {
  readonly served: number;
  readonly dropped: number;
  /** Requests turned away or answered later than the budget. */
  readonly deadlineMisses: number;
  /** Answers per second, from the first arrival to the last answer. */
  readonly throughputPerS: number;
  /** Requests per batch, padding not counted. */
  readonly meanTake: number;
  /** Arrival to answer, ms, of requests that were answered; NaN where none was. */
  readonly latencyMs: { readonly mean: number; readonly p50: number; readonly p95: number; readonly p99: number };
  /**
   * (time queued + forming + padding) / end-to-end time, each summed over the answered requests: our definition; SparOA
   * reports batching overheads without saying how they are counted.
   */
  readonly overhead: number;
  /** The three parts of `overhead`, as fractions of end-to-end time. */
  readonly parts: { readonly queued: number; readonly forming: number; readonly padding: number };
}

/** Rounding slack relative to the budget. */
const slack = 1e-9;

/** @param budgetMs from arrival to answer; Infinity counts no lateness. */
export function batchingSummary({ requests, batches }: QueueLog, budgetMs: number): BatchingSummary {
  const served = requests.filter((request): request is ServedRequest => 'doneMs' in request);
  const dropped = requests.length - served.length;
  const latencies = served.map(({ arrivalMs, doneMs }) => doneMs - arrivalMs).sort((a, b) => a - b);
  const total = (of: (request: ServedRequest) => number) => served.reduce((sum, request) => sum + of(request), 0);
  const endToEndMs = total(({ arrivalMs, doneMs }) => doneMs - arrivalMs);
  const parts = {
    queued: total(({ queuedMs }) => queuedMs) / endToEndMs,
    forming: total(({ formingMs }) => formingMs) / endToEndMs,
    padding: total(({ paddingMs }) => paddingMs) / endToEndMs,
  };
  // Nearest rank: a latency that some request had.
  const percentile = (p: number) => latencies[Math.max(0, Math.ceil(p * latencies.length) - 1)] ?? Number.NaN;
  const spanMs = (batches.at(-1)?.endMs ?? 0) - (requests[0]?.arrivalMs ?? 0);
  return {
    served: served.length,
    dropped,
    deadlineMisses: dropped + latencies.filter((ms) => ms > budgetMs * (1 + slack)).length,
    throughputPerS: batches.length > 0 ? (1000 * served.length) / spanMs : 0,
    meanTake: served.length / batches.length,
    latencyMs: { mean: endToEndMs / served.length, p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) },
    overhead: parts.queued + parts.forming + parts.padding,
    parts,
  };
}
