// The summary of a run as Markdown: in each cell the schedulers by their objective, the best first, and what each variant
// changes.
import { markdownCode, markdownRow, markdownText } from '../../base/files/markdown.js';
import { byRank, groupBy, type SummaryRow } from '../results/summary.js';
import { objectiveOf } from '../tasks/registry.js';
import { cornerNote, isCorner } from './corner.js';
import { shortName } from './figures/labels.js';
import { formatMs } from './tables.js';

/** The rows of one variant and cell, of the objective and of the gap, by scheduler, the best first. */
export interface RankedCell {
  readonly objective: readonly SummaryRow[];
  readonly gap: readonly SummaryRow[];
}

export function rankedCells(rows: readonly SummaryRow[]): RankedCell[] {
  const cells = groupBy(rows, ({ variant, env, model, profile }) => JSON.stringify([variant, env, model, profile]));
  return [...cells.values()].flatMap((own) => {
    const objective = own.filter(({ env, metric }) => metric === objectiveOf(env)).sort(byRank);
    const gap = objective.flatMap(({ scheduler }) =>
      own.filter((row) => row.metric === 'gapPercent' && row.scheduler === scheduler),
    );
    return objective.length === 0 ? [] : [{ objective, gap }];
  });
}

/** @param gapTo the name of the reference of a cell's gaps */
export function summaryMarkdown(cells: readonly RankedCell[], gapTo: (cell: RankedCell) => string): string {
  return cells.map((cell) => section(cell, gapTo(cell))).join('\n');
}

function section(cell: RankedCell, to: string): string {
  const { model, profile } = cell.objective[0]!;
  const { title, provenance, header, body } = rankedTable(cell, to);
  const rule = header.map((_, i) => (i === 0 || i > 2 ? '---:' : '---'));
  return [
    `### ${markdownText(title)}`,
    '',
    ...(model === '' ? [] : [`${markdownCode(model)} on ${markdownCode(profile)}`, '']),
    `${provenance}.`,
    '',
    ...[header, rule, ...body].map(markdownRow),
    '',
  ].join('\n');
}

/** What a cell is called: its variant, environment, models and profile. */
export function titleOf({ objective }: RankedCell): string {
  const { variant, env, model, profile } = objective[0]!;
  const on = model === '' ? '' : `, ${model.split(';').map(shortName).join(' and ')} on ${shortName(profile)}`;
  return `${variant === '' ? '' : `${variant}: `}${env}${on}`;
}

/** A cell as texts, one row per scheduler. */
export function rankedTable(cell: RankedCell, to: string) {
  const { objective, gap } = cell;
  const { profile, profileHash, kind, weakestSource, execution, metric } = objective[0]!;
  const mostValues = Math.max(...objective.map(({ n }) => n));
  const compared = objective.some(({ differencePercent }) => differencePercent !== null);
  return {
    title: titleOf(cell),
    provenance: [
      kind,
      `profile ${profileHash.replaceAll(';', ', ')}`,
      ...(weakestSource === '' ? [] : [`weakest source: ${weakestSource}`]),
      `${execution} execution`,
      ...(isCorner(profile) ? [cornerNote] : []),
      mostValues === 1
        ? 'one value each'
        : `interquartile means of up to ${mostValues} values with 95 % bootstrap intervals`,
    ].join('; '),
    header: [
      '',
      'scheduler',
      'decision',
      metric.replace(/Ms$/, ', ms'),
      `over the ${to}, %`,
      'behind the row above, %',
      ...(compared ? ['against the first variant, %'] : []),
    ],
    body: objective.map((row, i) => {
      const over = gap[i];
      return [
        String(i + 1),
        row.scheduler,
        row.decision,
        between(row.iqm, row.low, row.high, formatMs),
        over ? between(over.iqm, over.low, over.high, percent) : '-',
        percentText(row.behindPercent, row.behindPercentLow, row.behindPercentHigh),
        ...(compared ? [percentText(row.differencePercent, row.differencePercentLow, row.differencePercentHigh)] : []),
      ];
    }),
  };
}

export const percent = (value: number): string => value.toFixed(1).replace(/^-0\.0$/, '0.0');

function between(value: number, low: number | null, high: number | null, text: (value: number) => string): string {
  return low === null || high === null ? text(value) : `${text(value)} [${text(low)}, ${text(high)}]`;
}

function percentText(value: number | null, low: number | null, high: number | null): string {
  return value === null ? '-' : between(value, low, high, percent);
}
