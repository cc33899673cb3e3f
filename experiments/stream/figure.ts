// How far each scheduler stays above the clairvoyant bound.
import type { Figure } from '../report/figures/figure.js';
import { schedulerStyle } from '../report/figures/palette.js';
import type { StreamRow } from './summary.js';

export function streamGapFigure(rows: readonly StreamRow[]): Figure {
  const names = rows.map(({ scheduler }) => scheduler);
  const { seeds, profileHash } = rows[0]!;
  const y = {
    field: 'scheduler',
    type: 'nominal',
    sort: names,
    title: null,
    axis: { ticks: false, domain: false },
  } as const;
  const x = { type: 'quantitative', title: 'time in the system over the clairvoyant bound, %' } as const;
  const values = rows.map(({ scheduler, gapPercent, gapPercentLow, gapPercentHigh }) => ({
    scheduler,
    gap: gapPercent,
    low: gapPercentLow,
    high: gapPercentHigh,
    label: `${gapPercent.toFixed(1)} %`,
  }));
  return {
    caption:
      'Streams: how much longer requests stay than the clairvoyant bound, by scheduler; decision time is charged, but to rows that say otherwise.',
    spec: {
      title: {
        text: 'Streams of inferences',
        subtitle: [
          `median over ${seeds} streams, whiskers: 95 % bootstrap interval; decision time charged unless the name says otherwise`,
          `simulated, profiles ${profileHash.split(';').join(', ')}`,
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
