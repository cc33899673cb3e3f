// The fit: of each mode and device the predictor that is best on models left out, fitted to all; of moves a line in bytes; of
// a cut between devices what units lose by not being neighbours in one session.
import { median } from '../../base/statistics/quantile.js';
import type { LatencyPredictor } from '../../engine/device/predictors/latency-predictor.js';
import { type PredictorKind, predictorFits, predictorKinds } from '../../engine/device/predictors/predictor.js';
import { type FittedMove, fitMove } from '../../engine/runtime/measured-costs.js';
import { foldsByModel, predictHeldOut, sumByModel, summarizeErrors } from '../fidelity/held-out.js';
import { aloneMs, type CalibrationMode, calibrationModes, type UnitSamples, unitSamples } from './samples.js';
import type { ProfiledModel } from './sources.js';

export const foldCount = 5;

/** Errors in percent of one kind of predictor on models that it was not fitted to. */
export interface HeldOutErrors {
  readonly predictor: PredictorKind;
  /** Of units that have a kernel of their own. */
  readonly unitMedianPercent: number;
  readonly unitMeanPercent: number;
  /** Of sums over models. */
  readonly modelMedianPercent: number;
  readonly modelMeanPercent: number;
}

export interface FittedDevice {
  readonly mode: CalibrationMode;
  readonly device: 0 | 1;
  readonly kind: PredictorKind;
  readonly predictor: LatencyPredictor;
  readonly measured: UnitSamples;
  /** [rows] Predictions of the chosen kind, each by a fit without the row's model; null where there is one model only. */
  readonly heldOutMs: Float64Array | null;
  /** [rows] Predictions by the fit to all. */
  readonly fittedMs: Float64Array;
  /** Of every kind; empty where there is one model only. */
  readonly errors: readonly HeldOutErrors[];
}

export interface CalibrationFit {
  readonly devices: readonly FittedDevice[];
  /** A copy to each device, by what `bytes` of it take. */
  readonly moves: readonly [FittedMove, FittedMove];
  /** What each device's units lose where a tensor crosses: per tensor, and per byte of it. */
  readonly cuts: readonly [FittedMove, FittedMove];
}

/** @param models measured on the same machine; of several profiles of one model all count */
export function fitCalibration(models: readonly ProfiledModel[], seed = 0): CalibrationFit {
  const devices = calibrationModes.flatMap((mode) =>
    ([0, 1] as const).flatMap((device) => {
      const measured = unitSamples(models, mode, device);
      return measured ? [fitDevice(mode, device, measured, seed)] : [];
    }),
  );
  return {
    devices,
    moves: [movesTo(models, 0), movesTo(models, 1)],
    cuts: [cutsOn(models, 0), cutsOn(models, 1)],
  };
}

function fitDevice(mode: CalibrationMode, device: 0 | 1, measured: UnitSamples, seed: number): FittedDevice {
  const { samples, models } = measured;
  const names = new Set(models);
  const folds = foldsByModel(models, Math.min(foldCount, names.size), seed);
  const tried =
    names.size < 2
      ? []
      : predictorKinds.map((kind) => {
          const predicted = predictHeldOut(samples, models, folds, predictorFits[kind]);
          return { kind, predicted, errors: errorsOf(kind, measured, predicted) };
        });
  const [first, ...rest] = tried;
  const best = first && rest.reduce((a, b) => (b.errors.modelMeanPercent < a.errors.modelMeanPercent ? b : a), first);
  const kind = best?.kind ?? 'roofline';
  const predictor = predictorFits[kind](samples);
  const width = samples.features.length;
  return {
    mode,
    device,
    kind,
    predictor,
    measured,
    heldOutMs: best?.predicted ?? null,
    fittedMs: samples.latencyMs.map((_, row) => predictor.predictMs(samples.x, row * width)),
    errors: tried.map(({ errors }) => errors),
  };
}

export function errorsOf(
  predictor: PredictorKind,
  { samples, models, absorbed }: UnitSamples,
  predicted: Float64Array,
): HeldOutErrors {
  const own = [...models.keys()].filter((row) => !absorbed[row]);
  const units = summarizeErrors(
    own.map((row) => predicted[row]!),
    own.map((row) => samples.latencyMs[row]!),
  );
  const sums = summarizeErrors(
    [...sumByModel(models, predicted).values()],
    [...sumByModel(models, samples.latencyMs).values()],
  );
  return {
    predictor,
    unitMedianPercent: units.medianPercent,
    unitMeanPercent: units.meanPercent,
    modelMedianPercent: sums.medianPercent,
    modelMeanPercent: sums.meanPercent,
  };
}

function movesTo(models: readonly ProfiledModel[], to: 0 | 1): FittedMove {
  const moves = models.flatMap(({ profile }) => profile.moves.filter((move) => move.to === to));
  return lineThrough(moves.map(({ bytes, medianMs }) => ({ bytes, ms: medianMs })));
}

/** What a unit takes by itself beyond its time within a session, against the bytes of what it reads and writes. */
function cutsOn(models: readonly ProfiledModel[], device: 0 | 1): FittedMove {
  const points = models.flatMap(({ graph, profile }) => {
    const wholeMs = profile.wholeMs[device];
    const alone = aloneMs({ graph, profile }, device);
    if (wholeMs === null || alone.size === 0) return [];
    // A model's loss over its tensors: which unit loses what in a fused kernel is not known.
    const lossMs = [...alone.values()].reduce((sum, ms) => sum + ms, 0) - wholeMs;
    const crossing = graph.tensors.filter(({ consumers }) => consumers.length > 0);
    const bytes = crossing.reduce((sum, tensor) => sum + tensor.bytes, 0) / crossing.length;
    return [{ bytes, ms: Math.max(0, lossMs) / crossing.length }];
  });
  return lineThrough(points);
}

/** A line through the medians of points of like size: as `fitMove`, for any number of points. */
function lineThrough(points: readonly { readonly bytes: number; readonly ms: number }[]): FittedMove {
  const groups = new Map<number, { bytes: number; ms: number }[]>();
  for (const point of points) {
    const key = Math.round(2 * Math.log2(1 + point.bytes));
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return fitMove(
    [...groups.values()].map((group) => ({
      bytes: median(group.map(({ bytes }) => bytes)),
      ms: median(group.map(({ ms }) => ms)),
    })),
  );
}
