// How far two lists of numbers are apart: the measure of agreement for tensors.

/**
 * max |a - b| / max |b|, or max |a - b| where b is zero. Equal infinities agree, and so do two NaN; NaN where a number is
 * otherwise not finite, Infinity for other lengths.
 * @param rounding no difference where max |a - b| is at most this
 */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>, rounding = 0): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    const difference = Math.abs(x - y);
    // Also where it is no number.
    if (!(difference <= most) && !Object.is(x, y) && x !== y) {
      if (!Number.isFinite(difference)) return Number.NaN;
      most = difference;
    }
    const magnitude = Math.abs(y);
    if (magnitude > largest && magnitude < Number.POSITIVE_INFINITY) largest = magnitude;
  }
  if (most <= rounding) return 0;
  return largest === 0 ? most : most / largest;
}
