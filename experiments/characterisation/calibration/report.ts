// What a calibration leaves to read: how well the fit knows what it was not fitted to, by model, by class and unit by unit.
import { join } from 'node:path';
import { type Cell, writeCsv } from '../../../base/files/csv.js';
import { median } from '../../../base/statistics/quantile.js';
import { type OpClass, opClasses } from '../../../models/graph.js';
import type { WrittenFigure } from '../../report/figures/drawing.js';
import { writeFigure } from '../../report/figures/figure.js';
import { sumByModel } from '../fidelity/held-out.js';
import { heldOutFigure } from '../figures/held-out.js';
import type { CalibrationFit, FittedDevice } from './fit.js';
import type { CalibrationMode } from './samples.js';

export interface ModelRow {
  readonly mode: CalibrationMode;
  readonly device: 0 | 1;
  readonly model: string;
  /** Whether it was left out of the calibration altogether, or out of its fold's fit only. */
  readonly heldOut: 'calibration' | 'fold';
  readonly units: number;
  /** The mean of both measurements, where there are two. */
  readonly measuredMs: number;
  readonly predictedMs: number;
  readonly errorPercent: number;
  /** How far the second measurement is from the first; null where there is one. */
  readonly againPercent: number | null;
}

export interface ClassRow {
  readonly mode: CalibrationMode;
  readonly device: 0 | 1;
  readonly opClass: OpClass;
  readonly units: number;
  readonly measuredMs: number;
  readonly medianPercent: number;
  readonly meanPercent: number;
  /** Of the sum of the class, signed. */
  readonly biasPercent: number;
}

/** Models as the fit without them predicts them. */
export function modelRows(fit: CalibrationFit): ModelRow[] {
  return fit.devices.flatMap(({ mode, device, measured, heldOutMs }) =>
    heldOutMs ? rowsOf(mode, device, 'fold', measured.models, measured.samples.latencyMs, heldOutMs) : [],
  );
}

/**
 * @param models [rows]
 * @param again ms of a second measurement, by model
 */
export function rowsOf(
  mode: CalibrationMode,
  device: 0 | 1,
  heldOut: ModelRow['heldOut'],
  models: readonly string[],
  firstMs: Float64Array,
  predictedMs: Float64Array,
  again?: ReadonlyMap<string, number>,
): ModelRow[] {
  const predicted = sumByModel(models, predictedMs);
  const units = sumByModel(models, new Float64Array(models.length).fill(1));
  return [...sumByModel(models, firstMs)].map(([model, ms]) => {
    const againMs = again?.get(model);
    const measuredMs = againMs === undefined ? ms : (ms + againMs) / 2;
    return {
      mode,
      device,
      model,
      heldOut,
      units: units.get(model)!,
      measuredMs,
      predictedMs: predicted.get(model)!,
      errorPercent: 100 * (predicted.get(model)! / measuredMs - 1),
      againPercent: againMs === undefined ? null : 100 * (againMs / ms - 1),
    };
  });
}

/** Errors by operator class, models left out. */
export function classRows(fit: CalibrationFit): ClassRow[] {
  return fit.devices.flatMap(({ mode, device, measured, heldOutMs }) => {
    if (!heldOutMs) return [];
    return opClasses.flatMap((opClass) => {
      const rows = [...measured.classes.keys()].filter(
        (row) => measured.classes[row] === opClass && !measured.absorbed[row],
      );
      if (rows.length === 0) return [];
      const ms = rows.map((row) => measured.samples.latencyMs[row]!);
      const errors = rows.map((row, at) => 100 * Math.abs(heldOutMs[row]! / ms[at]! - 1));
      const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
      const measuredMs = sum(ms);
      return [
        {
          mode,
          device,
          opClass,
          units: rows.length,
          measuredMs,
          medianPercent: median(errors),
          meanPercent: sum(errors) / errors.length,
          biasPercent: 100 * (sum(rows.map((row) => heldOutMs[row]!)) / measuredMs - 1),
        },
      ];
    });
  });
}

/** Mean |error| of the models, percent; null of none. */
export const mape = (rows: readonly ModelRow[]): number | null => meanSize(rows.map((row) => row.errorPercent));

/** Run-to-run noise: the mean |difference| of a second measurement, percent; null where there was none. */
export const runToRun = (rows: readonly ModelRow[]): number | null =>
  meanSize(rows.flatMap(({ againPercent }) => (againPercent === null ? [] : [againPercent])));

const meanSize = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;

/** Writes `predictors.csv`, `models.csv`, `classes.csv`, `residuals.csv` and the figure `models.svg` and `.png`. */
export async function writeReport(
  folder: string,
  fit: CalibrationFit,
  heldOut: readonly ModelRow[],
  provenance: readonly string[],
): Promise<WrittenFigure | null> {
  const models = [...heldOut, ...modelRows(fit)];
  writeCsv(
    join(folder, 'predictors.csv'),
    [
      'mode',
      'device',
      'chosen',
      'predictor',
      'unitMedianPercent',
      'unitMeanPercent',
      'modelMedianPercent',
      'modelMeanPercent',
    ],
    fit.devices.flatMap(({ mode, device, kind, errors }) =>
      errors.map((each) => ({ mode, device, chosen: each.predictor === kind, ...each })),
    ),
  );
  writeCsv(
    join(folder, 'models.csv'),
    ['mode', 'device', 'model', 'heldOut', 'units', 'measuredMs', 'predictedMs', 'errorPercent', 'againPercent'],
    models.map((row) => ({ ...row })),
  );
  writeCsv(
    join(folder, 'classes.csv'),
    ['mode', 'device', 'opClass', 'units', 'measuredMs', 'medianPercent', 'meanPercent', 'biasPercent'],
    classRows(fit).map((row) => ({ ...row })),
  );
  writeCsv(join(folder, 'residuals.csv'), residualColumns, residuals(fit.devices));
  return models.length > 0 ? writeFigure(folder, 'models', heldOutFigure(models, provenance)) : null;
}

const residualColumns = ['mode', 'device', 'model', 'unit', 'opClass', 'measuredMs', 'fittedMs', 'heldOutMs'] as const;

/** One row a unit: what was measured, what the fit says of it, and what a fit without its model says. */
function residuals(devices: readonly FittedDevice[]): Record<(typeof residualColumns)[number], Cell>[] {
  return devices.flatMap(({ mode, device, measured, fittedMs, heldOutMs }) =>
    measured.models.map((model, row) => ({
      mode,
      device,
      model,
      unit: measured.names[row]!,
      opClass: measured.classes[row]!,
      measuredMs: digits(measured.samples.latencyMs[row]!),
      fittedMs: digits(fittedMs[row]!),
      heldOutMs: heldOutMs && digits(heldOutMs[row]!),
    })),
  );
}

const digits = (ms: number): number => Number(ms.toPrecision(5));
