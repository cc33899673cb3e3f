// How far each scheduler stays above the bound, or above the best schedule of the cell: a bar each, with its interval.
import type { SummaryRow } from '../../results/summary.js';
import type { Figure } from './figure.js';
import { shortName } from './labels.js';
import { schedulerStyle } from './palette.js';

/** @param rows of the metric gapPercent, of one variant and cell, the best first */
export function gapFigure(rows: readonly SummaryRow[], to: string): Figure {
  const names = rows.map(({ scheduler }) => scheduler);
  const { n, profileHash, env, kind, model, profile } = rows[0]!;
  const y = {
    field: 'scheduler',
    type: 'nominal',
    sort: names,
    title: null,
    axis: { ticks: false, domain: false },
  } as const;
  const x = { type: 'quantitative', title: `over the ${to}, %` } as const;
  const values = rows.map(({ scheduler, iqm, low, high }) => ({
    scheduler,
    gap: iqm,
    low: low ?? iqm,
    high: high ?? iqm,
    label: `${iqm.toFixed(1)} %`,
  }));
  const where = `${model.split(';').map(shortName).join(' and ')} on ${shortName(profile)}`;
  return {
    caption: `${env}: how far each scheduler is over the ${to}, ${where}.`,
    spec: {
      title: {
        text: `${env}, ${where}`,
        subtitle: [
          `interquartile mean of ${n} value${n === 1 ? '' : 's'}, whiskers: 95 % bootstrap interval`,
          `${kind}, profiles ${profileHash.split(';').join(', ')}`,
        ],
      },
      data: { values },
      width: 420,
      height: { step: 26 },
      layer: [
        {
          mark: { type: 'bar', height: { band: 0.7 } },
          encoding: {
            y,
            x: { ...x, field: 'gap' },
            color: {
              field: 'scheduler',
              type: 'nominal',
              scale: { domain: names, range: names.map((name) => schedulerStyle(name).color) },
              legend: null,
            },
          },
        },
        { mark: { type: 'rule', strokeWidth: 1.6 }, encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' } } },
        {
          mark: { type: 'text', align: 'left', dx: 6, fontSize: 11 },
          encoding: { y, x: { ...x, field: 'high' }, text: { field: 'label' } },
        },
      ],
    },
  };
}
