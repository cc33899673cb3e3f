// `device calibrate`: measures units, fits predictors to them, and writes a profile with a report of its errors.
import { join } from 'node:path';
import { InputError } from '../../../base/errors/input-error.js';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { type DevicePair, formatDevicePair } from '../../../engine/runtime/devices/device-pair.js';
import type { ProfileFile } from '../../../predictor/profiles/profile-schema.js';
import type { WrittenFigure } from '../../report/figures/drawing.js';
import { sumByModel } from '../fidelity/held-out.js';
import { type KitReport, writeKitFidelity } from '../fidelity/kit-fidelity.js';
import { readKit } from '../kit/read.js';
import { readBaseProfile } from './base-profile.js';
import { calibrationModels, collect } from './collect.js';
import { type CalibrationFit, fitCalibration } from './fit.js';
import { readImports } from './imports.js';
import { calibrationFidelity } from './kit-report.js';
import { calibratedProfile, whereOf } from './profile-file.js';
import { type ModelRow, rowsOf, writeReport } from './report.js';
import { calibrationModes, unitSamples } from './samples.js';
import { isKitArchive, type ProfiledModel, readUnitMeasurements } from './sources.js';
import { measureSparsity, type SparsityResult, writeSparsity } from './sparsity.js';

export interface CalibrateOptions {
  readonly pair: DevicePair;
  readonly minutes: number;
  readonly rounds: number;
  readonly out: string;
  /** Measured first, and fitted to. */
  readonly models: readonly string[];
  /** Measured, but not fitted to: the fit predicts them. */
  readonly holdOut: readonly string[];
  /** Unit profiles to fit to; nothing is measured for the fit then. */
  readonly from: readonly string[];
  /** Files that other tools made of `models`; nothing is measured then, and models name what they are of. */
  readonly fromTrtexec: readonly string[];
  readonly fromOrtProfile: readonly string[];
  /** URI of the profile that fills in what was not measured; null where all was. */
  readonly refine: string | null;
  readonly report: (text: string) => void;
}

export interface Calibration {
  readonly profile: ProfileFile;
  readonly fit: CalibrationFit;
  /** The models of `holdOut`: predicted, and measured twice. */
  readonly heldOut: readonly ModelRow[];
  readonly sparsity: SparsityResult | null;
  /** What each kit among the files says of schedules. */
  readonly fidelity: readonly KitReport[];
  readonly figures: readonly WrittenFigure[];
}

/**
 * @throws InputError when a model, a device or a file of unit measurements is wrong, or nothing was measured
 */
export async function calibrate(options: CalibrateOptions): Promise<Calibration> {
  const { pair, rounds, out, report, from, fromTrtexec, fromOrtProfile } = options;
  const folder = join(out, 'profiles');
  const base = options.refine === null ? null : readBaseProfile(options.refine);
  const read: ProfiledModel[] = [];
  for (const path of from) read.push(...(await readUnitMeasurements(path)));
  const files = fromTrtexec.length + fromOrtProfile.length;
  const imported =
    files > 0
      ? await readImports({ trtexec: fromTrtexec, ortProfiles: fromOrtProfile, models: options.models })
      : undefined;
  read.push(...(imported?.models ?? []));
  const measuredHere = from.length + files === 0;
  const heldOutModels = (pass: string): Promise<ProfiledModel[]> | [] =>
    options.holdOut.length === 0
      ? []
      : collect({ pair, rounds, minutes: 0, folder: join(out, pass), first: options.holdOut, others: [], report });
  const before = await heldOutModels('held-out');
  const models = measuredHere
    ? await collect({ ...options, folder, first: options.models, others: calibrationModels() })
    : read;
  refuseMixture(models);
  const sparsity = measuredHere ? await measureSparsity(join(out, 'sparsity'), pair, rounds) : null;
  // Again, some minutes later: the difference is the noise that no fit can predict.
  const after = await heldOutModels('held-out-again');
  report(`fitting to ${models.length} models`);
  const fit = fitCalibration(models);
  const heldOut = heldOutRows(fit, before, after);
  const [{ profile: first }] = models as [ProfiledModel];
  const date = models.map(({ profile }) => profile.date).sort()[0]!;
  const distinct = new Set(models.map(({ profile }) => profile.model)).size;
  const origin = {
    name: 'calibrated',
    date,
    system: first.system,
    devices: first.devices,
    models: distinct,
    ...(imported && { imported }),
  };
  const profile = calibratedProfile(fit, origin, sparsity?.gains ?? [], base);
  writeFileAtomic(join(out, 'profile.json'), `${JSON.stringify(profile)}\n`);
  const provenance = [`measured on ${whereOf(origin)}; ${distinct} models`];
  const fidelity = from
    .filter(isKitArchive)
    .map((path) => calibrationFidelity(path, readKit(path), models, origin, base));
  const figures = [
    ...(await Promise.all(fidelity.map((kit) => writeKitFidelity(join(out, 'fidelity'), kit)))),
    await writeReport(out, fit, heldOut, provenance),
    sparsity &&
      (await writeSparsity(out, sparsity, [
        `measured on ${first.system.cpu}, ${formatDevicePair(pair)}, ${date.slice(0, 10)}`,
      ])),
  ].filter((figure) => figure !== null);
  return { profile, fit, heldOut, sparsity, fidelity, figures };
}

/** Predictions of the held-out models, which were measured before the models of the fit and after them. */
function heldOutRows(
  fit: CalibrationFit,
  before: readonly ProfiledModel[],
  after: readonly ProfiledModel[],
): ModelRow[] {
  return calibrationModes.flatMap((mode) =>
    ([0, 1] as const).flatMap((device) => {
      const passes = before.length > 0 ? [before, after].map((models) => unitSamples(models, mode, device)) : [];
      const fitted = fit.devices.find((each) => each.mode === mode && each.device === device);
      const [first, second] = passes;
      if (!first || !second || !fitted) return [];
      const { samples } = first;
      const width = samples.features.length;
      const predicted = samples.latencyMs.map((_, row) => fitted.predictor.predictMs(samples.x, row * width));
      const again = sumByModel(second.models, second.samples.latencyMs);
      return rowsOf(mode, device, 'calibration', first.models, samples.latencyMs, predicted, again);
    }),
  );
}

function refuseMixture(models: readonly ProfiledModel[]): void {
  const machines = new Set(
    models.map(
      ({ profile }) => `${profile.devices} on ${profile.system.cpu}, ONNX Runtime ${profile.system.onnxRuntime}`,
    ),
  );
  if (machines.size > 1)
    throw new InputError(
      `calibrate: the unit measurements are of ${machines.size} machines: ${[...machines].join('; ')}.`,
      'Calibrate each by itself.',
    );
}
