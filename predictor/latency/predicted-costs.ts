// Cost tables filled by predictors: simulator and planners ask them like any other.
import { InputError } from '../../base/errors/input-error.js';
import type { OpClass, OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../cost-table.js';
import { fillUnitRow, rowFeatures } from '../features/unit-features.js';
import type { LatencyPredictor } from './latency-predictor.js';

/**
 * `base` with the times of units as the predictor of each device says; null keeps those of `base`. Launches, synchronisation,
 * moves, and what a device cannot run at all stay as they are, so predictors are fitted to kernel times. Asking for a
 * time allocates nothing.
 * @param classes of units that each predictor is asked about; null for all
 * @param parts of each device, what is asked about parts of units in its predictor's place; null: nothing
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
      // Nothing of a unit, and what cannot run, take what they take, whatever a predictor says.
      if (!predictor || !asked[device]![unit] || share === 0 || baseMs === Number.POSITIVE_INFINITY) return baseMs;
      fillUnitRow(graph, unit, share, row);
      return predictor.predictMs(row);
    },
    transferMs: (tensor, to, fraction) => base.transferMs(tensor, to, fraction),
    launchMs: (device) => base.launchMs(device),
    syncMs: base.syncMs,
  };
}
