// An ablation, or a comparison of runs, as a forest plot: how much each variant differs from the first one.
import { learnerNames } from '../../../agents/learners.js';
import type { SummaryRow } from '../../results/summary.js';
import { objectiveOf } from '../../tasks/registry.js';
import type { WrittenFigure } from './drawing.js';
import { type Figure, provenanceLines, provenanceOf, writeFigure } from './figure.js';
import { shortNames } from './labels.js';
import { ink } from './palette.js';

/**
 * Writes `variants.svg` and `.png`: what the variants change in the objective of each scheduler that learns, or of all where
 * none does. Nothing where nothing is compared.
 * @param reference the first variant
 */
export async function writeVariantsFigure(
  directory: string,
  summary: readonly SummaryRow[],
  reference: string,
): Promise<WrittenFigure[]> {
  const rows = summary.filter(
    ({ env, metric, differencePercent }) => differencePercent !== null && metric === objectiveOf(env),
  );
  const learned = rows.filter(({ scheduler }) => learnerNames().some((name) => scheduler.startsWith(name)));
  const drawn = learned.length > 0 ? learned : rows;
  return drawn.length === 0 ? [] : [await writeFigure(directory, 'variants', variantsFigure(drawn, reference))];
}

/** @param rows that have a difference */
function variantsFigure(rows: readonly SummaryRow[], reference: string): Figure {
  const cells = cellNames(rows);
  const values = rows.map((row, i) => ({
    variant: row.variant,
    cell: cells[i],
    difference: row.differencePercent!,
    low: row.differencePercentLow ?? row.differencePercent!,
    high: row.differencePercentHigh ?? row.differencePercent!,
  }));
  const all = (of: (row: SummaryRow) => string) => [...new Set(rows.map(of))].join(' and ');
  const [metric, kind] = [all((row) => row.metric), all((row) => row.kind)];
  const y = { field: 'variant', type: 'nominal', sort: null, title: null } as const;
  const x = { type: 'quantitative', title: `${metric} against the variant "${reference}", %` } as const;
  return {
    caption: `Variants against "${reference}", ${kind}: difference in ${metric}, seeds paired; right of 0 is worse.`,
    spec: {
      title: {
        text: `Variants against "${reference}"`,
        subtitle: [
          'mean of paired differences, whiskers: 95 % bootstrap interval; right of 0 is worse',
          ...provenanceLines(provenanceOf(rows)),
        ],
      },
      data: { values },
      facet: { row: { field: 'cell', type: 'nominal', title: null, header: { labelAngle: 0, labelAlign: 'left' } } },
      spec: {
        width: 420,
        height: { step: 22 },
        layer: [
          { mark: { type: 'rule', strokeDash: [3, 3], color: ink.muted }, encoding: { x: { datum: 0 } } },
          {
            mark: { type: 'rule', strokeWidth: 1.6 },
            encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' } },
          },
          {
            mark: { type: 'point', filled: true, size: 60, opacity: 1 },
            encoding: { y, x: { ...x, field: 'difference' } },
          },
        ],
      },
    },
  };
}

/** The rows' schedulers and models, and whatever else distinguishes the cells of one variant. */
function cellNames(rows: readonly SummaryRow[]): string[] {
  const models = shortNames(rows.flatMap(({ model }) => model.split(';')));
  const profiles = shortNames(rows.map(({ profile }) => profile));
  const several = (of: (row: SummaryRow) => string) =>
    rows.some((row) => rows.some((other) => other.variant === row.variant && of(other) !== of(row)));
  const [profilesDiffer, kindsDiffer, envsDiffer] = [
    several(({ profile }) => profile),
    several(({ kind }) => kind),
    several(({ env }) => env),
  ];
  return rows.map(({ scheduler, model, profile, kind, env }) =>
    [
      scheduler,
      ...(model === ''
        ? []
        : [
            model
              .split(';')
              .map((each) => models.get(each)!)
              .join(' and '),
          ]),
      ...(profilesDiffer && profile !== '' ? [profiles.get(profile)!] : []),
      ...(kindsDiffer ? [kind] : []),
      ...(envsDiffer ? [env] : []),
    ].join(', '),
  );
}
