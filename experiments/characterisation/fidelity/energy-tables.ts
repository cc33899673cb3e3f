// Errors of predicted energy as files: `energy.csv`, `energy-pairs.csv` and `energy.md`.
import { join } from 'node:path';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { writeCsv } from '../../../base/files/csv.js';
import { markdownRow } from '../../../base/files/markdown.js';
import { readPowerRuns } from '../../../predictor/measurements/mlperf-power.js';
import { type EnergyFidelity, type EnergyPairs, type EnergyReport, energyFidelity } from './energy-fidelity.js';

/** Of the public measurements, in the folder that `--data` names. */
export const powerRunsFile = join('energy', 'mlperf_power_edge.csv');

const columns = [
  ...(['known', 'leftOut', 'board', 'processor', 'runs', 'networks', 'medianPercent', 'percent90'] as const),
] as const satisfies readonly (keyof EnergyFidelity)[];
const pairColumns = [
  ...(['known', 'leftOut', 'compared', 'pairs', 'orderRight', 'fasterRight'] as const),
] as const satisfies readonly (keyof EnergyPairs)[];

/**
 * Compares predicted energies with those measured, and writes the tables to `target`.
 * @throws InputError when the file of measurements is not the published one
 */
export function writeEnergyFidelity(folder: string, target: string): EnergyReport & { readonly markdown: string } {
  const report = energyFidelity(readPowerRuns(join(folder, powerRunsFile)));
  const markdown = energyMarkdown(report);
  writeCsv(join(target, 'energy.csv'), columns, report.rows);
  writeCsv(join(target, 'energy-pairs.csv'), pairColumns, report.pairs);
  writeFileAtomic(join(target, 'energy.md'), markdown);
  return { ...report, markdown };
}

export function energyMarkdown({ rows, pairs }: EnergyReport): string {
  return [
    'Energy of networks that were left out, in percent of what was measured at the supply of the whole board. The latency is the',
    'measured one; the power is the median of other networks, of runs alike in what is *known*: the processor; its framework and',
    'precision too; or also who measured, when and in which power mode. Left out together: one network, or every one of its family.',
    '',
    '| known | left out | board | processor | runs | networks | error, median | 90 % |',
    '|---|---|---|---|---:|---:|---:|---:|',
    // The rest is in energy.csv.
    ...rows
      .filter(({ known, leftOut, board }) => board === 'all' || (known === 'framework' && leftOut === 'network'))
      .map(({ known, leftOut, board, processor, runs, networks, medianPercent, percent90 }) =>
        markdownRow([
          ...[known, leftOut, board, processor, String(runs), String(networks)],
          ...[medianPercent, percent90].map((percent) => percent.toFixed(1)),
        ]),
      ),
    '',
    'CPU against GPU, on the same board, network and precision: the share of pairs in which the processor that needs less energy is',
    'predicted. *Thriftiest*: the least of each processor within one submission, so that a pair counts once; *every*: any run with',
    'any. The rule "the faster processor needs less" beside it.',
    '',
    '| known | left out | compared | pairs | order right | "faster" right |',
    '|---|---|---|---:|---:|---:|',
    ...pairs.map((each) =>
      markdownRow([
        ...[each.known, each.leftOut, each.compared, String(each.pairs)],
        ...[each.orderRight, each.fasterRight].map((share) => share.toFixed(3)),
      ]),
    ),
    '',
  ].join('\n');
}
