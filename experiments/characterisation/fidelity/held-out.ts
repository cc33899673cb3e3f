// How well a predictor knows models that it was not fitted to: whole models are left out, fold by fold, and predicted by what
// was fitted to the others. Operators of one model resemble each other, so leaving out single ones would flatter.
import { Rng } from '../../../base/random/rng.js';
import { median } from '../../../base/statistics/quantile.js';
import type { LatencyPredictor } from '../../../predictor/latency/latency-predictor.js';
import { type Samples, selectRows } from '../../../predictor/latency/samples.js';

/** The fold, 0 to folds - 1, of each model: its position in a shuffle of the names, modulo the folds. */
export function foldsByModel(models: readonly string[], folds: number, seed: number): Map<string, number> {
  const names = [...new Set(models)].sort();
  const shuffled = Rng.of(seed, 'fidelity', 'folds').shuffle(names);
  return new Map(shuffled.map((name, at) => [name, at % folds]));
}

/** Predictions in ms, [rows], each by a predictor that saw no row of its model. `models` names the model of each row. */
export function predictHeldOut(
  samples: Samples,
  models: readonly string[],
  folds: ReadonlyMap<string, number>,
  learn: (samples: Samples) => LatencyPredictor,
): Float64Array {
  const predicted = new Float64Array(models.length);
  const width = samples.features.length;
  for (const fold of new Set(folds.values())) {
    const training = [...models.keys()].filter((row) => folds.get(models[row]!) !== fold);
    const predictor = learn(selectRows(samples, training));
    models.forEach((model, row) => {
      if (folds.get(model) === fold) predicted[row] = predictor.predictMs(samples.x, row * width);
    });
  }
  return predicted;
}

/** Relative errors |predicted / measured - 1| of one kind of thing, in percent. */
export interface ErrorSummary {
  readonly medianPercent: number;
  /** MAPE. */
  readonly meanPercent: number;
  /** Share within 10 %. */
  readonly within10Percent: number;
}

/** NaN of nothing. */
export function summarizeErrors(predicted: ArrayLike<number>, measured: ArrayLike<number>): ErrorSummary {
  const errors = Array.from(measured, (value, at) => 100 * Math.abs(predicted[at]! / value - 1));
  return {
    medianPercent: errors.length > 0 ? median(errors) : Number.NaN,
    meanPercent: errors.reduce((sum, error) => sum + error, 0) / errors.length,
    within10Percent: (100 * errors.filter((error) => error <= 10).length) / errors.length,
  };
}

/** Sums of `values` by model, in the order in which models first appear. */
export function sumByModel(models: readonly string[], values: ArrayLike<number>): Map<string, number> {
  const sums = new Map<string, number>();
  models.forEach((model, row) => {
    sums.set(model, (sums.get(model) ?? 0) + values[row]!);
  });
  return sums;
}
