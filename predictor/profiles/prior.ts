// How far numbers that nobody measured on a board may be off: a factor around the stated value, one for each number and draw.
import type { Rng } from '../../base/random/rng.js';
import type { Prior } from './profile-schema.js';

/** Standard normal quantile of 0.975: `log-normal` has 95 % of its draws within the factor. */
const quantile975 = 1.959963984540054;

/** The factor on a number in one draw; its median is 1. */
export function drawnFactor({ distribution, factor }: Prior, random: Rng): number {
  switch (distribution) {
    case 'log-uniform':
      return factor ** (2 * random.uniform() - 1);
    case 'log-normal':
      return factor ** (random.normal() / quantile975);
    default:
      return distribution satisfies never;
  }
}
