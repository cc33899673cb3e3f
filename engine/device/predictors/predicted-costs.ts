// Cost tables filled by predictors: simulator and planners ask them like any other.
import { InputError } from '../../../base/errors/input-error.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { CostTable } from '../cost-table.js';
import type { LatencyPredictor } from './latency-predictor.js';
import { fillUnitRow, rowFeatures, unitFeatures } from './unit-features.js';

/**
 * `base` with the times of units as the predictor of each device says; null keeps those of `base`. Launches, synchronisation,
 * moves, and what a device cannot run at all stay as they are, so predictors are fitted to kernel times. Asking for a
 * time allocates nothing.
 * @throws InputError when a predictor expects other features than `unitFeatures`, or `rowFeatures`.
 */
export function predictedCosts(
  graph: OperatorGraph,
  predictors: readonly [LatencyPredictor | null, LatencyPredictor | null],
  base: CostTable,
): CostTable {
  for (const predictor of predictors)
    if (predictor && ![unitFeatures, rowFeatures].some((known) => known.join() === predictor.features.join()))
      throw new InputError(
        `predictor: it expects the features ${predictor.features.join(', ')}.`,
        `Fit one to rows of unitFeatures: ${unitFeatures.join(', ')}; or of rowFeatures.`,
      );
  const row = new Float64Array(rowFeatures.length);
  return {
    unitMs(unit, device, share) {
      const baseMs = base.unitMs(unit, device, share);
      const predictor = predictors[device];
      // Nothing of a unit, and what cannot run, take what they take, whatever a predictor says.
      if (!predictor || share === 0 || baseMs === Number.POSITIVE_INFINITY) return baseMs;
      fillUnitRow(graph, unit, share, row);
      return predictor.predictMs(row);
    },
    transferMs: (tensor, to, fraction) => base.transferMs(tensor, to, fraction),
    launchMs: (device) => base.launchMs(device),
    syncMs: base.syncMs,
  };
}
