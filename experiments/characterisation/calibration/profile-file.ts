// A fit as a profile, which stands wherever a profile's URI does: `--profile results/calibration/profile.json`. Its predictors
// predict the times of units; ceilings and efficiencies describe the devices in the words of every other profile.

import { InputError } from '../../../base/errors/input-error.js';
import { quantile } from '../../../base/statistics/quantile.js';
import { type DevicePair, parseDevicePair } from '../../../engine/runtime/devices/device-pair.js';
import { opClasses } from '../../../models/graph.js';
import { columnOf } from '../../../predictor/latency/samples.js';
import type {
  CalibrationSummary,
  Cases,
  ImportSummary,
  ProfileFile,
  SourceKind,
} from '../../../predictor/profiles/profile-schema.js';
import type { SystemDescription } from '../../results/system.js';
import type { BaseProfile } from './base-profile.js';
import type { CalibrationFit, FittedDevice } from './fit.js';
import type { Imports } from './imports.js';
import { type CalibrationMode, calibrationModes } from './samples.js';

export interface CalibrationOrigin {
  readonly name: string;
  readonly date: string;
  readonly system: SystemDescription;
  /** Such as `cpu:1+cpu:1`. */
  readonly devices: string;
  readonly models: number;
  /** What was not measured here but read from files of other tools, and their precision where they have it. */
  readonly imported?: Pick<Imports, 'summaries' | 'precision'>;
}

/**
 * The fit as a profile of every mode in which both devices' units have times. What was not measured is as `base` has it.
 * @throws InputError when something that a profile must have was not measured, and there is no base; or the base is of another
 * precision than the files
 */
export function calibratedProfile(
  fit: CalibrationFit,
  origin: CalibrationOrigin,
  sparsityGain: CalibrationSummary['sparsityGain'],
  base: BaseProfile | null = null,
): ProfileFile {
  const summaries = origin.imported?.summaries ?? [];
  const pair = parseDevicePair(origin.devices);
  const where = whereOf(origin);
  const sourced = (value: string, source: string, kind: SourceKind = 'fitted') => ({ value, source, kind });
  const fitted = (device: 0 | 1): FittedDevice[] => fit.devices.filter((each) => each.device === device);
  const ownTimes = [fitted(0).length > 0, fitted(1).length > 0] as const;
  const precision = origin.imported?.precision ?? base?.axes.precision ?? 'fp32';
  if (base && base.axes.precision !== precision)
    throw new InputError(
      `calibrate: --refine ${base.uri} is of ${base.axes.precision}, and the files are of ${precision}.`,
      `Choose a variant with precision=${precision}.`,
    );
  const modes = calibrationModes.filter((mode) =>
    fitted(0).some((each) => each.mode === mode) || (base && !ownTimes[0])
      ? fitted(1).some((each) => each.mode === mode) || (base && !ownTimes[1])
      : false,
  );
  if (!base)
    refuseGaps(
      fit,
      modes,
      pair.map(({ id }) => id),
    );
  else if (modes.length === 0)
    throw new InputError(
      'calibrate: one device was measured by units alone, the other within sessions alone.',
      'Calibrate each by itself: give the files of one device at a time.',
    );
  const device = (index: 0 | 1): ProfileFile['devices'][0] => {
    if (!ownTimes[index]) return base!.file.devices[index];
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
    if (!copy) return base!.file.transfer[to];
    // The cut is lost where the tensor is read.
    const cut = fit.cuts[to];
    const cases = (value: (fixedMs: number, msPerByte: number) => string): Cases =>
      modes.map((mode) => {
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
  const unitCount = (on: 0 | 1): number => Math.max(0, ...fitted(on).map(({ measured }) => measured.models.length));
  const notes = [
    ...(base?.file.notes ?? []),
    ...summaries.map(importNote),
    ...(base ? [`What was not measured is as in ${base.uri}: ${missing(fit, modes).join(', ') || 'nothing'}.`] : []),
    ...(summaries.length > 0 && origin.imported?.precision === null
      ? [`No file says of which precision it is; taken for ${precision}.`]
      : []),
  ];
  return {
    version: 1,
    name: origin.name,
    description: `Measured on ${where}: ${origin.models} models, ${Math.max(unitCount(0), unitCount(1))} units.`,
    ...(notes.length > 0 && { notes }),
    axes: {
      mode: [...modes],
      precision: [precision],
      launch: [base?.axes.launch ?? 'graph'],
      transfer: [base?.axes.transfer ?? 'copy'],
    },
    devices: [device(0), device(1)],
    sync: ownTimes[1]
      ? [sourced('0 us', 'contained in the times of units, which were measured with it')]
      : base!.file.sync,
    transfer: [move(0), move(1)],
    ...sharedOf(fit, pair[0], base, where),
    ...(base?.file.power && { power: base.file.power }),
    predictors: [
      ...fit.devices
        .filter(({ mode }) => modes.includes(mode))
        .map(({ mode, device: on, kind, predictor, measured }) => ({
          when: { mode },
          device: on,
          // The other part of a unit is elsewhere: neither has neighbours in its session.
          ...(mode === 'units' && modes.includes('segments') && { partsOf: { mode: 'segments' as const } }),
          source: `${kind} fitted to ${measured.models.length} units of ${new Set(measured.models).size} models; ${where}`,
          kind: 'fitted' as const,
          predictor: predictor.toJSON(),
        })),
      ...(base?.file.predictors ?? []).filter(({ device: on }) => !ownTimes[on]),
    ],
    calibration: {
      date: origin.date,
      system: { ...origin.system },
      devices: origin.devices,
      models: origin.models,
      units: [unitCount(0), unitCount(1)],
      ...(summaries.length > 0 && { imported: [...summaries] }),
      ...(base && { refines: base.uri }),
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

/** Machine, devices and date, for sources. */
export function whereOf({ system, devices, date }: Pick<CalibrationOrigin, 'system' | 'devices' | 'date'>): string {
  return system.cpu === unknown
    ? `${devices} of a board that the files do not name, on an unknown date`
    : `${system.cpu}, ${devices}, ${date.slice(0, 10)}`;
}

/** What importers call a value that no file has. */
const unknown = 'unknown';

function importNote({ tool, file, model, runs, mappedPercent, reformatPercent }: ImportSummary): string {
  const share = (percent: number): string => `${percent.toFixed(1)} %`;
  return `${model}: ${tool} in ${file}, ${runs === null ? 'an unknown number of' : runs} runs; ${share(mappedPercent)} of its time is of known units, ${share(reformatPercent)} changes of layout.`;
}

/** What a profile needs and was not measured. */
function missing(fit: CalibrationFit, modes: readonly CalibrationMode[]): string[] {
  const measured = (device: 0 | 1): boolean =>
    fit.devices.some((each) => each.device === device && (modes.length === 0 || modes.includes(each.mode)));
  return ([0, 1] as const).flatMap((on) => [
    ...(measured(on) ? [] : [`units on device ${on}`]),
    ...(fit.moves[on] ? [] : [`moves to device ${on}`]),
  ]);
}

function refuseGaps(fit: CalibrationFit, modes: readonly CalibrationMode[], ids: readonly string[]): void {
  const gaps = missing(fit, modes);
  if (gaps.length === 0 && modes.length > 0) return;
  throw new InputError(
    `calibrate: of ${ids.join('+')} nothing was measured for ${gaps.join(', ') || 'the times of units in one mode on both devices'}.`,
    'Add --refine with a profile that has it, such as profile://jetson-orin-nano: its numbers keep their sources.',
  );
}

function sharedOf(
  fit: CalibrationFit,
  cpu: DevicePair[0],
  base: BaseProfile | null,
  where: string,
): Pick<ProfileFile, 'shared'> {
  if (base) return base.file.shared ? { shared: base.file.shared } : {};
  const most = Math.max(...fit.devices.map((each) => ceilings([each]).bytesPerMs));
  return {
    shared: {
      cores: [
        { value: String(cpu.threads), source: `threads of ${cpu.id}: the device is these`, kind: 'measured' as const },
      ],
      bandwidth: [
        {
          value: `${gigaPerS(2 * most)} GB/s`,
          source: `twice the fastest unit's: both devices at once were not measured; ${where}`,
          kind: 'assumed' as const,
        },
      ],
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
