// The motivating figure of SparOA (arXiv 2511.19457) for any model: its operators over sparsity and work, split into
// quadrants at the model's medians, which is where the static-threshold rule cuts.

import { slug } from '../../../base/files/slug.js';
import { median } from '../../../base/statistics/quantile.js';
import type { Unit } from '../../../models/graph.js';
import type { Inspection } from '../../../models/inspect.js';
import { type Figure, writeFigure } from './figure.js';
import { shortName } from './labels.js';
import { ink, opClassMarks } from './palette.js';

export type QuadrantData = Pick<Inspection, 'model' | 'modelHash' | 'granularity' | 'randomWeights' | 'units'>;

/** Writes the figure as SVG and PNG under the model's name; returns the paths. */
export async function writeQuadrantFigure(folder: string, inspection: QuadrantData): Promise<readonly string[]> {
  const name = slug(shortName(inspection.model));
  return (await writeFigure(folder, `quadrants-${name}-${inspection.granularity}`, quadrantFigure(inspection))).paths;
}

/** 278900 -> "279 k". */
function compact(value: number): string {
  const power = value < 1 ? 0 : Math.min(4, Math.floor(Math.log10(value) / 3));
  return `${Number((value / 1000 ** power).toPrecision(3))} ${['', 'k', 'M', 'G', 'T'][power]}`;
}

/** Units that were not measured count as dense, as the static-threshold rule takes them. */
const sparsityOf = (unit: Unit) => unit.activationSparsity ?? 0;

export function quadrantFigure({ model, modelHash, granularity, randomWeights, units }: QuadrantData): Figure {
  const medianFlops = median(units.map(({ flops }) => flops));
  const medianSparsity = median(units.map(sparsityOf));
  // A logarithmic axis cannot show the zero FLOPs of a reshape.
  const drawn = units.filter(({ flops }) => flops > 0);
  const values = drawn.map((unit) => ({ sparsity: sparsityOf(unit), flops: unit.flops, opClass: unit.opClass }));
  const classes = Object.entries(opClassMarks).filter(([name]) => values.some(({ opClass }) => opClass === name));
  const unmeasured = units.filter(({ activationSparsity }) => activationSparsity === null).length;
  const low = 10 ** Math.floor(Math.log10(Math.min(...drawn.map(({ flops }) => flops), medianFlops || 1)) - 0.05);
  const high = 10 ** Math.ceil(Math.log10(Math.max(...drawn.map(({ flops }) => flops), 10)) + 0.05);
  const x = {
    field: 'sparsity',
    type: 'quantitative',
    title: 'activation sparsity (fraction of zeros in the inputs)',
    scale: { domain: [0, 1] as [number, number], padding: 8 },
    axis: { tickCount: 5, grid: false },
  } as const;
  const y = {
    field: 'flops',
    type: 'quantitative',
    title: 'work, FLOPs',
    scale: { type: 'log', domain: [low, high] as [number, number] },
    axis: { format: '~s', grid: false, tickCount: 8 },
  } as const;
  const legend = { title: 'operator class', offset: 70 };
  const domain = classes.map(([name]) => name);
  // Outside the frame: with a median of zero the dense side is a line, and there is no room for a word in it.
  const side = (text: string, align: 'left' | 'right', dx: number, dy: number, encoding: object) => ({
    data: { values: [{ sparsity: medianSparsity, flops: medianFlops }] },
    mark: { type: 'text' as const, text, align, dx, dy, fontSize: 12, color: ink.muted },
    encoding,
  });
  const top = { x, y: { value: 0 } };
  const right = { y, x: { value: 'width' } };
  const rule = { type: 'rule' as const, color: '#444444', strokeDash: [5, 4] };
  return {
    caption: `Operators of ${shortName(model)} by activation sparsity and work, split into quadrants at the medians.`,
    spec: {
      title: {
        text: `Operators of ${shortName(model)}: sparsity and work`,
        subtitle: [
          ...(randomWeights ? ['random weights: activation sparsity is a property of the initialiser'] : []),
          `measured on the model ${modelHash}; no device profile involved`,
          [
            `${units.length} units (${granularity})`,
            `medians: sparsity ${medianSparsity.toFixed(2)}, ${compact(medianFlops)}FLOPs`,
            ...(drawn.length < units.length ? [`${units.length - drawn.length} without FLOPs not drawn`] : []),
            ...(unmeasured > 0 ? [`${unmeasured} not measured, drawn as dense`] : []),
          ].join('; '),
        ],
      },
      width: 560,
      height: 380,
      layer: [
        { data: { values: [{ sparsity: medianSparsity }] }, mark: rule, encoding: { x } },
        ...(medianFlops > 0 ? [{ data: { values: [{ flops: medianFlops }] }, mark: rule, encoding: { y } }] : []),
        {
          data: { values },
          mark: { type: 'point', filled: true, size: 60, opacity: 0.72 },
          encoding: {
            x,
            y,
            color: {
              field: 'opClass',
              type: 'nominal',
              legend,
              scale: { domain, range: classes.map(([, { color }]) => color) },
            },
            shape: {
              field: 'opClass',
              type: 'nominal',
              legend,
              scale: { domain, range: classes.map(([, { shape }]) => shape) },
            },
          },
        },
        side('← dense', 'right', -4, -17, top),
        side('sparse →', 'left', 4, -17, top),
        ...(medianFlops > 0 ? [side('↑ heavy', 'left', 6, -9, right), side('↓ light', 'left', 6, 9, right)] : []),
      ],
    },
  };
}
