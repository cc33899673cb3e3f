// Held-out errors of every kind of predictor on one set of measurements: of single units, of their sums over models, and of whole
// networks.
import { type PredictorKind, predictorFits, predictorKinds } from '../../../predictor/latency/predictor.js';
import { foldsByModel, predictHeldOut, sumByModel, summarizeErrors } from './held-out.js';
import { fitNetworkTime, type NetworkParts, networkMs } from './network-time.js';
import type { PredictorData } from './predictor-data.js';

export const foldCount = 5;

/** A row of `predictors.csv`; errors in percent, of models that were left out. */
export interface PredictorFidelity {
  readonly dataset: string;
  readonly device: string;
  readonly predictor: PredictorKind;
  readonly models: number;
  readonly units: number;
  /** Over all units. */
  readonly unitMedianPercent: number;
  readonly unitMeanPercent: number;
  readonly unitWithin10Percent: number;
  /** Over models: predicted sum of units against their measured sum. */
  readonly sumMedianPercent: number;
  readonly sumMeanPercent: number;
  /** Over models: time of the network from the predicted sum against the measured one; null where none was. */
  readonly networkMedianPercent: number | null;
  readonly networkMeanPercent: number | null;
}

export function predictorFidelity(data: PredictorData, seed = 0): PredictorFidelity[] {
  const { samples, models } = data;
  const folds = foldsByModel(models, foldCount, seed);
  const measured = sumByModel(models, samples.latencyMs);
  return predictorKinds.map((predictor) => {
    const predicted = predictHeldOut(samples, models, folds, predictorFits[predictor]);
    const sums = sumByModel(models, predicted);
    const units = summarizeErrors(predicted, samples.latencyMs);
    const sum = summarizeErrors([...sums.values()], [...measured.values()]);
    const network = data.networkMs && networkErrors(models, folds, measured, sums, data.networkMs);
    return {
      dataset: data.dataset,
      device: data.device,
      predictor,
      models: measured.size,
      units: models.length,
      unitMedianPercent: units.medianPercent,
      unitMeanPercent: units.meanPercent,
      unitWithin10Percent: units.within10Percent,
      sumMedianPercent: sum.medianPercent,
      sumMeanPercent: sum.meanPercent,
      networkMedianPercent: network?.medianPercent ?? null,
      networkMeanPercent: network?.meanPercent ?? null,
    };
  });
}

/** Dispatch is fitted to the measured sums of the other folds and applied to predicted sums. */
function networkErrors(
  models: readonly string[],
  folds: ReadonlyMap<string, number>,
  measuredSums: ReadonlyMap<string, number>,
  predictedSums: ReadonlyMap<string, number>,
  measuredMs: ReadonlyMap<string, number>,
) {
  const counts = sumByModel(models, new Uint8Array(models.length).fill(1));
  const names = [...measuredSums.keys()].filter((model) => measuredMs.has(model));
  const parts = (model: string, sums: ReadonlyMap<string, number>): NetworkParts => ({
    parts: counts.get(model)!,
    sumMs: sums.get(model)!,
  });
  const predicted = names.map((model) => {
    const others = names.filter((other) => folds.get(other) !== folds.get(model));
    const time = fitNetworkTime(
      others.map((other) => ({ ...parts(other, measuredSums), networkMs: measuredMs.get(other)! })),
    );
    return networkMs(time, parts(model, predictedSums));
  });
  return summarizeErrors(
    predicted,
    names.map((model) => measuredMs.get(model)!),
  );
}
