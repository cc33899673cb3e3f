// A tornado: each uncertain number of a profile as a bar from the headroom at one end of its prior to that at the other, longest
// first. A number whose bar changes the verdict is drawn in another colour.
import type { Figure } from './figure.js';
import { ink, okabeIto } from './palette.js';

export interface TornadoData {
  /** Short, for titles. */
  readonly cell: string;
  readonly statedPercent: number;
  readonly bars: readonly {
    readonly number: string;
    readonly factor: number;
    readonly lowPercent: number;
    readonly highPercent: number;
    readonly decides: boolean;
  }[];
  readonly provenance: readonly string[];
}

export function tornadoFigure({ cell, statedPercent, bars, provenance }: TornadoData): Figure {
  const values = bars.map(({ number, factor, lowPercent, highPercent, decides }) => ({
    number: `${number} (/ and x ${factor})`,
    from: Math.min(lowPercent, highPercent, statedPercent),
    to: Math.max(lowPercent, highPercent, statedPercent),
    verdict: decides ? 'another scheduler wins' : 'the same scheduler wins',
  }));
  return {
    caption: `Headroom of ${cell} with one uncertain number at either end of its prior, simulated.`,
    spec: {
      title: { text: `Which constant decides: ${cell}`, subtitle: [...provenance] },
      width: 480,
      height: { step: 26 },
      data: { values },
      layer: [
        {
          mark: { type: 'bar', height: 16 },
          encoding: {
            y: { field: 'number', type: 'nominal', sort: null, title: null, axis: { labelLimit: 320 } },
            x: { field: 'from', type: 'quantitative', title: 'headroom, %', scale: { zero: false } },
            x2: { field: 'to' },
            color: {
              field: 'verdict',
              type: 'nominal',
              title: null,
              scale: {
                domain: ['another scheduler wins', 'the same scheduler wins'],
                range: [okabeIto.vermilion, okabeIto.sky],
              },
            },
          },
        },
        {
          data: { values: [{ stated: statedPercent }] },
          mark: { type: 'rule', color: ink.muted, strokeDash: [5, 4] },
          encoding: { x: { field: 'stated', type: 'quantitative' } },
        },
      ],
    },
  };
}
