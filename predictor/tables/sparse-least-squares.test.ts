// Against SciPy: nnls(vstack([A, sqrt(ridge) * eye(3)]), concatenate([y, zeros(3)]))[0].
import { expect, test } from 'vitest';
import { sparseNonNegativeLeastSquares } from './sparse-least-squares.js';

const columns = [
  [0, 1],
  [1, 2],
  [0, 2],
  [0, 1, 2],
];
const equations = (targets: readonly number[]) =>
  targets.map((target, row) => ({ columns: columns[row]!, values: columns[row]!.map(() => 1), target, weight: 1 }));

test.each([
  [
    [3, 1, 2.5, 2],
    [1.95262484, 0.58898848, 0.13444302],
  ],
  [
    [3, -2, 2.5, 1],
    [2.09677419, 0, 0],
  ],
])('the unknowns of %j are those of SciPy', (targets, expected) => {
  const found = sparseNonNegativeLeastSquares(equations(targets), 3, 0.1);
  expected.forEach((value, at) => {
    expect(found[at]).toBeCloseTo(value, 5);
  });
});

test('a weight counts as its square: an equation of weight 2 is four of weight 1', () => {
  const [first, ...others] = equations([3, 1, 2.5, 2]);
  const heavy = sparseNonNegativeLeastSquares([{ ...first!, weight: 2 }, ...others], 3, 0.1);
  const repeated = sparseNonNegativeLeastSquares([first!, first!, first!, first!, ...others], 3, 0.1);
  heavy.forEach((value, at) => {
    expect(value).toBeCloseTo(repeated[at]!, 5);
  });
});
