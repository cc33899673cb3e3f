// Non-negative least squares for a handful of columns: slopes of cost models, which must not be negative.

/**
 * The coefficients >= 0 that minimise the sum over rows of (sum_j c_j columns[j][i] - target[i])^2. With few columns every
 * choice of those that are not zero can be tried: of the exact solutions on each, the best that is non-negative.
 * @param columns each [rows]; at most 8
 * @returns one coefficient a column; 0 for columns that are combinations of others
 */
export function nonNegativeLeastSquares(columns: readonly Float64Array[], target: Float64Array): number[] {
  if (columns.length > 8) throw new RangeError(`nonNegativeLeastSquares: ${columns.length} columns, more than 8.`);
  const gram = columns.map((a) => columns.map((b) => dot(a, b)));
  const moments = columns.map((a) => dot(a, target));
  let best = columns.map(() => 0);
  let bestError = 0; // relative to that of all zeros: c'Gc - 2 c'm
  for (let subset = 1; subset < 1 << columns.length; subset++) {
    const chosen = columns.flatMap((_, column) => (subset & (1 << column) ? [column] : []));
    const solution = solvePositive(
      chosen.map((i) => chosen.map((j) => gram[i]![j]!)),
      chosen.map((i) => moments[i]!),
    );
    if (solution === null || solution.some((value) => value < 0)) continue;
    // At an exact solution Gc = m, so the error is -c'm.
    const error = -solution.reduce((sum, value, at) => sum + value * moments[chosen[at]!]!, 0);
    if (error < bestError) {
      bestError = error;
      best = columns.map((_, column) => solution[chosen.indexOf(column)] ?? 0);
    }
  }
  return best;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Solves a symmetric positive definite system by Cholesky's decomposition, scaled to a unit diagonal; null if singular. */
export function solvePositive(matrix: readonly number[][], right: readonly number[]): number[] | null {
  const n = right.length;
  const scale = matrix.map((row, i) => Math.sqrt(row[i]!));
  if (scale.some((value) => !(value > 0))) return null;
  const factor = matrix.map((row, i) => row.map((value, j) => value / (scale[i]! * scale[j]!)));
  const y = right.map((value, i) => value / scale[i]!);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = factor[i]![j]!;
      for (let k = 0; k < j; k++) sum -= factor[i]![k]! * factor[j]![k]!;
      if (i === j && sum < 1e-12) return null;
      factor[i]![j] = i === j ? Math.sqrt(sum) : sum / factor[j]![j]!;
    }
    for (let k = 0; k < i; k++) y[i]! -= factor[i]![k]! * y[k]!;
    y[i]! /= factor[i]![i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) y[i]! -= factor[k]![i]! * y[k]!;
    y[i]! /= factor[i]![i]!;
  }
  return y.map((value, i) => value / scale[i]!);
}
