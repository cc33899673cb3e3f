// The cut over shares against brute force through the simulator's own transition function.
import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { Schedule } from '../../engine/schedule.js';
import { SerialKernel } from '../../engine/simulator/serial-kernel.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { rooflineCosts } from '../../predictor/profiles/roofline.js';
import { leastSerialMs, shareProblem } from '../../test/fixtures/channel-graph.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { serialBound } from './optimum.js';
import { evenShares, everyShare } from './share-ranges.js';

/** @returns on how many graphs the bound is proved to be the optimum, and on how many the optimum splits a unit */
function compare(seeds: number, channels: boolean) {
  let [proved, splits, fanOut] = [0, 0, 0];
  for (let seed = 0; seed < seeds; seed++) {
    const { graph, costs, ranges } = shareProblem(seed, channels);
    const { kind, boundMs, schedule } = serialBound(graph, costs, ranges);
    const leastMs = leastSerialMs(graph, costs, ranges);
    const what = `seed ${seed}: ${kind} ${boundMs} ms, brute force ${leastMs} ms`;
    if (!channels) expect(kind, what).toBe('optimum');
    if (kind === 'optimum') expect(Math.abs(boundMs / leastMs - 1), what).toBeLessThan(1e-9);
    else expect(boundMs, what).toBeLessThanOrEqual(leastMs);
    proved += Number(kind === 'optimum');
    splits += Number(schedule.share.some((share) => share > 0 && share < 1));
    fanOut += Number(graph.tensors.some(({ consumers }) => consumers.length > 1));
  }
  // The test is about something: splits that pay, and tensors that several units read.
  expect(splits).toBeGreaterThan(seeds / 4);
  expect(fanOut).toBeGreaterThan(seeds / 3);
  return proved / seeds;
}

test('where parts read whole inputs, the cut equals brute force on 300 random graphs', () => {
  compare(300, false);
});

test('where parts read channels, it is never above brute force on 300 random graphs, and is proved on most', () => {
  expect(compare(300, true)).toBeGreaterThan(0.5);
});

test('the same on 10,000 graphs of each kind', { tags: 'gate', timeout: 600_000 }, () => {
  compare(10_000, false);
  expect(compare(10_000, true)).toBeGreaterThan(0.5);
});

test('a bound over every share is below 100 random schedules of each of 60 graphs, and is proved where splits do not pay', () => {
  let [bounds, optima] = [0, 0];
  for (let seed = 0; seed < 60; seed++) {
    const rng = Rng.of(seed, 'every-share');
    // Launches that cost next to nothing make splits pay.
    const launch = ['0.1us', '100us'][seed % 2];
    const profile = loadProfile(
      `profile://jetson-agx-orin?device0.launch=0.1us&device1.launch=${launch}&transfer0.latency=1us&transfer1.latency=1us`,
    );
    const graph = randomGraph(rng, { units: 12, maxFanOut: 4 });
    const costs = rooflineCosts(graph, profile);
    const { kind, boundMs } = serialBound(graph, costs, everyShare(10));
    const kernel = new SerialKernel(graph, costs);
    const state = new Float64Array(kernel.rowLength);
    for (let draw = 0; draw < 100; draw++) {
      const share = graph.units.map(({ onlyOn, splitAxis }) =>
        onlyOn !== null ? onlyOn : splitAxis !== null && rng.uniform() < 0.5 ? rng.uniform() : rng.integer(2),
      );
      kernel.reset(state);
      let clockMs = 0;
      for (const { id } of graph.units) clockMs = kernel.decide(state, id, Schedule.of(graph, share).share[id]!);
      expect(clockMs, `seed ${seed}`).toBeGreaterThanOrEqual(boundMs);
    }
    if (kind === 'optimum') optima++;
    else bounds++;
    const grid = serialBound(graph, costs, evenShares(11));
    expect(boundMs).toBeLessThanOrEqual(grid.boundMs * (1 + 1e-9));
  }
  expect(Math.min(bounds, optima)).toBeGreaterThan(5);
});
