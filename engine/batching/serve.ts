// The request queue in front of a real executor: batches are executed when they are formed, on this machine's clock. The
// caller's thread waits meanwhile, because executors are synchronous.
import { InputError } from '../../base/errors/input-error.js';
import { median } from '../../base/statistics/quantile.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions } from '../conditions.js';
import type { Executor } from '../executor.js';
import type { Schedule } from '../schedule.js';
import type { BatchServer } from './queue.js';

/** A model at one batch size (its graph's), ready to be executed as its schedule says. */
export interface BatchPlan {
  readonly executor: Executor;
  readonly graph: OperatorGraph;
  readonly schedule: Schedule;
  readonly conditions: Conditions;
}

/** Shorter waits poll the clock: a sleeping thread wakes up too late by about as much. */
const watchedMs = 0.2;

/**
 * A server that executes for real; its clock starts at 0 now. Inputs lie in the executor from the start: bringing each
 * request's own is not part of a batch's time.
 * @throws InputError, from `execute`, when no plan has the batch size or an execution fails
 */
export function realServer(plans: readonly BatchPlan[]): BatchServer {
  const originMs = performance.now();
  const clockMs = () => performance.now() - originMs;
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  return {
    waitUntil(ms) {
      const leftMs = ms - clockMs() - watchedMs;
      if (leftMs > 0) Atomics.wait(sleeper, 0, 0, leftMs);
      while (clockMs() < ms);
    },
    execute(size, startMs) {
      const plan = plans.find(({ graph }) => graph.batch === size);
      if (!plan) {
        const known = plans.map(({ graph }) => graph.batch);
        throw new InputError(`batching: no plan has a batch of ${size}.`, `Plans were given for ${known.join(', ')}.`);
      }
      executePlan(plan);
      return clockMs() - startMs;
    },
  };
}

/**
 * Measures the batch-latency curve: for each plan, the median of `repeats` executions by the caller's clock. The plans take
 * turns, so that a busy moment of the machine does not hit one plan alone. A first turn, which compiles, does not count.
 * @throws InputError when an execution fails
 */
export function measureBatchLatency(plans: readonly BatchPlan[], repeats = 15): { batch: number; latencyMs: number }[] {
  const samples = plans.map((): number[] => []);
  for (let turn = 0; turn <= repeats; turn++) {
    for (const [i, plan] of plans.entries()) {
      const startMs = performance.now();
      executePlan(plan);
      if (turn > 0) samples[i]!.push(performance.now() - startMs);
    }
  }
  return plans.map(({ graph }, i) => ({ batch: graph.batch, latencyMs: median(samples[i]!) }));
}

function executePlan({ executor, graph, schedule, conditions }: BatchPlan): void {
  const result = executor.run(graph, schedule, conditions);
  if ('error' in result) {
    throw new InputError(
      `batching: a batch of ${graph.batch} failed: ${result.error}.`,
      'Choose another schedule or device.',
    );
  }
}
