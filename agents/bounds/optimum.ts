// What is provable in serial execution: the optimum over placements, over given shares, or a lower bound that says it is one.
// Energy is such a sum too, and so is a weighted sum of both. A product of them is least at a corner of the convex hull of what
// placements reach, because it is quasi-concave; minimum cuts of weighted sums find the corners.

import { Schedule } from '../../engine/schedule.js';
import { SerialKernel } from '../../engine/simulator/serial-kernel.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { costOf, type EnergyGoal, pricedCosts } from '../baselines/objective.js';
import type { Planner } from '../baselines/planner.js';
import { shareCut } from './share-cut.js';
import { evenShares, everyShare, type ShareRange, shareIn, wholeShares } from './share-ranges.js';

export const optimum: Planner = ({ graph, costs, goal }) =>
  goal && goal.reward.weights['energy-delay'] > 0 ? leastOnHull(graph, goal) : leastCut(graph, costs);

/** Shares of `optimum-shares`: 0, 0.1, ..., 1. */
const plannedShares = evenShares(11);

/** The best known of eleven shares a unit; `serialBound` says whether it is proved. */
export const optimumShares: Planner = ({ graph, costs, whole }) =>
  serialBound(graph, costs, whole ? wholeShares : plannedShares).schedule;

function leastCut(graph: OperatorGraph, costs: CostTable): Schedule {
  return Schedule.of(graph, shareCut(graph, costs, wholeShares).range.map(shareIn));
}

export interface SerialBound {
  /** `optimum`: no schedule with these shares is faster than `schedule`. */
  readonly kind: 'optimum' | 'lower-bound';
  /** No schedule with these shares is faster, ms. Of an optimum, the makespan of `schedule`. */
  readonly boundMs: number;
  /** Of the cut, with shares in its ranges. */
  readonly schedule: Schedule;
  readonly makespanMs: number;
}

/** Parts into which shares between 0 and 1 fall for a bound over all of them. */
const parts = 10;

/** Shares that an environment's option allows; for `split`, costs must grow with parts. */
export const allowedShares = { binary: wholeShares, split: everyShare(parts) } as const;

/** Sums of the same numbers in another order differ by less. */
const rounding = 1e-9;

/**
 * The bound of serial execution over schedules with these shares: an optimum where the schedule of the cut attains it, which
 * it does wherever ranges are single shares and parts read whole inputs.
 * @param ranges as `shareCut` takes them
 */
export function serialBound(graph: OperatorGraph, costs: CostTable, ranges: readonly ShareRange[]): SerialBound {
  const { boundMs, range } = shareCut(graph, costs, ranges);
  const schedule = Schedule.of(graph, range.map(shareIn));
  const makespanMs = serialSum(graph, costs, schedule);
  if (makespanMs <= boundMs * (1 + rounding)) return { kind: 'optimum', boundMs: makespanMs, schedule, makespanMs };
  return { kind: 'lower-bound', boundMs: boundMs * (1 - rounding), schedule, makespanMs };
}

/** A placement with its latency in ms and its energy in mJ. */
interface Corner {
  readonly schedule: Schedule;
  readonly ms: number;
  readonly mj: number;
}

/** Under this part of a weighted sum a cut is no better than the line that it should be below. */
const tolerance = 1e-12;

function leastOnHull(graph: OperatorGraph, goal: EnergyGoal): Schedule {
  const { costs, power } = goal;
  const energies = pricedCosts(costs, power, 0, 1);
  const cornerOf = (schedule: Schedule): Corner => ({
    schedule,
    ms: serialSum(graph, costs, schedule),
    mj: serialSum(graph, energies, schedule),
  });
  const value = ({ ms, mj }: Pick<Corner, 'ms' | 'mj'>) => costOf(goal, ms, mj);
  const fastest = cornerOf(leastCut(graph, costs));
  const thriftiest = cornerOf(leastCut(graph, energies));
  let best = value(thriftiest) < value(fastest) ? thriftiest : fastest;
  const pairs = [[fastest, thriftiest] as const];
  for (let pair = pairs.pop(); pair; pair = pairs.pop()) {
    const [fast, thrifty] = pair;
    // Nothing between two corners is better than both at their best.
    if (value({ ms: fast.ms, mj: thrifty.mj }) >= value(best)) continue;
    const [perMs, perMj] = [fast.mj - thrifty.mj, thrifty.ms - fast.ms];
    if (!(perMs > 0 && perMj > 0)) continue;
    const found = cornerOf(leastCut(graph, pricedCosts(costs, power, perMs, perMj)));
    const sum = ({ ms, mj }: Corner) => perMs * ms + perMj * mj;
    if (sum(found) >= sum(fast) * (1 - tolerance)) continue;
    if (value(found) < value(best)) best = found;
    pairs.push([fast, found], [found, thrifty]);
  }
  return best.schedule;
}

/** What a placement costs in serial execution. */
function serialSum(graph: OperatorGraph, costs: CostTable, { order, share }: Schedule): number {
  const kernel = new SerialKernel(graph, costs);
  const state = new Float64Array(kernel.rowLength);
  kernel.reset(state);
  return order.reduce((_, unit) => kernel.decide(state, unit, share[unit]!), 0);
}
