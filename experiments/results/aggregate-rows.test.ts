import { expect, test } from 'vitest';
import { aggregateRows } from './aggregate-rows.js';
import type { ResultRow } from './summary.js';

const row = (model: string, scheduler: string, seed: number, value: number): ResultRow => ({
  ...({
    variant: '',
    env: 'SparOA/Share-v0',
    modelHash: 'm',
    profile: 'p',
    profileHash: 'h',
    kind: 'simulated',
  } as const),
  ...({
    weakestSource: 'derived',
    execution: 'serial',
    decision: 'planned',
    episode: 0,
    metric: 'gapPercent',
  } as const),
  ...{ model, scheduler, seed, value },
});

// Gaps of 0, 25, 100 % are scores of 1, 0.8, 0.5.
const results = [
  ...[row('a', 'heft', 0, 25), row('b', 'heft', 0, 100)],
  ...[row('a', 'sac', 0, 0), row('a', 'sac', 1, 25), row('b', 'sac', 0, 0), row('b', 'sac', 1, 0)],
  row('a', 'greedy', 0, 0),
];

test('schedulers of all cells are aggregated by their scores; one that lacks a cell is left out', () => {
  const rows = aggregateRows(results);
  expect(new Set(rows.map(({ scheduler }) => scheduler))).toEqual(new Set(['heft', 'sac']));
  const value = (scheduler: string, aggregate: string) =>
    rows.find((each) => each.scheduler === scheduler && each.aggregate === aggregate)!;
  expect(value('heft', 'mean')).toMatchObject({ value: 0.65, low: null, high: null, cells: 2, runs: 2 });
  expect(value('sac', 'mean').value).toBeCloseTo((0.9 + 1) / 2, 12);
  expect(value('sac', 'optimalityGap').value).toBeCloseTo(0.05, 12);
  expect(value('sac', 'above:0.9').value).toBe(0.75);
  // In a: one seed is better, one is equal; in b both are better.
  expect(value('sac', 'better-than:heft').value).toBe((0.75 + 1) / 2);
  expect(value('heft', 'better-than:sac').value).toBe((0.25 + 0) / 2);
  // Cell a gives 0.8, 0.9 or 1, cell b always 1.
  expect(value('sac', 'mean')).toMatchObject({ low: 0.9, high: 1 });
});

test('one cell has no aggregate', () => {
  expect(aggregateRows(results.filter(({ model }) => model === 'a'))).toEqual([]);
});
