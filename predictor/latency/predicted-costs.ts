// Cost tables filled by predictors.
import { InputError } from '../../base/errors/input-error.js';
import type { OpClass, OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../cost-table.js';
import { fillUnitRow, rowFeatures } from '../features/unit-features.js';
import type { LatencyPredictor } from './latency-predictor.js';

/**
 * `base` with the times of units replaced by the predictor of each device; null keeps those of `base`. Launches,
 * synchronisation, moves and unsupported units stay as in `base`, so predictors are fitted to kernel times. A look-up allocates
 * nothing.
 * @param classes of units that each predictor is used for; null for all
 * @param parts per device, the predictor for split units; null: the unit predictor
 * @throws InputError when a predictor expects other features than the first of `rowFeatures`.
 */
export function predictedCosts(
  graph: OperatorGraph,
  predictors: readonly [LatencyPredictor | null, LatencyPredictor | null],
  base: CostTable,
  classes: readonly [readonly OpClass[] | null, readonly OpClass[] | null] = [null, null],
  parts: readonly [LatencyPredictor | null, LatencyPredictor | null] = [null, null],
): CostTable {
  for (const predictor of [...predictors, ...parts])
    if (predictor?.features.some((name, column) => name !== rowFeatures[column]))
      throw new InputError(
        `predictor: it expects the features ${predictor.features.join(', ')}.`,
        `Fit one to operatorFeatures, unitFeatures or rowFeatures, each the first of ${rowFeatures.join(', ')}.`,
      );
  const row = new Float64Array(rowFeatures.length);
  const asked = classes.map((known) => graph.units.map(({ opClass }) => known === null || known.includes(opClass)));
  return {
    unitMs(unit, device, share) {
      const baseMs = base.unitMs(unit, device, share);
      const predictor = (share < 1 ? parts[device] : null) ?? predictors[device];
      // A share of 0 takes no time, and an unsupported unit infinite time, whatever a predictor gives.
      if (!predictor || !asked[device]![unit] || share === 0 || baseMs === Number.POSITIVE_INFINITY) return baseMs;
      fillUnitRow(graph, unit, share, row);
      return predictor.predictMs(row);
    },
    transferMs: (tensor, to, fraction) => base.transferMs(tensor, to, fraction),
    launchMs: (device) => base.launchMs(device),
    syncMs: base.syncMs,
  };
}
