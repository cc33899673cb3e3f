// Rank agreement.

/**
 * Kendall's tau-b (Kendall, "The Treatment of Ties in Ranking Problems", Biometrika 33(3), 1945): (concordant - discordant
 * pairs) / sqrt(pairs not tied in x * pairs not tied in y). NaN where all pairs of one are tied.
 * @param tied whether two values count as equal; equality unless given
 */
export function kendallTauB(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  tied: (a: number, b: number) => boolean = (a, b) => a === b,
): number {
  let [balance, untiedX, untiedY] = [0, 0, 0];
  for (let i = 1; i < x.length; i++) {
    for (let j = 0; j < i; j++) {
      const signX = tied(x[i]!, x[j]!) ? 0 : Math.sign(x[i]! - x[j]!);
      const signY = tied(y[i]!, y[j]!) ? 0 : Math.sign(y[i]! - y[j]!);
      balance += signX * signY;
      untiedX += Math.abs(signX);
      untiedY += Math.abs(signY);
    }
  }
  return balance / Math.sqrt(untiedX * untiedY);
}
