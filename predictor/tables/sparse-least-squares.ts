// Non-negative least squares with many unknowns, of which each equation has few: it finds the times of single items from
// measured times of overlapping groups of them.

/** sum of values[i] x unknown[columns[i]] = target, which counts with the weight. */
export interface Equation {
  readonly columns: readonly number[];
  readonly values: readonly number[];
  readonly target: number;
  readonly weight: number;
}

const sweeps = 2_000;
/** Ends when no unknown changes by more than this fraction of the largest. */
const tolerance = 1e-7;

/**
 * The unknowns x >= 0 that minimise the sum over equations of (weight x error)^2 plus ridge x |x|^2, by cyclic coordinate
 * descent: each unknown in turn is set to its best value given the others.
 * @param from where to start; zeros unless given
 */
export function sparseNonNegativeLeastSquares(
  equations: readonly Equation[],
  count: number,
  ridge: number,
  from: Float64Array = new Float64Array(count),
): Float64Array {
  const x = Float64Array.from(from);
  const rows: number[][] = Array.from({ length: count }, () => []);
  const entries: number[][] = Array.from({ length: count }, () => []);
  const residual = new Float64Array(equations.length);
  equations.forEach(({ columns, values, target, weight }, row) => {
    residual[row] = weight * target;
    columns.forEach((column, at) => {
      const value = weight * values[at]!;
      rows[column]!.push(row);
      entries[column]!.push(value);
      residual[row]! -= value * x[column]!;
    });
  });
  const squares = entries.map((own) => own.reduce((sum, value) => sum + value * value, ridge));
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let changed = 0;
    let largest = 0;
    for (let column = 0; column < count; column++) {
      const [at, own] = [rows[column]!, entries[column]!];
      let gradient = -ridge * x[column]!;
      for (let i = 0; i < at.length; i++) gradient += own[i]! * residual[at[i]!]!;
      const next = squares[column]! > 0 ? Math.max(0, x[column]! + gradient / squares[column]!) : 0;
      const delta = next - x[column]!;
      if (delta !== 0) for (let i = 0; i < at.length; i++) residual[at[i]!]! -= own[i]! * delta;
      x[column] = next;
      changed = Math.max(changed, Math.abs(delta));
      largest = Math.max(largest, next);
    }
    if (changed <= tolerance * largest) break;
  }
  return x;
}
