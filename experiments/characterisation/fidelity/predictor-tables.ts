// Held-out errors as files: `predictors.csv`, `predictors.md` and a figure. results/reference/fidelity/ holds those of the
// public data.
import { join } from 'node:path';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { writeCsv } from '../../../base/files/csv.js';
import { markdownRow } from '../../../base/files/markdown.js';
import type { WrittenFigure } from '../../report/figures/drawing.js';
import { writeFigure } from '../../report/figures/figure.js';
import { predictorErrorsFigure } from '../figures/predictor-errors.js';
import { orinData, phoneData } from './predictor-data.js';
import { foldCount, type PredictorFidelity, predictorFidelity } from './predictor-fidelity.js';

export const fidelityColumns = [
  'dataset',
  'device',
  'predictor',
  'models',
  'units',
  'unitMedianPercent',
  'unitMeanPercent',
  'unitWithin10Percent',
  'sumMedianPercent',
  'sumMeanPercent',
  'networkMedianPercent',
  'networkMeanPercent',
] as const satisfies readonly (keyof PredictorFidelity)[];

/** Compares every predictor with all public data in `folder` and writes tables and figure to `target`. Takes minutes. */
export async function writePredictorFidelity(
  folder: string,
  target: string,
): Promise<{ readonly rows: readonly PredictorFidelity[]; readonly figure: WrittenFigure }> {
  const rows = [...phoneData(folder), ...orinData(folder)].flatMap((data) => predictorFidelity(data));
  return { rows, figure: await writePredictorTables(target, rows) };
}

/** Writes `predictors.csv`, `predictors.md`, and the figure `predictors.svg` and `.png`, which is returned. */
export async function writePredictorTables(target: string, rows: readonly PredictorFidelity[]): Promise<WrittenFigure> {
  writeCsv(join(target, 'predictors.csv'), fidelityColumns, rows);
  writeFileAtomic(join(target, 'predictors.md'), fidelityMarkdown(rows));
  const provenance = ['against published measurements', `${foldCount} folds by model, seed 0`];
  return writeFigure(target, 'predictors', predictorErrorsFigure(rows, provenance));
}

/** A line for each data set, device and predictor; errors in percent. */
export function fidelityMarkdown(rows: readonly PredictorFidelity[]): string {
  const percent = (value: number | null) => (value === null ? '' : value.toFixed(1));
  const lines = rows.map((row) => {
    const errors = [
      row.unitMedianPercent,
      row.unitMeanPercent,
      row.unitWithin10Percent,
      row.sumMedianPercent,
      row.sumMeanPercent,
      row.networkMedianPercent,
      row.networkMeanPercent,
    ];
    return markdownRow([row.dataset, row.device, row.predictor, ...errors.map(percent)]);
  });
  return [
    'Errors in percent against published measurements, each model predicted by what was fitted without it (5 folds by model).',
    '*Sum*: predicted sum of units against their measured sum. *Network*: sum and fitted dispatch against the measured network.',
    '',
    '| data | device | predictor | unit, median | mean | within 10 % | sum, median | mean | network, median | mean |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}
