// The fit: of each mode and device the predictor that is best on models left out, fitted to all; of moves a line in bytes; of
// a cut between devices what units lose by not being neighbours in one session.
import { median } from '../../../base/statistics/quantile.js';
import { fitMove } from '../../../engine/runtime/measuring/measured-costs.js';
import { fitAbsorbing } from '../../../predictor/latency/absorbing.js';
import type { LatencyPredictor } from '../../../predictor/latency/latency-predictor.js';
import { type PredictorKind, predictorFits, predictorKinds } from '../../../predictor/latency/predictor.js';
import type { Samples } from '../../../predictor/latency/samples.js';
import type { FittedMove } from '../../../predictor/tables/unit-times.js';
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
  /** A copy to each device, by what `bytes` of it take; null where none was measured. */
  readonly moves: readonly [FittedMove | null, FittedMove | null];
  /** What each device's units lose where a tensor crosses: per tensor, and per byte of it. */
  readonly cuts: readonly [FittedMove, FittedMove];
}

/** @param models measured on the same devices; of several profiles of one model all count */
export function fitCalibration(models: readonly ProfiledModel[], seed = 0): CalibrationFit {
  const [first, second] = models[0]!.profile.devices.split('+');
  // Two devices of one name are two of a kind: each is measured, and both are fitted together.
  const groups: readonly (readonly (0 | 1)[])[] = first === second ? [[0, 1]] : [[0], [1]];
  const devices = calibrationModes.flatMap((mode) =>
    groups.flatMap((group) =>
      fitAlike(
        mode,
        group.flatMap((device) => {
          const measured = unitSamples(models, mode, device);
          return measured ? [{ device, measured }] : [];
        }),
        seed,
      ),
    ),
  );
  return {
    devices,
    moves: [movesTo(models, 0), movesTo(models, 1)],
    cuts: [cutsOn(models, 0), cutsOn(models, 1)],
  };
}

interface MeasuredDevice {
  readonly device: 0 | 1;
  readonly measured: UnitSamples;
}

/** One predictor for devices that are alike. */
function fitAlike(mode: CalibrationMode, group: readonly MeasuredDevice[], seed: number): FittedDevice[] {
  if (group.length === 0) return [];
  const fitOf = (kind: PredictorKind) => (samples: Samples) => fitAbsorbing(samples, predictorFits[kind]);
  const all = joined(group.map(({ measured }) => measured));
  const names = new Set(all.models);
  const folds = foldsByModel(all.models, Math.min(foldCount, names.size), seed);
  const tried =
    names.size < 2
      ? []
      : predictorKinds.map((kind) => {
          const predicted = predictHeldOut(all.samples, all.models, folds, fitOf(kind));
          // Compared by unit errors: there are thousands of units, but too few models to choose a predictor by model errors.
          return { kind, predicted, error: errorsOf(kind, all, predicted).unitMedianPercent };
        });
  const [first, ...rest] = tried;
  const best = first && rest.reduce((a, b) => (b.error < a.error ? b : a), first);
  const kind = best?.kind ?? 'roofline';
  const predictor = fitOf(kind)(all.samples);
  const width = all.samples.features.length;
  const fitted = all.samples.latencyMs.map((_, row) => predictor.predictMs(all.samples.x, row * width));
  let from = 0;
  return group.map(({ device, measured }) => {
    const to = from + measured.models.length;
    const [start, end] = [from, to];
    from = to;
    return {
      mode,
      device,
      kind,
      predictor,
      measured,
      heldOutMs: best?.predicted.slice(start, end) ?? null,
      fittedMs: fitted.slice(start, end),
      errors: tried.map((each) => errorsOf(each.kind, measured, each.predicted.slice(start, end))),
    };
  });
}

function joined(parts: readonly UnitSamples[]): UnitSamples {
  const concat = (arrays: readonly Float64Array[]): Float64Array =>
    Float64Array.from(arrays.flatMap((array) => [...array]));
  return {
    samples: {
      features: parts[0]!.samples.features,
      x: concat(parts.map(({ samples }) => samples.x)),
      latencyMs: concat(parts.map(({ samples }) => samples.latencyMs)),
    },
    models: parts.flatMap(({ models }) => models),
    classes: parts.flatMap(({ classes }) => classes),
    names: parts.flatMap(({ names }) => names),
    absorbed: parts.flatMap(({ absorbed }) => absorbed),
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

function movesTo(models: readonly ProfiledModel[], to: 0 | 1): FittedMove | null {
  const moves = models.flatMap(({ profile }) => profile.moves.filter((move) => move.to === to));
  if (moves.length === 0) return null;
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
