// Held-out errors of every kind of predictor on every device of the public data, side by side.
import type { PredictorKind } from '../../../predictor/latency/predictor.js';
import type { Figure } from '../../report/figures/figure.js';
import { okabeIto } from '../../report/figures/palette.js';

export interface PredictorErrors {
  readonly dataset: string;
  readonly device: string;
  readonly predictor: PredictorKind;
  readonly unitMedianPercent: number;
  readonly sumMedianPercent: number;
  readonly networkMedianPercent: number | null;
}

const marks: Readonly<Record<PredictorKind, { readonly color: string; readonly shape: string }>> = {
  'boosted-trees': { color: okabeIto.vermilion, shape: 'circle' },
  roofline: { color: okabeIto.blue, shape: 'square' },
  'linear-flops': { color: okabeIto.orange, shape: 'triangle-up' },
};

const panels = {
  unitMedianPercent: 'units by themselves',
  sumMedianPercent: 'sum of a model’s units',
  networkMedianPercent: 'whole networks',
} as const;

export function predictorErrorsFigure(rows: readonly PredictorErrors[], provenance: readonly string[]): Figure {
  const labelled = rows.map((row) => ({ ...row, label: `${row.dataset} · ${row.device}` }));
  const devices = [...new Set(labelled.map(({ label }) => label))];
  const shown = (Object.keys(panels) as (keyof typeof panels)[]).filter((quantity) =>
    rows.some((row) => row[quantity] !== null),
  );
  const points = (quantity: keyof typeof panels) =>
    labelled.flatMap(({ label, predictor, [quantity]: percent }) =>
      percent === null ? [] : [{ device: label, predictor, quantity, percent }],
    );
  const predictors = Object.keys(marks) as PredictorKind[];
  const byPredictor = (range: string[]) =>
    ({
      field: 'predictor',
      type: 'nominal',
      title: null,
      scale: { domain: predictors, range },
      legend: { orient: 'bottom' },
    }) as const;
  return {
    caption: 'Median errors of latency predictors on models that they were not fitted to.',
    spec: {
      title: { text: 'Predictors on models left out', subtitle: [...provenance, 'median error; smaller is better'] },
      hconcat: shown.map((quantity, index) => ({
        title: panels[quantity],
        width: 220,
        height: 24 * devices.length,
        data: { values: points(quantity) },
        mark: { type: 'point', filled: true, size: 80, opacity: 0.85 },
        encoding: {
          x: { field: 'percent', type: 'quantitative', title: 'error, %', scale: { zero: true } },
          y: {
            field: 'device',
            type: 'nominal',
            title: null,
            scale: { domain: devices },
            axis: { grid: true, labels: index === 0 },
          },
          color: byPredictor(predictors.map((kind) => marks[kind].color)),
          shape: byPredictor(predictors.map((kind) => marks[kind].shape)),
        },
      })),
    },
  };
}
