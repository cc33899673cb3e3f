// The table of held-out errors as files: `predictors.csv` and `predictors.md`. results/reference/fidelity/ holds those of the
// public data.
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { writeCsv } from '../../base/files/csv.js';
import { type PredictorFidelity, predictorFidelity } from './predictor-fidelity.js';
import { orinJudges, phoneJudges } from './predictor-judges.js';

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

/** Judges every predictor by all public data in `folder` and writes the tables to `target`: minutes. */
export function writePredictorFidelity(folder: string, target: string): PredictorFidelity[] {
  const rows = [...phoneJudges(folder), ...orinJudges(folder)].flatMap((judge) => predictorFidelity(judge));
  writeCsv(join(target, 'predictors.csv'), fidelityColumns, rows);
  writeFileAtomic(join(target, 'predictors.md'), fidelityMarkdown(rows));
  return rows;
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
    return `| ${[row.dataset, row.device, row.predictor, ...errors.map(percent)].join(' | ')} |`;
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
