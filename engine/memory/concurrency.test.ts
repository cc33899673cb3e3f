// Which branches run together: the rule at its limits, and against every subset.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { type BranchLoad, concurrentSet, mayRunTogether, memoryBudget } from './concurrency.js';

describe('who runs beside whom', () => {
  const load = (operators: number, flops: number, peakBytes: number): BranchLoad => ({ operators, flops, peakBytes });
  const free = { budgetBytes: Number.POSITIVE_INFINITY };

  test('more than 2 operators, within 1.5 of the lightest, at most 6 threads', () => {
    expect(concurrentSet([load(3, 10, 1), load(2, 10, 1), load(3, 15, 1), load(3, 16, 1)], free)).toEqual([2, 3]);
    expect(concurrentSet([load(3, 10, 1), load(3, 15, 1), load(9, 99, 1)], free)).toEqual([0, 1]);
    expect(concurrentSet([load(3, 10, 1), load(3, 16, 1)], free)).toEqual([]);
    expect(concurrentSet(Array<BranchLoad>(9).fill(load(3, 10, 1)), free)).toHaveLength(6);
    expect(concurrentSet(Array<BranchLoad>(9).fill(load(3, 10, 1)), { ...free, threads: 4 })).toHaveLength(4);
  });

  test('a budget takes the most branches that fit, and nobody runs beside nobody', () => {
    const layer = [load(3, 10, 50), load(3, 10, 20), load(3, 10, 30), load(3, 10, 25)];
    expect(concurrentSet(layer, { budgetBytes: 75 })).toEqual([1, 2, 3]);
    expect(concurrentSet(layer, { budgetBytes: 45 })).toEqual([1, 3]);
    expect(concurrentSet(layer, { budgetBytes: 44 })).toEqual([]);
  });

  test('the budget is what is free less a margin of 30 to 50 %', () => {
    expect([memoryBudget(1000, 0.3), memoryBudget(1000), memoryBudget(1000, 0.5)]).toEqual([700, 600, 500]);
  });

  test('the set is as large as the largest of all subsets, on 500 random layers', () => {
    for (let seed = 0; seed < 500; seed++) {
      const rng = Rng.of(seed, 'layer');
      const layer = Array.from({ length: 1 + rng.integer(9) }, () =>
        load(1 + rng.integer(6), 10 + rng.integer(15), rng.integer(100)),
      );
      const [budgetBytes, threads] = [rng.integer(400), 1 + rng.integer(6)];
      const fits = (set: readonly BranchLoad[]) =>
        set.length <= threads && mayRunTogether(set) && set.reduce((sum, b) => sum + b.peakBytes, 0) <= budgetBytes;
      let largest = 0;
      for (let mask = 0; mask < 2 ** layer.length; mask++) {
        const set = layer.filter((_, i) => (mask >> i) & 1);
        if (fits(set)) largest = Math.max(largest, set.length);
      }
      const chosen = concurrentSet(layer, { budgetBytes, threads });
      expect(chosen, `seed ${seed}`).toHaveLength(largest > 1 ? largest : 0);
      if (chosen.length > 0) expect(fits(chosen.map((i) => layer[i]!)), `seed ${seed}`).toBe(true);
    }
  });
});
