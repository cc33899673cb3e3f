// Time of a layer with zeros, or without some of its channels, over its time without: what sparsity pays, and what it does not.
import type { OpClass } from '../../../models/graph.js';
import type { Figure } from '../../report/figures/figure.js';
import { ink, opClassMarks } from '../../report/figures/palette.js';

export interface SparsityPoint {
  readonly device: 0 | 1;
  readonly opClass: OpClass;
  readonly layer: string;
  readonly zeros: 'weights' | 'activations' | 'channels';
  readonly fraction: number;
  /** Time without zeros over the time with them. */
  readonly gain: number;
  readonly gainLow: number;
  readonly gainHigh: number;
}

const panels = {
  weights: 'zeros in the weights',
  activations: 'zeros in the activations',
  channels: 'channels removed',
} as const;

export function sparsityFigure(points: readonly SparsityPoint[], provenance: readonly string[]): Figure {
  const most = Math.max(1.5, ...points.map(({ gain }) => 1 / gain));
  const values = points.map(({ gain, gainLow, gainHigh, ...point }) => ({
    ...point,
    line: `${point.layer}/${point.device}`,
    time: 1 / gain,
    // Intervals of few samples are wide, and one that reaches far beyond the figure makes the renderer panic.
    low: Math.min(most, 1 / gainHigh),
    high: Math.min(most, 1 / gainLow),
  }));
  const classes = Object.entries(opClassMarks).filter(([name]) => points.some(({ opClass }) => opClass === name));
  const domain = [0, most] as [number, number];
  const color = {
    field: 'opClass',
    type: 'nominal',
    title: 'operator class',
    scale: { domain: classes.map(([name]) => name), range: classes.map(([, mark]) => mark.color) },
  } as const;
  const detail = { field: 'line', type: 'nominal' } as const;
  const shown = (Object.keys(panels) as (keyof typeof panels)[]).filter((kind) =>
    points.some(({ zeros }) => zeros === kind),
  );
  return {
    caption: 'Time of layers with zeros, or with channels removed, relative to the same layers without.',
    spec: {
      title: {
        text: 'What zeros are worth',
        subtitle: [...provenance, 'bars: 95 % intervals of the ratio of medians'],
      },
      hconcat: shown.map((kind) => {
        const data = { values: values.filter(({ zeros }) => zeros === kind) };
        const x = { field: 'fraction', type: 'quantitative', title: panels[kind], scale: { domain: [0, 1] } } as const;
        return {
          width: 230,
          height: 280,
          layer: [
            {
              data: { values: [{ from: 1 }] },
              mark: { type: 'rule', color: ink.muted, strokeDash: [5, 4] },
              encoding: { y: { field: 'from', type: 'quantitative', title: 'relative time', scale: { domain } } },
            },
            {
              data,
              mark: { type: 'rule', opacity: 0.4 },
              encoding: {
                x,
                y: { field: 'low', type: 'quantitative', title: 'relative time', scale: { domain } },
                y2: { field: 'high' },
                color,
              },
            },
            {
              data,
              mark: { type: 'line', point: true, opacity: 0.75 },
              encoding: {
                x,
                y: { field: 'time', type: 'quantitative', title: 'relative time', scale: { domain } },
                color,
                detail,
              },
            },
          ],
        };
      }),
    },
  } as Figure;
}
