// What would have to be true for another schedule to win: the nearest value of each number at which the winner changes.
import { type Case, standingOf, type Winner } from './case.js';
import type { Lever } from './levers.js';

/** Where the winner changes as a number moves away from its present value. */
export interface Flip {
  /** The nearest value found at which `winner` wins, in the unit of the threshold. */
  readonly at: number;
  /** A value nearer to the present one, within a ten-thousandth of `at`, at which the present winner still wins. */
  readonly last: number;
  readonly winner: Winner;
  /** The profile with that value; null where there is no profile. */
  readonly profile: string | null;
}

export interface Threshold extends Pick<Lever, 'numbers' | 'label' | 'unit' | 'present'> {
  /** Null: the same winner at every value tried down to, or up to, the end of `searched`. */
  readonly below: Flip | null;
  readonly above: Flip | null;
  readonly searched: readonly [least: number, most: number];
}

/** Values are tried by factors of 2 up to this far from the present one: a winner of a narrower range may be missed. */
const doublings = 10;
/** For a present value of 0, ms. */
const leastTimeMs = 1e-6;
const mostTimeMs = 1e3;
const tolerance = 1e-4;

/** @param present the winner at present */
export function thresholdOf(lever: Lever, present: Winner): Threshold {
  const { numbers, label, unit } = lever;
  const down = valuesBelow(lever);
  const up = valuesAbove(lever);
  return {
    numbers,
    label,
    unit,
    present: lever.present,
    below: flip(lever, present, down),
    above: flip(lever, present, up),
    searched: [down.at(-1) ?? lever.present, up.at(-1) ?? lever.present],
  };
}

function valuesBelow({ present, least, unit }: Lever): number[] {
  const values = Array.from({ length: doublings }, (_, i) => present / 2 ** (i + 1)).filter((value) => value >= least);
  // Nothing costs less than nothing.
  const ends = unit === 'ms' || unit === 'factor' ? [0] : [];
  return present > 0 ? [...values, ...ends] : [];
}

function valuesAbove({ present, most }: Lever): number[] {
  const start = present > 0 ? present : leastTimeMs / 2;
  const count = present > 0 ? doublings : Math.ceil(Math.log2(mostTimeMs / leastTimeMs));
  return Array.from({ length: count }, (_, i) => start * 2 ** (i + 1)).filter((value) => value <= most);
}

function flip(lever: Lever, present: Winner, values: readonly number[]): Flip | null {
  const winnerAt = (value: number): Winner => standingOf(lever.at(value)).winner;
  let last = lever.present;
  for (const value of values) {
    let winner = winnerAt(value);
    if (winner === present) {
      last = value;
      continue;
    }
    let at = value;
    while (Math.abs(at - last) > tolerance * Math.max(at, last) && Math.max(at, last) > leastTimeMs * tolerance) {
      // Between 0 and a value the geometric mean is 0, whatever the value.
      const middle = at === 0 || last === 0 ? (at + last) / 2 : Math.sqrt(at * last);
      const found = winnerAt(middle);
      if (found === present) last = middle;
      else [at, winner] = [middle, found];
    }
    return { at, last, winner, profile: lever.uriAt(at) };
  }
  return null;
}

/** What no copy, launch or wait can change, in serial execution. */
export interface Bounds {
  /** With free copies a hybrid schedule would be faster than the better device by at most this, %. */
  readonly freeCopiesPercent: number;
  /** The same with free launches and waits too, which the single devices have as well, %. */
  readonly freeOverheadsPercent: number;
}

/**
 * Exact: in serial execution no schedule takes less than the sum of each unit's time on the device that is faster for it.
 * Null in overlap execution, where units run at the same time, and where the units of the better device take no time.
 */
export function boundsOf({ graph, costs, conditions }: Case, deviceMs: readonly [number, number]): Bounds | null {
  if (conditions.execution === 'overlap') return null;
  const overheadMs = [costs.launchMs(0), costs.launchMs(1) + costs.syncMs] as const;
  let [whole, kernels] = [0, 0];
  const alone: [number, number] = [0, 0];
  for (const { id, onlyOn } of graph.units) {
    const on = [0, 1].map((device) => (onlyOn === 1 - device ? Number.POSITIVE_INFINITY : costs.unitMs(id, device, 1)));
    const [on0, on1] = on as [number, number];
    whole += Math.min(on0 + overheadMs[0], on1 + overheadMs[1]);
    kernels += Math.min(on0, on1);
    alone[0] += onlyOn === 1 ? on1 : on0;
    alone[1] += onlyOn === 0 ? on0 : on1;
  }
  if (whole <= 0 || kernels <= 0) return null;
  const percent = (ms: number, bound: number): number => Math.max(0, 100 * (ms / bound - 1));
  return {
    freeCopiesPercent: percent(Math.min(...deviceMs), whole),
    freeOverheadsPercent: percent(Math.min(...alone), kernels),
  };
}
