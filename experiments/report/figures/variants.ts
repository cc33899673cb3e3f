// An ablation as a forest plot: for each scheduler that learns, how much each variant differs from the first one.
import type { SummaryRow } from '../../results/summary.js';
import type { Figure } from './figure.js';
import { shortNames } from './labels.js';
import { ink } from './palette.js';

/** @param rows of the objective, all variants; those without a difference are left out */
export function variantsFigure(rows: readonly SummaryRow[], reference: string): Figure {
  const compared = rows.filter(({ differencePercent }) => differencePercent !== null);
  const models = shortNames(compared.map(({ model }) => model));
  const values = compared.map((row) => ({
    variant: row.variant,
    cell: `${row.scheduler}, ${models.get(row.model)}`,
    difference: row.differencePercent!,
    low: row.differencePercentLow ?? row.differencePercent!,
    high: row.differencePercentHigh ?? row.differencePercent!,
  }));
  const { metric, kind } = compared[0]!;
  const y = { field: 'variant', type: 'nominal', sort: null, title: null } as const;
  const x = { type: 'quantitative', title: `${metric} against the variant "${reference}", %` } as const;
  return {
    caption: `Variants against "${reference}", ${kind}: difference in ${metric}, seeds paired; right of 0 is worse.`,
    spec: {
      title: {
        text: `Variants against "${reference}"`,
        subtitle: [`${kind}; mean of paired differences, whiskers: 95 % bootstrap interval; right of 0 is worse`],
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
