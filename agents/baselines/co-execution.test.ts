// The share chosen for a layer on both devices, against brute force and a closed form.
import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { bestShare, coExecutionMs } from './co-execution.js';

const graph = randomGraph(Rng.of(0, 'co-execution'), { units: 1, maxFanOut: 1 });

const table = (unitMs: readonly [number, number], moveMs: number): CostTable => ({
  unitMs: (_, device, share) => share * unitMs[device]!,
  transferMs: (_, __, fraction = 1) => moveMs * fraction,
  launchMs: () => 0,
  syncMs: 0,
});

test('without moves the parts end together: device 1 takes t0 / (t0 + t1)', () => {
  const random = Rng.of(1, 'co-execution');
  for (let repeat = 0; repeat < 200; repeat++) {
    const [t0, t1] = [1 + 9 * random.uniform(), 1 + 9 * random.uniform()];
    const share = bestShare(graph, table([t0, t1], 0), 0, 1000);
    expect(share).toBeCloseTo(t0 / (t0 + t1), 2);
    expect(coExecutionMs(graph, table([t0, t1], 0), 0, share)).toBeCloseTo((t0 * t1) / (t0 + t1), 1);
  }
});

test('no share is better than the one chosen', () => {
  const random = Rng.of(2, 'co-execution');
  for (let repeat = 0; repeat < 200; repeat++) {
    const costs = table([10 * random.uniform(), 10 * random.uniform()], 3 * random.uniform());
    const chosenMs = coExecutionMs(graph, costs, 0, bestShare(graph, costs, 0, 12));
    for (let part = 0; part <= 12; part++)
      expect(coExecutionMs(graph, costs, 0, part / 12)).toBeGreaterThanOrEqual(chosenMs);
  }
});

test('where moving costs more than it saves, the layer stays whole on device 0', () => {
  expect(bestShare(graph, table([4, 4], 5), 0, 16)).toBe(0);
});

test('a move keeps both devices busy', () => {
  // Device 0 sends for 2 ms, both compute for 5 ms, device 1 sends half of its output back.
  const costs = table([10, 10], 2 / graph.units[0]!.inputs.length);
  const outputs = graph.units[0]!.outputs.length;
  const backMs = (outputs * 2 * 0.5) / graph.units[0]!.inputs.length;
  expect(coExecutionMs(graph, costs, 0, 0.5)).toBeCloseTo(7 + backMs, 12);
});
