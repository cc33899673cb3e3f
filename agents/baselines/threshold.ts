// The static-threshold rule behind SparOA's predictor (arXiv 2511.19457): a unit belongs on the GPU when it is intense
// and dense enough. Intensity is in FLOPs, the paper's sense; sparsity is the fraction of zeros in its inputs.

import { median, quantile } from '../../base/statistics/quantile.js';
import { Schedule } from '../../engine/schedule.js';
import { SerialKernel } from '../../engine/simulator/serial-kernel.js';
import type { OperatorGraph, Unit } from '../../models/graph.js';
import type { Planner } from './planner.js';

/** An unmeasured sparsity counts as dense. */
const sparsityOf = (unit: Unit) => unit.activationSparsity ?? 0;

function byThresholds(graph: OperatorGraph, minFlops: number, maxSparsity: number): number[] {
  return graph.units.map((unit) => unit.onlyOn ?? Number(unit.flops >= minFlops && sparsityOf(unit) <= maxSparsity));
}

/** Both thresholds at the model's medians. */
export const staticThreshold: Planner = ({ graph }) => {
  return Schedule.of(
    graph,
    byThresholds(graph, median(graph.units.map((unit) => unit.flops)), median(graph.units.map(sparsityOf))),
  );
};

/** Quantiles of each feature that the grid search tries: 21 x 21 pairs. */
const gridSteps = 20;

/** The pair of thresholds with the least makespan over a grid of the model's own quantiles; the first of equals. */
export const staticThresholdTuned: Planner = ({ graph, costs }) => {
  const kernel = new SerialKernel(graph, costs);
  const state = new Float64Array(kernel.rowLength);
  const makespanMs = (share: readonly number[]) => {
    kernel.reset(state);
    let clockMs = 0;
    share.forEach((device, unit) => {
      clockMs = kernel.decide(state, unit, device);
    });
    return clockMs;
  };
  const grid = (values: number[]) => [
    ...new Set(Array.from({ length: gridSteps + 1 }, (_, i) => quantile(values, i / gridSteps))),
  ];
  let best: { share: number[]; ms: number } | null = null;
  for (const minFlops of [...grid(graph.units.map((unit) => unit.flops)), Number.POSITIVE_INFINITY]) {
    for (const maxSparsity of grid(graph.units.map(sparsityOf))) {
      const share = byThresholds(graph, minFlops, maxSparsity);
      const ms = makespanMs(share);
      if (!best || ms < best.ms) best = { share, ms };
    }
  }
  return Schedule.of(graph, best!.share);
};
