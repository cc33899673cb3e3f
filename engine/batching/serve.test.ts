// The queue in front of a real executor: nothing is simulated here but the arrivals.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { loadModel } from '../../models/load.js';
import type { Conditions } from '../conditions.js';
import type { Executor } from '../executor.js';
import { createLanesExecutor } from '../runtime/lanes/executor.js';
import { Schedule } from '../schedule.js';
import { latencyTable } from './curve.js';
import { type BatchPolicy, dynamicBatching, staticBatching } from './policies.js';
import { poissonArrivals, type QueueLog, serveQueue } from './queue.js';
import { type BatchPlan, measureBatchLatency, realServer } from './serve.js';

const sizes = [1, 2, 4];
const conditions: Conditions = { seed: 0, execution: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
/** The batch and the executor's own latency of every execution, in order. */
const executed: { readonly batch: number; readonly makespanMs: number }[] = [];

/** A small model, on one lane: handing over at every unit takes long where other programs compete for the cores. */
async function planOf(batch: number): Promise<BatchPlan> {
  const model = await loadModel(`model://mobilenetv3-small?size=32&batch=${batch}`);
  const graph = model.graph('fused');
  const executor = createLanesExecutor({ model });
  const watched: Executor = {
    kind: executor.kind,
    devices: executor.devices,
    supported: (of) => executor.supported(of),
    begin: (of, under) => executor.begin(of, under),
    run(...args) {
      const result = executor.run(...args);
      if (!('error' in result)) executed.push({ batch: args[0].batch, makespanMs: result.makespanMs });
      return result;
    },
    close: () => executor.close(),
  };
  return { executor: watched, graph, schedule: Schedule.onDevice(graph, 0), conditions };
}

const plans = await Promise.all(sizes.map(planOf));
afterAll(() => {
  for (const { executor } of plans) executor.close();
});

const points = measureBatchLatency(plans, 5);
const measuring = executed.map(({ batch }) => batch);
const curve = latencyTable(points);
const budgetMs = 5 * curve(1);
const arrivals = poissonArrivals(Rng.of(3, 'arrivals'), 900 / curve(1), 100);

test('the curve has the median of each size, and every size took its turn', () => {
  expect(points.map(({ batch }) => batch)).toEqual(sizes);
  expect(measuring).toEqual(Array.from({ length: 6 }, () => sizes).flat());
});

const policies: Record<string, BatchPolicy> = {
  dynamic: dynamicBatching({ budgetMs, latencyMs: curve, sizes }),
  'dynamic, held for company': dynamicBatching({ budgetMs, latencyMs: curve, sizes, holdMs: curve(1) }),
  static: staticBatching({ size: 4, timeoutMs: budgetMs / 2 }),
};

describe.each(Object.entries(policies))('%s batching on a real executor', (name, policy) => {
  let log: QueueLog;
  let elapsedMs: number;
  let executions: typeof executed;
  beforeAll(() => {
    const startMs = performance.now();
    const before = executed.length;
    log = serveQueue(arrivals, policy, curve, realServer(plans));
    elapsedMs = performance.now() - startMs;
    executions = executed.slice(before);
  });

  test('every request is served once, in order, or turned away', () => {
    expect(log.requests.map(({ arrivalMs }) => arrivalMs)).toEqual(arrivals);
    const starts = log.requests.flatMap((request) => ('startMs' in request ? [request.startMs] : []));
    expect(starts).toEqual(log.batches.flatMap(({ startMs: at, take }) => Array(take).fill(at)));
    expect(starts.toSorted((a, b) => a - b)).toEqual(starts);
    for (const request of log.requests)
      if ('startMs' in request) expect(request.startMs).toBeGreaterThanOrEqual(request.arrivalMs);
    if (name === 'static') expect(starts).toHaveLength(arrivals.length);
  });

  test('every batch is one execution of its size, within the time it is booked', () => {
    expect(executions.map(({ batch }) => batch)).toEqual(log.batches.map(({ size }) => size));
    log.batches.forEach(({ startMs: at, durationMs, endMs }, i) => {
      expect(at).toBeGreaterThanOrEqual(log.batches[i - 1]?.endMs ?? 0);
      expect(durationMs).toBeGreaterThanOrEqual(executions[i]!.makespanMs);
      expect(endMs).toBeLessThanOrEqual(elapsedMs);
    });
  });

  test('the same arrivals and durations form the same batches, to the bit', () => {
    expect(replayed(log, policy)).toEqual(log);
  });

  if (name === 'static') return;
  test('starts nothing that is predicted to miss the budget, and turns nothing else away', () => {
    const oldest = oldestOf(log);
    log.batches.forEach(({ startMs: at, size }, i) => {
      expect(at + curve(size)).toBeLessThanOrEqual((oldest[i]! + budgetMs) * (1 + 1e-12));
    });
    for (const request of log.requests)
      if ('droppedMs' in request)
        expect(request.droppedMs + curve(1)).toBeGreaterThan((request.arrivalMs + budgetMs) * (1 - 1e-12));
  });
});

/** The log of a server that replays the measured durations. */
function replayed(log: QueueLog, policy: BatchPolicy): QueueLog {
  const durations = log.batches.map(({ durationMs }) => durationMs)[Symbol.iterator]();
  return serveQueue(arrivals, policy, curve, { waitUntil() {}, execute: () => durations.next().value! });
}

/** Arrival of the first request of each batch. */
function oldestOf({ requests, batches }: QueueLog): number[] {
  return batches.map(
    ({ startMs }) => requests.find((each) => 'startMs' in each && each.startMs === startMs)!.arrivalMs,
  );
}

test('a size without a plan, and a schedule that fails, are errors of two lines', () => {
  expect(() => realServer(plans).execute(3, 0)).toThrow(/no plan has a batch of 3\.\nPlans were given for 1, 2, 4\./);
  const failing = { error: 'unit 0 failed', unit: 0, device: 0 } as const;
  const broken: BatchPlan = { ...plans[0]!, executor: { ...plans[0]!.executor, run: () => failing } };
  expect(() => realServer([broken]).execute(1, 0)).toThrow(/a batch of 1 failed: unit 0 failed\.\nChoose another/);
});
