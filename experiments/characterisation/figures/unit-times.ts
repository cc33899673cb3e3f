// Each unit's latency on one device against the other: which operators a device is for. On the line both take as long.
import type { OpClass } from '../../../models/graph.js';
import type { Figure } from '../../report/figures/figure.js';
import { ink, opClassMarks } from '../../report/figures/palette.js';

export interface UnitTimesPoint {
  readonly opClass: OpClass;
  readonly firstMs: number;
  readonly secondMs: number;
}

export interface UnitTimesData {
  /** Short, for titles. */
  readonly model: string;
  readonly devices: readonly [string, string];
  readonly points: readonly UnitTimesPoint[];
  /** Where, when and how it was measured. */
  readonly provenance: readonly string[];
}

export function unitTimesFigure({ model, devices, points, provenance }: UnitTimesData): Figure {
  const values = points.map((point) => ({ ...point }));
  const all = points.flatMap(({ firstMs, secondMs }) => [firstMs, secondMs]);
  const domain = [Math.min(...all) / 1.3, Math.max(...all) * 1.3] as [number, number];
  const classes = Object.entries(opClassMarks).filter(([name]) => points.some(({ opClass }) => opClass === name));
  const axis = (field: string, device: string) =>
    ({
      field,
      type: 'quantitative',
      title: `latency on ${device}, ms`,
      scale: { type: 'log', domain },
      axis: { grid: true, tickCount: 6 },
    }) as const;
  const legend = { title: 'operator class' };
  const names = classes.map(([name]) => name);
  return {
    caption: `Latency of each unit of ${model} on ${devices[1]} against ${devices[0]}, measured.`,
    spec: {
      title: { text: `Units of ${model}: ${devices[1]} against ${devices[0]}`, subtitle: [...provenance] },
      width: 420,
      height: 420,
      layer: [
        {
          data: { values: domain.map((ms) => ({ firstMs: ms, secondMs: ms })) },
          mark: { type: 'line', color: ink.muted, strokeDash: [5, 4] },
          encoding: { x: axis('firstMs', devices[0]), y: axis('secondMs', devices[1]) },
        },
        {
          data: { values },
          mark: { type: 'point', filled: true, size: 60, opacity: 0.72 },
          encoding: {
            x: axis('firstMs', devices[0]),
            y: axis('secondMs', devices[1]),
            color: {
              field: 'opClass',
              type: 'nominal',
              legend,
              scale: { domain: names, range: classes.map(([, { color }]) => color) },
            },
            shape: {
              field: 'opClass',
              type: 'nominal',
              legend,
              scale: { domain: names, range: classes.map(([, { shape }]) => shape) },
            },
          },
        },
      ],
    },
  };
}
