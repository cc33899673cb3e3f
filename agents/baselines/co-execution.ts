// Fine-grained co-execution (arXiv 2510.21081): one layer on both devices at once, split along its output channels.

import { Schedule } from '../../engine/schedule.js';
import type { OperatorGraph } from '../../models/graph.js';
import { fractionRead } from '../../models/parts/channels.js';
import { type CostTable, wholeUnitMs } from '../../predictor/cost-table.js';
import type { Planner, PlanningProblem } from './planner.js';
import { asPlayed, evaluationOf } from './search/evaluation.js';

/** Parts that the planners cut a unit into: shares are eighths. */
const gridSteps = 8;

/** Parts that the unit may be cut into; 1 if it is placed whole. */
const stepsOf = ({ graph, whole = false }: PlanningProblem, unit: number): number =>
  whole || graph.units[unit]!.splitAxis === null ? 1 : gridSteps;

/** Each unit by itself, with the share that `bestShare` predicts from the cost table. */
export const coExecution: Planner = (problem) => {
  const { graph, costs } = problem;
  return Schedule.of(
    graph,
    graph.units.map(({ id, onlyOn }) => onlyOn ?? bestShare(graph, costs, id, stepsOf(problem, id))),
  );
};

/**
 * The paper's oracle: each unit by itself, with the share of a grid whose execution is fastest. All others are on device 0
 * meanwhile, so the unit reads and leaves everything there. Units that a budget does not reach keep the predicted share.
 * @throws InputError as `evaluationOf` does
 */
export const coExecutionGrid: Planner = (problem) => {
  const { graph, evaluations = Number.POSITIVE_INFINITY } = problem;
  const latencyMs = evaluationOf(problem);
  const alone = Schedule.onDevice(graph, 0).share;
  const chosen = coExecution(problem).share.slice();
  let left = evaluations;
  for (const { id, onlyOn } of graph.units) {
    const steps = stepsOf(problem, id);
    if (onlyOn !== null || left < steps + 1) continue;
    left -= steps + 1;
    const times = Array.from({ length: steps + 1 }, (_, part) => {
      const share = alone.slice();
      share[id] = part / steps;
      return latencyMs(asPlayed(problem, Schedule.of(graph, share)));
    });
    chosen[id] = times.indexOf(Math.min(...times)) / steps;
  }
  return Schedule.of(graph, chosen);
};

/**
 * The share of device 1 with which the unit ends first by the cost table. Its inputs are on device 0 and its outputs are
 * needed there. The unit ends when the slower part does, handing over included. Shares are multiples of 1 / `steps`.
 * @param steps parts that the unit can be cut into, as given by `splitSteps`
 */
export function bestShare(graph: OperatorGraph, costs: CostTable, unit: number, steps: number): number {
  const shares = Array.from({ length: steps + 1 }, (_, part) => part / steps);
  const times = shares.map((share) => coExecutionMs(graph, costs, unit, share));
  return shares[times.indexOf(Math.min(...times))]!;
}

/**
 * Time of a unit with `share` of it on device 1, from inputs on device 0 to outputs on device 0, by the cost table. A move
 * keeps both devices busy: one copies a piece while the other copies the next.
 */
export function coExecutionMs(graph: OperatorGraph, costs: CostTable, unit: number, share: number): number {
  if (share === 0) return wholeUnitMs(costs, unit, 0);
  const { inputs, outputs } = graph.units[unit]!;
  let thereMs = 0;
  for (const tensor of inputs) thereMs += costs.transferMs(tensor, 1, fractionRead(graph, unit, tensor, 1, share));
  let backMs = 0;
  for (const tensor of outputs) backMs += costs.transferMs(tensor, 0, share);
  const ownMs = share === 1 ? 0 : costs.launchMs(0) + costs.unitMs(unit, 0, 1 - share);
  const otherMs = costs.launchMs(1) + costs.unitMs(unit, 1, share) + costs.syncMs;
  return thereMs + Math.max(ownMs, otherMs) + backMs;
}
