// A cost table measured on this machine: what planners and observations know beforehand of real devices.
import { median, quantile } from '../../../base/statistics/quantile.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { CostTable } from '../../../predictor/cost-table.js';
import { type FittedMove, undisturbed } from '../../../predictor/tables/unit-times.js';
import type { Conditions } from '../../conditions.js';
import type { Executor } from '../../executor.js';
import { type CostSamples, sampleCosts } from './cost-samples.js';

export interface MeasuredCosts extends CostTable {
  /** Moves are fitted to measured ones, per destination. */
  readonly moves: readonly [FittedMove, FittedMove];
}

/**
 * The costs that planners and observations begin with.
 * @param conditions as `sampleCosts` takes them
 * @param rounds times that each unit is measured on each device, after one that loads and warms; a single one is the first.
 * One is enough where times are the executor's estimates.
 * @throws InputError when an execution fails, naming the unit, or its units cannot be timed separately
 */
export function measureCosts(
  executor: Executor,
  graph: OperatorGraph,
  conditions: Conditions,
  rounds = 7,
): MeasuredCosts {
  return costsOf(graph, sampleCosts(executor, graph, conditions, rounds, rounds > 1 ? 1 : 0));
}

/** Costs from samples. The time of a share is assumed to be that share of the whole. */
export function costsOf(graph: OperatorGraph, { unitMs, moveMs }: CostSamples): MeasuredCosts {
  const typicalMs = unitMs.map((times) =>
    times.map((each) => (each.length > 0 ? quantile(each, undisturbed) : Number.POSITIVE_INFINITY)),
  );
  const moves = fitMoves(graph, moveMs);
  return {
    moves,
    unitMs: (unit, device, share) => (share === 0 ? 0 : share * typicalMs[unit]![device]!),
    transferMs: (tensor, to, fraction = 1) =>
      moves[to]!.fixedMs + moves[to]!.msPerByte * graph.tensors[tensor]!.bytes * fraction,
    launchMs: () => 0,
    syncMs: 0,
  };
}

/** The line of each destination through its tensors' medians. */
export function fitMoves(graph: OperatorGraph, moveMs: CostSamples['moveMs']): [FittedMove, FittedMove] {
  const towards = (to: 0 | 1): FittedMove =>
    fitMove(
      graph.tensors.flatMap(({ id, bytes }) => {
        const times = moveMs[id]![to];
        return times.length > 0 ? [{ bytes, ms: median(times) }] : [];
      }),
    );
  return [towards(0), towards(1)];
}

/**
 * The line through the points by medians (Theil, 1950; Sen, "Estimates of the Regression Coefficient Based on Kendall's
 * Tau", JASA 63, 1968): an interrupted move does not tilt it. Neither term is below 0. Where all points are of one size,
 * the line goes through the origin: most of a move is copying.
 */
export function fitMove(points: readonly { readonly bytes: number; readonly ms: number }[]): FittedMove {
  if (points.length === 0) return { fixedMs: 0, msPerByte: 0 };
  const slopes = points.flatMap((a, i) =>
    points.slice(i + 1).flatMap((b) => (a.bytes === b.bytes ? [] : [(b.ms - a.ms) / (b.bytes - a.bytes)])),
  );
  const msPerByte = Math.max(0, median(slopes.length > 0 ? slopes : points.map(({ bytes, ms }) => ms / bytes)));
  return { msPerByte, fixedMs: Math.max(0, median(points.map(({ bytes, ms }) => ms - msPerByte * bytes))) };
}
