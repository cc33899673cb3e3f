// A fit as a profile, which stands wherever a profile's URI does: `--profile results/calibration/profile.json`. Its predictors
// tell the times of units; ceilings and efficiencies describe the devices in the words of every other profile.

import { quantile } from '../../base/statistics/quantile.js';
import { columnOf } from '../../engine/device/predictors/samples.js';
import type { CalibrationSummary, Cases, ProfileFile, SourceKind } from '../../engine/device/profile-schema.js';
import { parseDevicePair } from '../../engine/runtime/device-pair.js';
import { opClasses } from '../../models/graph.js';
import type { SystemDescription } from '../system.js';
import type { CalibrationFit, FittedDevice } from './fit.js';
import { calibrationModes } from './samples.js';

export interface CalibrationOrigin {
  readonly name: string;
  readonly date: string;
  readonly system: SystemDescription;
  /** Such as `cpu:1+cpu:1`. */
  readonly devices: string;
  readonly models: number;
}

export function calibratedProfile(
  fit: CalibrationFit,
  origin: CalibrationOrigin,
  sparsityGain: CalibrationSummary['sparsityGain'],
): ProfileFile {
  const pair = parseDevicePair(origin.devices);
  const where = `${origin.system.cpu}, ${origin.devices}, ${origin.date.slice(0, 10)}`;
  const sourced = (value: string, source: string, kind: SourceKind = 'fitted') => ({ value, source, kind });
  const fitted = (device: 0 | 1): FittedDevice[] => fit.devices.filter((each) => each.device === device);
  const device = (index: 0 | 1): ProfileFile['devices'][0] => {
    const { id, kind } = pair[index]!;
    const { flopPerMs, bytesPerMs, efficiency } = ceilings(fitted(index));
    return {
      name: id,
      kind,
      compute: [sourced(`${gigaPerS(flopPerMs)} GFLOP/s`, `largest FLOPs / time of a unit; ${where}`, 'measured')],
      bandwidth: [sourced(`${gigaPerS(bytesPerMs)} GB/s`, `largest bytes / time of a unit; ${where}`, 'measured')],
      efficiency: Object.fromEntries(
        Object.entries(efficiency).map(([opClass, ratio]) => [
          opClass,
          [sourced(round(ratio), `upper quartile of the class's FLOPs / time over the ceiling; ${where}`)],
        ]),
      ),
      launch: [sourced('0 us', 'contained in the times of units, which were measured with it')],
    };
  };
  const move = (to: 0 | 1): ProfileFile['transfer'][0] => {
    const copy = fit.moves[to];
    // The cut is lost where the tensor is read.
    const cut = fit.cuts[to];
    const cases = (value: (fixedMs: number, msPerByte: number) => string): Cases =>
      calibrationModes.map((mode) => {
        const cuts = mode === 'segments';
        return {
          when: { mode },
          ...sourced(
            value(copy.fixedMs + (cuts ? cut.fixedMs : 0), copy.msPerByte + (cuts ? cut.msPerByte : 0)),
            `line through measured moves${cuts ? ', and through what units lose when cut from their session' : ''}; ${where}`,
          ),
        };
      });
    return {
      latency: cases((fixedMs) => `${round(1000 * fixedMs)} us`),
      bandwidth: cases((_, msPerByte) => `${gigaPerS(1 / Math.max(msPerByte, leastMsPerByte))} GB/s`),
    };
  };
  const most = Math.max(...fit.devices.map((each) => ceilings([each]).bytesPerMs));
  return {
    version: 1,
    name: origin.name,
    description: `Measured on ${where}: ${origin.models} models, ${fit.devices.map(({ measured }) => measured.models.length).reduce((a, b) => Math.max(a, b), 0)} units.`,
    axes: { mode: [...calibrationModes], precision: ['fp32'], launch: ['graph'], transfer: ['copy'] },
    devices: [device(0), device(1)],
    sync: [sourced('0 us', 'contained in the times of units, which were measured with it')],
    transfer: [move(0), move(1)],
    shared: {
      cores: [sourced(String(pair[0].threads), `threads of ${pair[0].id}: the device is these`, 'measured')],
      bandwidth: [
        sourced(
          `${gigaPerS(2 * most)} GB/s`,
          `twice the fastest unit's: both devices at once were not measured; ${where}`,
          'assumed',
        ),
      ],
    },
    predictors: fit.devices.map(({ mode, device: on, kind, predictor, measured }) => ({
      when: { mode },
      device: on,
      source: `${kind} fitted to ${measured.models.length} units of ${new Set(measured.models).size} models; ${where}`,
      kind: 'fitted',
      predictor: predictor.toJSON(),
    })),
    calibration: {
      date: origin.date,
      system: { ...origin.system },
      devices: origin.devices,
      models: origin.models,
      units: [0, 1].map((on) => Math.max(0, ...fitted(on as 0 | 1).map(({ measured }) => measured.models.length))) as [
        number,
        number,
      ],
      errors: fit.devices.map((each) => {
        const chosen = each.errors.find(({ predictor }) => predictor === each.kind);
        return {
          mode: each.mode,
          device: each.device,
          predictor: each.kind,
          residualMedianPercent: residualMedian(each),
          unitMedianPercent: chosen?.unitMedianPercent ?? null,
          unitMeanPercent: chosen?.unitMeanPercent ?? null,
          modelMeanPercent: chosen?.modelMeanPercent ?? null,
        };
      }),
      sparsityGain,
    },
  };
}

/** Moves that take no time by the byte are as fast as this: a bandwidth is finite. */
const leastMsPerByte = 1e-12;

/** Median |fitted / measured - 1| of units with a kernel of their own, percent. */
export function residualMedian({ measured, fittedMs }: FittedDevice): number {
  const errors = [...fittedMs].flatMap((ms, row) =>
    measured.absorbed[row] ? [] : [100 * Math.abs(ms / measured.samples.latencyMs[row]! - 1)],
  );
  return quantile(errors, 0.5);
}

function ceilings(fitted: readonly FittedDevice[]) {
  const rates = fitted.flatMap(({ measured: { samples, classes, absorbed } }) => {
    const width = samples.features.length;
    const [flops, bytes] = [columnOf(samples.features, 'flops'), columnOf(samples.features, 'bytes')];
    return classes.flatMap((opClass, row) => {
      const ms = samples.latencyMs[row]!;
      const x = (column: number): number => samples.x[row * width + column]!;
      return absorbed[row] ? [] : [{ opClass, flopPerMs: x(flops) / ms, bytesPerMs: x(bytes) / ms }];
    });
  });
  const flopPerMs = Math.max(1, ...rates.map((rate) => rate.flopPerMs));
  const efficiency: Record<string, number> = {};
  for (const opClass of opClasses) {
    const own = rates.filter((rate) => rate.opClass === opClass && rate.flopPerMs > 0);
    if (own.length > 0)
      efficiency[opClass] =
        quantile(
          own.map((rate) => rate.flopPerMs),
          0.75,
        ) / flopPerMs;
  }
  return { flopPerMs, bytesPerMs: Math.max(1, ...rates.map((rate) => rate.bytesPerMs)), efficiency };
}

const gigaPerS = (perMs: number): string => round(perMs / 1e6);
/** Six digits: more than was measured. */
const round = (value: number): string => String(Number(value.toPrecision(6)));
