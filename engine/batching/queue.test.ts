// Queues with known answers: arithmetic by hand, M/D/1, saturation; and what must hold for every policy.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { type BatchLatency, latencyTable } from './curve.js';
import { dynamicBatching, staticBatching } from './policies.js';
import { poissonArrivals, type QueueLog, type ServedRequest, simulateQueue } from './queue.js';
import { batchingSummary } from './summary.js';

/** 4 ms for any batch, 1 ms more for each request. */
const affine: BatchLatency = (batch) => 4 + batch;
const served = (log: QueueLog) => log.requests.filter((request): request is ServedRequest => 'doneMs' in request);

describe('static batching, by hand', () => {
  test('a single request waits for the timeout, and three quarters of the growth with the batch is padding', () => {
    const log = simulateQueue([10], staticBatching({ size: 4, timeoutMs: 6 }), affine);
    expect(log.requests).toEqual([{ arrivalMs: 10, startMs: 16, doneMs: 24, queuedMs: 0, formingMs: 6, paddingMs: 3 }]);
    const { overhead, parts, throughputPerS } = batchingSummary(log, 20);
    expect(parts).toEqual({ queued: 0, forming: 6 / 14, padding: 3 / 14 });
    expect(overhead).toBeCloseTo(9 / 14, 12);
    expect(throughputPerS).toBeCloseTo(1000 / 14, 9);
  });

  test('arrivals 1 ms apart in pairs: forming, then queueing behind the batch ahead', () => {
    // Batches (0, 1), (2, 3) of 6 ms: the first starts at 1, the second when the executor is free at 7.
    const log = simulateQueue([0, 1, 2, 3], staticBatching({ size: 2, timeoutMs: 100 }), affine);
    expect(log.batches.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [1, 7],
      [7, 13],
    ]);
    expect(served(log).map(({ queuedMs, formingMs }) => [queuedMs, formingMs])).toEqual([
      [0, 1],
      [0, 0],
      [5, 0],
      [4, 0],
    ]);
  });

  test('arrivals slower than the executor at batch 1 have no overhead at all', () => {
    const log = simulateQueue([0, 5, 10, 15], staticBatching({ size: 1, timeoutMs: 0 }), affine);
    expect(batchingSummary(log, 5)).toMatchObject({ overhead: 0, deadlineMisses: 0, latencyMs: { mean: 5, p99: 5 } });
  });
});

describe('dynamic batching', () => {
  const sizes = [1, 2, 4, 8];

  test('a lone request starts at once; those that gathered meanwhile go together', () => {
    const policy = dynamicBatching({ budgetMs: 50, latencyMs: affine, sizes });
    const { batches } = simulateQueue([0, 1, 2, 3, 4, 30], policy, affine);
    expect(batches).toEqual([
      { startMs: 0, durationMs: 5, endMs: 5, take: 1, size: 1 },
      { startMs: 5, durationMs: 8, endMs: 13, take: 4, size: 4 },
      { startMs: 30, durationMs: 5, endMs: 35, take: 1, size: 1 },
    ]);
  });

  test('holds for company no longer than asked, nor than the budget of the larger batch permits', () => {
    const start = (budgetMs: number, holdMs: number) =>
      simulateQueue([0], dynamicBatching({ budgetMs, latencyMs: affine, sizes, holdMs }), affine).batches[0]!.startMs;
    expect(start(50, 7)).toBe(7);
    expect(start(10, 7)).toBe(4); // a batch of 2 takes 6 ms of the 10
  });

  test('turns away what cannot be answered in time, and answers a smaller batch where only that is in time', () => {
    // At 0 one starts and ends at 5. The oldest of the three left has until 8: 3 ms left, less than any batch takes.
    const tight = dynamicBatching({ budgetMs: 7, latencyMs: affine, sizes });
    const log = simulateQueue([0, 1, 1, 1], tight, affine);
    expect(log.requests.slice(1)).toEqual([1, 1, 1].map((arrivalMs) => ({ arrivalMs, droppedMs: 5 })));
    expect(batchingSummary(log, 7)).toMatchObject({ served: 1, dropped: 3, deadlineMisses: 3 });
    // With a budget of 10 ms there are 6 left: a batch of 2 fits, one of 4 does not, and the third is turned away.
    const looser = simulateQueue([0, 1, 1, 1], dynamicBatching({ budgetMs: 10, latencyMs: affine, sizes }), affine);
    expect(looser.batches.map(({ take }) => take)).toEqual([1, 2]);
    expect(batchingSummary(looser, 10)).toMatchObject({ served: 3, deadlineMisses: 1 });
  });

  test('never forms a batch predicted to miss the budget, and leaves no request out, on 200 random queues', () => {
    for (let seed = 0; seed < 200; seed++) {
      const rng = Rng.of(seed, 'queue');
      const arrivals = poissonArrivals(rng, 50 + 450 * rng.uniform(), 300);
      const base = 10 * rng.uniform();
      const curve = latencyTable(sizes.map((batch) => ({ batch, latencyMs: base + batch ** (0.5 + rng.uniform()) })));
      const budgetMs = 5 + 40 * rng.uniform();
      const holdMs = rng.uniform() < 0.5 ? 0 : 10 * rng.uniform();
      const log = simulateQueue(arrivals, dynamicBatching({ budgetMs, latencyMs: curve, sizes, holdMs }), curve);
      const late = served(log).filter(({ arrivalMs, doneMs }) => doneMs - arrivalMs > budgetMs * (1 + 1e-9));
      expect(late, `seed ${seed}`).toEqual([]);
      expectSound(log, arrivals, `seed ${seed}`);
    }
  });
});

/** Every request once, in order; batches in sequence; waiting split without remainder. */
function expectSound({ requests, batches }: QueueLog, arrivals: readonly number[], label: string): void {
  expect(requests.map(({ arrivalMs }) => arrivalMs)).toEqual(arrivals);
  batches.forEach(({ startMs, take, size }, i) => {
    expect(startMs, label).toBeGreaterThanOrEqual(batches[i - 1]?.endMs ?? 0);
    expect(take, label).toBeLessThanOrEqual(size);
  });
  const answered = served({ requests, batches });
  expect(batches.reduce((sum, { take }) => sum + take, 0)).toBe(answered.length);
  for (const { arrivalMs, startMs, queuedMs, formingMs, paddingMs } of answered) {
    expect(queuedMs + formingMs, label).toBeCloseTo(startMs - arrivalMs, 6);
    expect(Math.min(queuedMs, formingMs + 1e-9, paddingMs), label).toBeGreaterThanOrEqual(0);
  }
}

describe('closed forms', () => {
  test.each([0.3, 0.7, 0.9])('M/D/1 at load %d: the mean wait is rho / (2 mu (1 - rho)), and L = lambda W', (rho) => {
    const serviceMs = 2;
    const arrivals = poissonArrivals(Rng.of(4, 'md1', rho), (1000 * rho) / serviceMs, 400_000);
    const log = simulateQueue(arrivals, staticBatching({ size: 1, timeoutMs: 0 }), () => serviceMs);
    const waits = served(log).map(({ queuedMs }) => queuedMs);
    const meanWaitMs = waits.reduce((sum, ms) => sum + ms, 0) / waits.length;
    expect(Math.abs(meanWaitMs / ((rho * serviceMs) / (2 * (1 - rho))) - 1)).toBeLessThan(0.05);
    // Little's law: requests in the system, seen at regular times, against arrival rate times mean latency.
    const endMs = log.batches.at(-1)!.endMs;
    let [seen, arrived, done] = [0, 0, 0];
    const samples = 200_000;
    for (let i = 0; i < samples; i++) {
      const atMs = ((i + 0.5) * endMs) / samples;
      while (arrivals[arrived]! <= atMs) arrived++;
      while (log.batches[done]!.endMs <= atMs) done++;
      seen += arrived - done;
    }
    const latencyMs = batchingSummary(log, Number.POSITIVE_INFINITY).latencyMs.mean;
    expect(seen / samples / ((arrivals.length / endMs) * latencyMs)).toBeCloseTo(1, 2);
  });

  test('a saturated queue is served at the rate of its batch: 8 in 12 ms, dynamic or static', () => {
    const arrivals = Array.from({ length: 8000 }, () => 0);
    const sizes = [1, 2, 4, 8];
    const dynamic = dynamicBatching({ budgetMs: Number.POSITIVE_INFINITY, latencyMs: affine, sizes });
    for (const policy of [dynamic, staticBatching({ size: 8, timeoutMs: 5 })]) {
      const { throughputPerS, meanTake } = batchingSummary(simulateQueue(arrivals, policy, affine), 1e9);
      expect(throughputPerS).toBeCloseTo(8000 / 12, 9);
      expect(meanTake).toBe(8);
    }
  });

  test('where a larger batch is no faster per request, a saturated queue is served at the best rate of the curve', () => {
    const curve = latencyTable([
      { batch: 1, latencyMs: 3 },
      { batch: 2, latencyMs: 4 },
      { batch: 4, latencyMs: 20 },
    ]);
    const policy = dynamicBatching({ budgetMs: Number.POSITIVE_INFINITY, latencyMs: curve, sizes: [1, 2, 4] });
    const log = simulateQueue(Array<number>(1000).fill(0), policy, curve);
    expect(batchingSummary(log, 1e9).throughputPerS).toBeCloseTo(500, 9);
  });

  test('a Poisson stream has its rate, and exponential gaps: variance equals the squared mean', () => {
    const arrivals = poissonArrivals(Rng.of(1, 'poisson'), 200, 200_000);
    const gaps = arrivals.map((ms, i) => ms - (arrivals[i - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(mean / 5).toBeCloseTo(1, 2);
    expect(variance / 25).toBeCloseTo(1, 1);
  });
});

describe('refusals', () => {
  test('curves without points, batches above the curve, unsorted arrivals, sizes that are none', () => {
    expect(() => latencyTable([])).toThrow(/0 points/);
    expect(() => latencyTable([{ batch: 4, latencyMs: 8 }])(5)).toThrow(/batch of 5 is above/);
    expect(() => simulateQueue([2, 1], staticBatching({ size: 1, timeoutMs: 0 }), affine)).toThrow(
      /arrival 1 is at 1 ms/,
    );
    expect(() => staticBatching({ size: 0, timeoutMs: 0 })).toThrow(/\[0\]/);
    expect(() => staticBatching({ size: 2, timeoutMs: Number.POSITIVE_INFINITY })).toThrow(/leaves the last/);
  });

  test('between two points the curve is a straight line, below the first it is flat', () => {
    const curve = latencyTable([
      { batch: 8, latencyMs: 18 },
      { batch: 2, latencyMs: 6 },
    ]);
    expect([1, 2, 5, 8].map(curve)).toEqual([6, 6, 12, 18]);
  });
});
