import { expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import { loadModel } from '../../../models/load.js';
import type { Conditions } from '../../conditions.js';
import { createLanesExecutor } from '../lanes/executor.js';
import { fitMove, measureCosts } from './measured-costs.js';

const conditions: Conditions = { seed: 0, execution: 'serial', mode: 'measured', load: null, memoryBudgetBytes: null };

test('a line is found through points of which some are far off', () => {
  const random = Rng.of(0, 'fit');
  const points = Array.from({ length: 40 }, (_, i) => {
    const bytes = 1000 * (1 + random.integer(500));
    return { bytes, ms: 0.02 + 3e-7 * bytes + (i % 8 === 0 ? 5 * random.uniform() : 0) };
  });
  const { fixedMs, msPerByte } = fitMove(points);
  expect(msPerByte).toBeCloseTo(3e-7, 8);
  expect(fixedMs).toBeCloseTo(0.02, 2);
});

test('moves of one size cost as much by the byte, and none cost nothing', () => {
  expect(fitMove([2, 4, 9].map((ms) => ({ bytes: 64, ms })))).toEqual({ fixedMs: 0, msPerByte: 4 / 64 });
  expect(fitMove([])).toEqual({ fixedMs: 0, msPerByte: 0 });
});

test('on lanes every unit has a time on both devices, and moves cost time', async () => {
  const model = await loadModel('model://mobilenetv3-small?size=32');
  const graph = model.graph('fused');
  const executor = createLanesExecutor({ model });
  const costs = measureCosts(executor, graph, conditions);
  executor.close();
  for (const { id } of graph.units) for (const device of [0, 1]) expect(costs.unitMs(id, device, 1)).toBeGreaterThan(0);
  for (const { fixedMs, msPerByte } of costs.moves) expect(fixedMs + 1e6 * msPerByte).toBeGreaterThan(0);
});
