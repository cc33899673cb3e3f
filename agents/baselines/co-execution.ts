// Fine-grained co-execution (arXiv 2510.21081): one layer on both devices at once, split along its output channels.

import type { OperatorGraph } from '../../models/graph.js';
import { fractionRead } from '../../models/parts/channels.js';
import { type CostTable, wholeUnitMs } from '../../predictor/cost-table.js';

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
