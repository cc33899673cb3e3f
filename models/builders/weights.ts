// Weights for built-in networks: seeded, of a given variance, fast enough for 86 million of them.
import type { Rng } from '../../base/random/rng.js';

/** Uniform numbers of the given mean and standard deviation: as good an initialiser as normal ones, and far cheaper. */
export function uniformWeights(rng: Rng, count: number, mean: number, deviation: number): Float32Array {
  // A uniform variable on [-b, b] has the variance b^2 / 3.
  const bound = Math.sqrt(3) * deviation;
  const weights = new Float32Array(count);
  for (let i = 0; i < count; i++) weights[i] = mean + bound * (2 * rng.uniform() - 1);
  return weights;
}

/** Sets the fraction `sparsity` of the weights, those of least magnitude, to zero. */
export function prune(weights: Float32Array, sparsity: number): void {
  const count = Math.round(sparsity * weights.length);
  if (count === 0) return;
  const threshold = weights.map(Math.abs).sort()[count - 1]!;
  let left = count;
  for (let i = 0; i < weights.length && left > 0; i++) {
    if (Math.abs(weights[i]!) > threshold) continue;
    weights[i] = 0;
    left--;
  }
}
