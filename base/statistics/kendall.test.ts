// Against SciPy 1.x: scipy.stats.kendalltau(x, y).statistic, which is tau-b.
import { expect, test } from 'vitest';
import { kendallTauB } from './kendall.js';

test.each([
  // kendalltau([12,2,1,12,2,7,5,3], [1,4,7,1,0,5,5,9]).statistic
  [[12, 2, 1, 12, 2, 7, 5, 3], [1, 4, 7, 1, 0, 5, 5, 9], -0.2692307692307693],
  // kendalltau([1,2,3,4,5], [3,4,1,2,5]).statistic
  [[1, 2, 3, 4, 5], [3, 4, 1, 2, 5], 0.2],
  // kendalltau([1,1,2,3], [1,2,2,4]).statistic
  [[1, 1, 2, 3], [1, 2, 2, 4], 0.8],
])('tau-b of %j and %j is that of SciPy', (x, y, tau) => {
  expect(kendallTauB(x, y)).toBeCloseTo(tau, 12);
});

test('values closer than the noise are ties: what is decided within it counts for nothing', () => {
  const tied = (a: number, b: number) => Math.abs(a - b) <= 0.5;
  expect(kendallTauB([1, 1.4, 3, 4], [1.4, 1, 3, 4], tied)).toBe(1);
  expect(kendallTauB([1, 1.4, 3, 4], [1.4, 1, 3, 4])).toBeCloseTo(2 / 3, 12);
  expect(kendallTauB([1, 1.1], [1, 2], tied)).toBeNaN();
});
