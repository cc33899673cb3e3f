// The zoo's comparison as files: `ncnn.csv` (errors by chip), `ncnn-winners.csv`, `ncnn-networks.csv` (every time) and `ncnn.md`.
// results/reference/fidelity/ holds those of the public data.
import { join } from 'node:path';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { writeCsv } from '../../../base/files/csv.js';
import { markdownRow } from '../../../base/files/markdown.js';
import { median } from '../../../base/statistics/quantile.js';
import type { WinnerScore } from './winners.js';
import { processors } from './zoo-data.js';
import { type ZooError, type ZooFidelity, type ZooTime, type ZooWinner, zooFidelity } from './zoo-fidelity.js';

const methods = ['leftOut', 'known', 'twoWay', 'flops', 'new1', 'new3', 'new10'] as const satisfies (keyof ZooError)[];

const errorColumns = ['chip', 'processor', 'settings', 'networks', ...methods] as const;

const winnerColumns = [
  'chip',
  'pairs',
  'cpuFaster',
  'accuracy',
  'lost',
  'majorityAccuracy',
  'majorityLost',
] as const satisfies (keyof ZooWinner)[];

const timeColumns = [
  'chip',
  'processor',
  'setting',
  'network',
  'measuredMs',
  'leftOutMs',
  'errorPercent',
  'flag',
] as const satisfies (keyof ZooTime)[];

/** @param folder with ncnn.csv and params/ */
export function writeZooFidelity(folder: string, target: string) {
  const found = zooFidelity(folder);
  const markdown = zooMarkdown(found);
  const paths = ['ncnn.csv', 'ncnn-winners.csv', 'ncnn-networks.csv', 'ncnn.md'].map((name) => join(target, name));
  writeCsv(paths[0]!, errorColumns, found.errors.map(rounded));
  writeCsv(paths[1]!, winnerColumns, found.winners.map(rounded));
  writeCsv(paths[2]!, timeColumns, found.times);
  writeFileAtomic(paths[3]!, markdown);
  return { report: { errors: found.errors, winners: found.winners }, markdown, paths };
}

/** Numbers with four decimals at most. */
function rounded<T extends object>(row: T): T {
  const short = (value: unknown) => (typeof value === 'number' ? Number(value.toFixed(4)) : value);
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, short(value)])) as T;
}

/** Medians over chips, the faster processor, then a line for each chip and processor. */
export function zooMarkdown(found: ZooFidelity): string {
  const { errors, winners, winner, majority, difference, newWinners, networks, flagged } = found;
  const percent = (value: number | null) => (value === null ? '' : value.toFixed(1));
  const overChips = (own: readonly ZooError[], method: (typeof methods)[number]) => {
    const values = own.flatMap((row) => row[method] ?? []);
    return values.length > 0 ? median(values) : null;
  };
  const score = (name: string, { pairs, accuracy, lost }: WinnerScore) =>
    markdownRow([name, pairs, accuracy.toFixed(3), (100 * lost).toFixed(1)]);
  const unfitted = found.times
    .filter(({ flag }) => flag !== '')
    .map(({ measuredMs, leftOutMs }) => measuredMs / leftOutMs);
  return [
    `Errors in percent of simulated times of whole networks by ncnn: the median over a chip's settings and its ${networks} networks, then over chips.`,
    'All that is fitted, the prior that chips share included, is fitted without what is predicted.',
    '',
    '- *left out*: the network is left out on all chips. *Known elsewhere*: on this chip only; the constants, times what other chips take',
    '  longer for the network. *Two-way*: effect of the setting + effect of the network. *FLOPs*: a constant and a slope for each setting.',
    '- *new, k*: a chip of which k networks are known, the median over ten draws of them too; the prior is that of the other chips.',
    '',
    '| processor | chips | left out | known elsewhere | two-way | FLOPs | new, 1 | new, 3 | new, 10 |',
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|',
    ...processors.map((processor) => {
      const own = errors.filter((row) => row.processor === processor);
      return markdownRow([processor, own.length, ...methods.map((method) => percent(overChips(own, method)))]);
    }),
    '',
    'The faster processor, each at its best setting; *time lost* is the geometric mean over networks, in percent.',
    '',
    '| choice | pairs | right | time lost |',
    '|---|---:|---:|---:|',
    score('predicted, network left out', winner),
    score("the chip's majority, with the network", majority),
    ...newWinners.map(([count, each]) => score(`predicted, new chip from ${count}`, each)),
    '',
    `Right more often than the majority by ${(winner.accuracy - majority.accuracy).toFixed(3)}, 95 % interval over chips ${difference.low.toFixed(3)} to ${difference.high.toFixed(3)}${difference.low <= 0 ? ': no difference that these chips show' : ''}.`,
    '',
    ...(unfitted.length > 0
      ? [
          `Flagged, in none of these figures: ${flagged.join(', ')}, of classes of operators that nobody fitted. They take ${median(unfitted).toFixed(1)} times as long as predicted (median; ${Math.min(...unfitted).toFixed(1)} to ${Math.max(...unfitted).toFixed(1)}).`,
          '',
        ]
      : []),
    '| chip | processor | settings | networks | left out | known elsewhere | two-way | FLOPs | new, 1 | new, 3 | new, 10 |',
    '|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
    ...errors.map((row) =>
      markdownRow([
        row.chip,
        row.processor,
        row.settings,
        row.networks,
        ...methods.map((method) => percent(row[method])),
      ]),
    ),
    '',
    '| chip | pairs | CPU faster | right | time lost | majority right | time lost |',
    '|---|---:|---:|---:|---:|---:|---:|',
    ...winners.map((row) =>
      markdownRow([
        row.chip,
        row.pairs,
        row.cpuFaster,
        row.accuracy.toFixed(2),
        (100 * row.lost).toFixed(1),
        row.majorityAccuracy.toFixed(2),
        (100 * row.majorityLost).toFixed(1),
      ]),
    ),
    '',
  ].join('\n');
}
