// Simulated against measured latencies of schedules: on the line the simulator is right.
import type { Figure } from '../../report/figures/figure.js';
import { ink, okabeIto } from '../../report/figures/palette.js';

export interface ScheduleTimesData {
  readonly points: readonly { readonly model: string; readonly simulatedMs: number; readonly measuredMs: number }[];
  /** Where, when and how it was measured. */
  readonly provenance: readonly string[];
}

const colors = [okabeIto.blue, okabeIto.vermilion, okabeIto.green, okabeIto.purple, okabeIto.orange, okabeIto.black];
const shapes = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down', 'triangle-right'];

export function scheduleTimesFigure({ points, provenance }: ScheduleTimesData): Figure {
  const models = [...new Set(points.map(({ model }) => model))];
  const all = points.flatMap(({ simulatedMs, measuredMs }) => [simulatedMs, measuredMs]);
  const domain = [Math.min(...all) / 1.2, Math.max(...all) * 1.2] as [number, number];
  const axis = (field: string, title: string) =>
    ({
      field,
      type: 'quantitative',
      title,
      scale: { type: 'log', domain },
      axis: { grid: true, tickCount: 6 },
    }) as const;
  const [x, y] = [axis('measuredMs', 'measured, ms'), axis('simulatedMs', 'simulated, ms')];
  const byModel = (range: readonly string[]) => ({
    field: 'model',
    type: 'nominal' as const,
    legend: { title: 'model' },
    scale: { domain: models, range: models.map((_, at) => range[at % range.length]!) },
  });
  return {
    caption: `Simulated against measured latency of ${points.length} schedules of ${models.join(', ')}.`,
    spec: {
      title: { text: 'Schedules: simulated against measured', subtitle: [...provenance] },
      width: 420,
      height: 420,
      layer: [
        {
          data: { values: domain.map((ms) => ({ measuredMs: ms, simulatedMs: ms })) },
          mark: { type: 'line', color: ink.muted, strokeDash: [5, 4] },
          encoding: { x, y },
        },
        {
          data: { values: points.map((point) => ({ ...point })) },
          mark: { type: 'point', filled: true, size: 50, opacity: 0.6 },
          encoding: { x, y, color: byModel(colors), shape: byModel(shapes) },
        },
      ],
    },
  };
}
