// Predicted against measured latency of whole models that a predictor did not see: on the line it is right.
import type { Figure } from '../../report/figures/figure.js';
import { shortName } from '../../report/figures/labels.js';
import { ink, okabeIto } from '../../report/figures/palette.js';

export interface HeldOutPoint {
  readonly mode: string;
  readonly device: 0 | 1;
  readonly model: string;
  readonly heldOut: 'calibration' | 'fold';
  readonly measuredMs: number;
  readonly predictedMs: number;
}

const groups = {
  fold: { label: 'left out of its fold', color: okabeIto.sky },
  calibration: { label: 'never measured for the fit', color: okabeIto.vermilion },
} as const;

export function heldOutFigure(points: readonly HeldOutPoint[], provenance: readonly string[]): Figure {
  const all = points.flatMap(({ measuredMs, predictedMs }) => [measuredMs, predictedMs]);
  const domain = [Math.min(...all) / 1.3, Math.max(...all) * 1.3] as [number, number];
  const values = points.map((point) => ({
    ...point,
    model: shortName(point.model),
    group: groups[point.heldOut].label,
    panel: point.mode === 'units' ? 'unit by unit' : 'in one session',
  }));
  const axis = (field: string, title: string) =>
    ({
      field,
      type: 'quantitative',
      title,
      scale: { type: 'log', domain },
      axis: { grid: true, tickCount: 5 },
    }) as const;
  const x = axis('measuredMs', 'measured, ms');
  const y = axis('predictedMs', 'predicted, ms');
  const legend = Object.values(groups);
  const panels = [...new Set(values.map(({ panel }) => panel))];
  return {
    caption: 'Predicted against measured latency of models that the predictor was not fitted to.',
    spec: {
      title: { text: 'Models left out of the calibration', subtitle: [...provenance] },
      hconcat: panels.map((panel) => ({
        title: panel,
        width: 320,
        height: 320,
        layer: [
          {
            data: { values: domain.map((ms) => ({ measuredMs: ms, predictedMs: ms })) },
            mark: { type: 'line', color: ink.muted, strokeDash: [5, 4] },
            encoding: { x, y },
          },
          {
            data: { values: values.filter((value) => value.panel === panel) },
            mark: { type: 'point', filled: true, size: 55, opacity: 0.75 },
            encoding: {
              x,
              y,
              color: {
                field: 'group',
                type: 'nominal',
                title: null,
                legend: { orient: 'bottom' },
                scale: { domain: legend.map(({ label }) => label), range: legend.map(({ color }) => color) },
              },
            },
          },
        ],
      })),
    },
  };
}
