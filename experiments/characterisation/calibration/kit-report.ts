// How far a calibration by a board kit is to be trusted, by the kit's own schedules: each model simulated from its own units, and
// by what was fitted without it.
import { canonicalJson, contentHash } from '../../../base/files/hash.js';
import { type DeviceProfile, resolveProfile } from '../../../predictor/profiles/profile.js';
import type { ProfileFile } from '../../../predictor/profiles/profile-schema.js';
import type { ProfileTable } from '../../../predictor/tables/profile-table.js';
import { foldsByModel } from '../fidelity/held-out.js';
import { compareWithKit, type KitComparison, tableMechanism } from '../fidelity/kit-comparison.js';
import { compareModels, type KitReport, reportOf } from '../fidelity/kit-fidelity.js';
import type { KitReading } from '../kit/reading.js';
import type { ModelMeasurement } from '../profiling.js';
import type { BaseProfile } from './base-profile.js';
import { fitCalibration, foldCount } from './fit.js';
import { type CalibrationOrigin, calibratedProfile } from './profile-file.js';
import type { ProfiledModel } from './sources.js';

/**
 * @param path of the archive, for names
 * @param models all that the calibration is fitted to, the kit's among them
 */
export function calibrationFidelity(
  path: string,
  reading: KitReading,
  models: readonly ProfiledModel[],
  origin: CalibrationOrigin,
  base: BaseProfile | null,
): KitReport {
  return reportOf(reading, [...byOwnUnits(path, reading), ...byOtherModels(reading, models, origin, base)]);
}

function byOwnUnits(path: string, reading: KitReading): KitComparison[] {
  return reading.models.flatMap((model) => {
    const profile = reading.unitMeasurements.find((one) => one.model === model.uri);
    if (!profile?.units.every(({ lane, unit, device }) => lane || model.graph.units[unit]!.onlyOn === 1 - device))
      return [];
    const simulator = tableMechanism(model.graph, tableOf(path, profile), true);
    return compareWithKit(reading, model, 'units', 'own units', simulator) ?? [];
  });
}

function tableOf(path: string, profile: ModelMeasurement): ProfileTable {
  return { ...profile, uri: `table://${path}`, hash: contentHash(canonicalJson(profile)) };
}

function byOtherModels(
  reading: KitReading,
  models: readonly ProfiledModel[],
  origin: CalibrationOrigin,
  base: BaseProfile | null,
): KitComparison[] {
  const names = models.map(({ profile }) => profile.model);
  const distinct = new Set(names).size;
  if (distinct < 2) return [];
  const folds = foldsByModel(names, Math.min(foldCount, distinct), 0);
  return [...new Set(folds.values())].flatMap((fold) => {
    const heldOut = reading.models.filter(({ uri }) => folds.get(uri) === fold);
    if (heldOut.length === 0) return [];
    const others = models.filter(({ profile }) => folds.get(profile.model) !== fold);
    const file = calibratedProfile(fitCalibration(others), { ...origin, models: distinct - heldOut.length }, [], base);
    return compareModels(reading, heldOut, 'other models', (mechanism) =>
      variantOf(file, mechanism === 'units' ? 'units' : 'segments'),
    );
  });
}

/** Null where the profile has no such mode: the other would answer another question. */
function variantOf(file: ProfileFile, mode: string): DeviceProfile | null {
  if (!file.axes.mode.includes(mode)) return null;
  const { precision, launch, transfer } = file.axes;
  return resolveProfile(
    { file, uri: () => '', axes: {}, overrides: new Map(), unsupported: [], member: null },
    { mode, precision: precision[0]!, launch: launch[0]!, transfer: transfer[0]! },
  );
}
