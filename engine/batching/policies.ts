// When to start a batch, and how large: a fixed size with a timeout, as static frameworks do, and a size chosen anew each
// time by a latency budget and the batch-latency curve.
import { InputError } from '../../base/errors/input-error.js';
import { checkOptions } from '../../base/errors/options.js';
import type { BatchLatency } from './curve.js';

/** The state that a policy sees when the executor is free and requests wait; first come, first served. */
export interface QueueView {
  readonly nowMs: number;
  readonly waiting: number;
  /** Arrival of the request that has waited longest. */
  readonly oldestMs: number;
}

export type BatchDecision =
  /** Execute the `take` oldest at batch `size`; the rest of the batch is padding. */
  | { readonly kind: 'start'; readonly take: number; readonly size: number }
  /** Ask again at `untilMs`, or when a request arrives. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** Turn the oldest request away. */
  | { readonly kind: 'drop' };

export type BatchPolicy = (queue: QueueView) => BatchDecision;

export interface StaticBatching {
  /** Every execution has this batch size, full or not. */
  readonly size: number;
  /** A batch that is not full starts when its oldest request has waited this long; finite. */
  readonly timeoutMs: number;
}

/** Static batching: full, or timed out and padded. */
export function staticBatching(options: StaticBatching): BatchPolicy {
  checkOptions('staticBatching', options, { size: true, timeoutMs: true });
  const { size, timeoutMs } = options;
  checkSizes([size]);
  if (!Number.isFinite(timeoutMs)) {
    throw new InputError('batching: a static timeout of Infinity leaves the last requests waiting.', 'Give it in ms.');
  }
  return ({ nowMs, waiting, oldestMs }) => {
    const untilMs = oldestMs + timeoutMs;
    if (waiting < size && nowMs < untilMs) return { kind: 'wait', untilMs };
    return { kind: 'start', take: Math.min(waiting, size), size };
  };
}

export interface DynamicBatching {
  /** From a request's arrival to its answer; Infinity for none. */
  readonly budgetMs: number;
  /** Predicted latency of each batch size. */
  readonly latencyMs: BatchLatency;
  /** Batch sizes that the executor is compiled for. */
  readonly sizes: readonly number[];
  /** How long the oldest request waits for more requests while the executor is free, within the budget; default 0. */
  readonly holdMs?: number;
}

/**
 * Dynamic batching: of the sizes predicted to answer the oldest request in time, the one that serves most requests per ms
 * (the larger one of equals). Batches grow with the queue, because requests gather while the executor works. A request that
 * no size can answer in time is turned away, as Clockwork does (Gujarati et al., OSDI 2020), rather than delay the others:
 * no batch is ever formed that is predicted to miss the budget.
 */
export function dynamicBatching(given: DynamicBatching): BatchPolicy {
  checkOptions('dynamicBatching', given, { budgetMs: true, latencyMs: true, sizes: true, holdMs: true });
  const { budgetMs, latencyMs, sizes, holdMs = 0 } = given;
  checkSizes(sizes);
  const options = sizes.toSorted((a, b) => a - b).map((size) => ({ size, predictedMs: latencyMs(size) }));
  const largest = options.at(-1)!;
  return ({ nowMs, waiting, oldestMs }) => {
    /** The last moment to start a batch that answers the oldest request in time. */
    const latestMs = (predictedMs: number) => oldestMs + budgetMs - predictedMs;
    if (waiting < largest.size) {
      const withOneMore = options.find(({ size }) => size > waiting)!;
      const untilMs = Math.min(oldestMs + holdMs, latestMs(withOneMore.predictedMs));
      if (nowMs < untilMs) return { kind: 'wait', untilMs };
    }
    let best: { take: number; size: number; perMs: number } | null = null;
    for (const { size, predictedMs } of options) {
      const take = Math.min(waiting, size);
      if (nowMs > latestMs(predictedMs)) continue;
      const perMs = take / predictedMs;
      // Of equals the one that serves more, not the one that pads more.
      if (best && (perMs < best.perMs || (perMs === best.perMs && take === best.take))) continue;
      best = { take, size, perMs };
    }
    return best ? { kind: 'start', take: best.take, size: best.size } : { kind: 'drop' };
  };
}

function checkSizes(sizes: readonly number[]): void {
  if (sizes.length === 0 || sizes.some((size) => !Number.isInteger(size) || size < 1)) {
    throw new InputError(`batching: batch sizes [${sizes}].`, 'Give whole numbers of at least 1.');
  }
}
