// Predictors fitted to cost tables: what somebody knows of a device who has measured units of some models, not of this one.
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../cost-table.js';
import { unitFeatureRows, unitFeatures } from '../features/unit-features.js';
import type { LatencyPredictor } from './latency-predictor.js';
import { type PredictorKind, predictorFits } from './predictor.js';
import { samplesOf } from './samples.js';

/**
 * Per device, a predictor fitted to the times of whole units in the tables, without launches; null if no unit takes time there.
 */
export function fittedToCosts(
  kind: PredictorKind,
  tables: readonly { readonly graph: OperatorGraph; readonly costs: CostTable }[],
): [LatencyPredictor | null, LatencyPredictor | null] {
  const width = unitFeatures.length;
  const fitted = (device: 0 | 1) => {
    const rows = tables.flatMap(({ graph, costs }) => {
      const features = unitFeatureRows(graph);
      return graph.units
        .map(({ id }) => ({
          x: [...features.subarray(id * width, (id + 1) * width)],
          latencyMs: costs.unitMs(id, device, 1),
        }))
        .filter(({ latencyMs }) => latencyMs > 0 && Number.isFinite(latencyMs));
    });
    return rows.length === 0 ? null : predictorFits[kind](samplesOf(unitFeatures, rows));
  };
  return [fitted(0), fitted(1)];
}
