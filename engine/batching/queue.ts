// A request queue in front of one server. From arrivals, a policy and a server it computes when each request is answered and
// the overhead of batching. With a server that only counts time it is a deterministic discrete-event simulation; with a real
// one (serve.ts) it serves requests.
import { InputError } from '../../base/errors/input-error.js';
import type { Rng } from '../../base/random/rng.js';
import type { BatchLatency } from './curve.js';
import type { BatchPolicy } from './policies.js';

/** A request that was answered; latency = queued + forming + the batch's execution. All in ms. */
export interface ServedRequest {
  readonly arrivalMs: number;
  readonly startMs: number;
  readonly doneMs: number;
  /** Waiting while the executor worked on others. */
  readonly queuedMs: number;
  /** Waiting for more requests while the executor was free. */
  readonly formingMs: number;
  /** Execution beyond what the batch without its padding would have taken. */
  readonly paddingMs: number;
}

/** One that was turned away. */
export interface DroppedRequest {
  readonly arrivalMs: number;
  readonly droppedMs: number;
}

export interface ExecutedBatch {
  readonly startMs: number;
  readonly durationMs: number;
  /** startMs + durationMs, rounded. */
  readonly endMs: number;
  /** Requests in it. */
  readonly take: number;
  /** Its size, padding included. */
  readonly size: number;
}

export interface QueueLog {
  /** By arrival. */
  readonly requests: readonly (ServedRequest | DroppedRequest)[];
  readonly batches: readonly ExecutedBatch[];
}

/** What executes the batches, one at a time, and keeps the clock. */
export interface BatchServer {
  /** Returns once the clock shows `ms`; at once where it does already. */
  waitUntil(ms: number): void;
  /** Executes a batch of `size` that starts at `startMs`, and returns how long it took, ms. */
  execute(size: number, startMs: number): number;
}

/**
 * Simulates the queue until it is empty.
 * @param arrivalsMs ascending; {@link poissonArrivals} or a recorded list.
 * @param latencyMs the latency of a batch: a simulator's makespan at each size, or a measured curve.
 */
export function simulateQueue(arrivalsMs: readonly number[], policy: BatchPolicy, latencyMs: BatchLatency): QueueLog {
  return serveQueue(arrivalsMs, policy, latencyMs, { waitUntil() {}, execute: latencyMs });
}

/**
 * Serves the queue until it is empty. Requests are taken in the order of their arrival.
 *
 * Decisions are taken at the times in the log: an arrival, the end of a policy's wait, the end of a batch. Real time beyond
 * these is added to the next execution. So the same arrivals and durations give the same log.
 * @param arrivalsMs ascending.
 * @param latencyMs the curve that padding is counted by.
 */
export function serveQueue(
  arrivalsMs: readonly number[],
  policy: BatchPolicy,
  latencyMs: BatchLatency,
  server: BatchServer,
): QueueLog {
  const unsorted = arrivalsMs.findIndex((ms, i) => !(ms >= (arrivalsMs[i - 1] ?? 0)));
  if (unsorted >= 0) {
    throw new InputError(
      `batching: arrival ${unsorted} is at ${arrivalsMs[unsorted]} ms, before the one ahead of it or before 0.`,
      'Give arrival times in ascending order.',
    );
  }
  const requests: (ServedRequest | DroppedRequest)[] = [];
  const batches: ExecutedBatch[] = [];
  /** The executor's busy time before each admitted request's arrival; its growth until the request starts is time queued. */
  const busyBeforeMs: number[] = [];
  let [nowMs, freeMs, busyMs] = [0, 0, 0];
  // The oldest waiting request is number requests.length; those below busyBeforeMs.length have arrived.
  while (requests.length < arrivalsMs.length) {
    const oldestMs = arrivalsMs[requests.length]!;
    nowMs = Math.max(nowMs, oldestMs);
    server.waitUntil(nowMs);
    for (let next = busyBeforeMs.length; arrivalsMs[next]! <= nowMs; next++) {
      busyBeforeMs.push(busyMs - Math.max(0, freeMs - arrivalsMs[next]!));
    }
    const waiting = busyBeforeMs.length - requests.length;
    const decision = policy({ nowMs, waiting, oldestMs });
    switch (decision.kind) {
      case 'wait':
        if (!(decision.untilMs > nowMs)) throw new Error(`policy waits until ${decision.untilMs} at ${nowMs} ms`);
        nowMs = Math.min(decision.untilMs, arrivalsMs[busyBeforeMs.length] ?? Number.POSITIVE_INFINITY);
        break;
      case 'drop':
        requests.push({ arrivalMs: oldestMs, droppedMs: nowMs });
        break;
      case 'start': {
        const { take, size } = decision;
        if (!(take >= 1 && take <= Math.min(waiting, size)))
          throw new Error(`policy takes ${take} of ${waiting} requests into a batch of ${size}`);
        const durationMs = server.execute(size, nowMs);
        const paddingMs = take === size ? 0 : Math.max(0, durationMs - latencyMs(take));
        const startMs = nowMs;
        const doneMs = startMs + durationMs;
        for (let i = 0; i < take; i++) {
          const arrivalMs = arrivalsMs[requests.length]!;
          // Rounding of sums may leave a negative zero's worth.
          const queuedMs = Math.min(startMs - arrivalMs, Math.max(0, busyMs - busyBeforeMs[requests.length]!));
          const formingMs = startMs - arrivalMs - queuedMs;
          requests.push({ arrivalMs, startMs, doneMs, queuedMs, formingMs, paddingMs });
        }
        batches.push({ startMs, durationMs, endMs: doneMs, take, size });
        busyMs += durationMs;
        nowMs = freeMs = doneMs;
        break;
      }
      default:
        decision satisfies never;
    }
  }
  return { requests, batches };
}

/** Arrival times of a Poisson process, ms: exponential gaps of mean 1,000 / `ratePerS`. */
export function poissonArrivals(rng: Rng, ratePerS: number, count: number): number[] {
  let nowMs = 0;
  // 1 - u lies in (0, 1]: its logarithm is finite.
  return Array.from({ length: count }, () => (nowMs -= (1000 / ratePerS) * Math.log(1 - rng.uniform())));
}
