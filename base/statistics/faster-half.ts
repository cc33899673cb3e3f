// Typical times on a machine that does other things too.

/**
 * The items of the faster half, the middle one included: interruptions only ever lengthen. Means over it, unlike medians, can
 * be added: the parts of executions make their whole.
 */
export function fasterHalf<T>(items: readonly T[], ms: (item: T) => number): readonly T[] {
  return items.toSorted((a, b) => ms(a) - ms(b)).slice(0, Math.ceil(items.length / 2));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
