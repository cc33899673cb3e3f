// Learning curves: ${metric} of the deterministic policy during training, with lines for schedulers that do not learn.
import { InputError } from '../../../base/errors/input-error.js';
import { Rng } from '../../../base/random/rng.js';
import { median } from '../../../base/statistics/quantile.js';
import type { CurvePoint } from '../../job-files.js';
import type { LatencyRow } from '../../results/rows.js';
import { groupBy } from '../../results/summary.js';
import { bootstrapInterval } from '../../statistics/statistics.js';
import { type Figure, provenanceLines, provenanceOf } from './figure.js';
import { shortNames } from './labels.js';
import { orderedSchedulers, schedulerStyle } from './palette.js';

export interface LearningCurvesData {
  /** Of one metric. */
  readonly points: readonly CurvePoint[];
  /** Of the same cells: reference lines and provenance; empty where an episode is no single inference. */
  readonly rows: readonly LatencyRow[];
}

/** Schedulers drawn as horizontal lines. */
const references: readonly string[] = ['cpu-only', 'gpu-only', 'greedy', 'optimum'];

export interface BandPoint {
  readonly panel: string;
  readonly scheduler: string;
  readonly step: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Median over seeds with its 95 % bootstrap interval, per model, learner and step. */
export function curveBands(points: readonly CurvePoint[]): BandPoint[] {
  const panelOf = panelsOf(points);
  const groups = groupBy(points, ({ model, profile, scheduler, step }) =>
    JSON.stringify([model, profile, scheduler, step]),
  );
  return [...groups.values()].map((group) => {
    const { model, profile, scheduler, step } = group[0]!;
    const values = group.map(({ value }) => value);
    const rng = Rng.of(0, 'learning-curves', model, profile, scheduler, step);
    return {
      panel: panelOf(group[0]!),
      scheduler,
      step,
      value: median(values),
      ...bootstrapInterval(values, rng),
    };
  });
}

/** Names of cells; the profile stands there only where it differs. */
function panelsOf(points: readonly CurvePoint[]): (cell: Pick<CurvePoint, 'model' | 'profile'>) => string {
  const models = shortNames(points.flatMap(({ model }) => model.split(';')));
  const profiles = shortNames(points.map(({ profile }) => profile));
  return ({ model, profile }) => {
    const name = model
      .split(';')
      .map((each) => models.get(each) ?? each)
      .join(' and ');
    return profiles.size === 1 ? name : `${name} on ${profiles.get(profile) ?? profile}`;
  };
}

export function learningCurvesFigure({ points, rows }: LearningCurvesData): Figure {
  if (points.length === 0) {
    throw new InputError('learning curves: there is no point to draw.', 'Train at least one learner.');
  }
  const bands = curveBands(points);
  const panelOf = panelsOf(points);
  const cells = new Set(points.map(({ model, profile }) => JSON.stringify([model, profile])));
  const drawnRows = rows.filter(({ model, profile }) => cells.has(JSON.stringify([model, profile])));
  const lines = drawnRows
    .filter((row) => references.includes(row.scheduler))
    // Where greedy is optimal its dashes lie on the optimum's solid line, not under it.
    .sort((a, b) => Number(b.scheduler === 'optimum') - Number(a.scheduler === 'optimum'))
    .map((row) => ({ panel: panelOf(row), scheduler: row.scheduler, value: row.latencyMs }));
  const seeds = new Set(points.map(({ seed }) => seed)).size;
  const panels = [...new Set(points.map(panelOf))];
  const metric = points[0]!.metric.replace(/Ms$/, ', ms');
  const schedulers = orderedSchedulers([...bands, ...lines].map(({ scheduler }) => scheduler));
  const styles = schedulers.map(schedulerStyle);
  const color = {
    field: 'scheduler',
    type: 'nominal',
    scale: { domain: schedulers, range: styles.map((style) => style.color) },
    legend: {
      title: null,
      orient: 'bottom',
      symbolType: 'stroke',
      symbolOpacity: 1,
      symbolSize: 500,
      symbolStrokeWidth: 2.5,
      offset: 24,
      columns: 6,
    },
  } as const;
  const strokeDash = {
    field: 'scheduler',
    type: 'nominal',
    scale: { domain: schedulers, range: styles.map(({ dash }) => [...dash]) },
  } as const;
  const x = {
    field: 'step',
    type: 'quantitative',
    title: 'environment steps',
    // The axis starts at zero, so that late starts and short runs are visible.
    scale: { domain: [0, Math.max(...bands.map(({ step }) => step))] as [number, number], nice: false },
    axis: { labelExpr: "format(datum.value, '~s')", tickCount: 6 },
  } as const;
  const y = { type: 'quantitative', title: metric, scale: { zero: false } } as const;
  return {
    caption: `Learning curves: ${metric} of the deterministic policy against environment steps, ${panels.join('; ')}.`,
    spec: {
      title: {
        text: 'Learning curves',
        subtitle: [
          `median over ${seeds} ${seeds === 1 ? 'seed' : 'seeds, band: 95 % bootstrap interval of the median'}`,
          ...provenanceLines(provenanceOf(drawnRows)),
        ],
      },
      // One table for curves and lines: Vega-Lite does not facet a layer that brings data of its own.
      data: { values: [...bands, ...lines.map((line) => ({ ...line, step: null }))] },
      facet: { field: 'panel', type: 'nominal', sort: panels, title: null },
      columns: Math.min(3, panels.length),
      // By the plots alone: otherwise a tick label that sticks out would shift its panel's title.
      bounds: 'flush',
      spacing: { row: 90, column: 75 },
      spec: {
        width: 330,
        height: 220,
        layer: [
          {
            transform: [{ filter: 'datum.step !== null' }],
            mark: { type: 'area', opacity: 1, fillOpacity: 0.22 },
            encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
          },
          {
            transform: [{ filter: 'datum.step === null' }],
            mark: { type: 'rule', strokeWidth: 1.6 },
            encoding: { y: { ...y, field: 'value' }, color, strokeDash },
          },
          {
            transform: [{ filter: 'datum.step !== null' }],
            mark: { type: 'line', strokeWidth: 2.2 },
            encoding: { x, y: { ...y, field: 'value' }, color, strokeDash },
          },
        ],
      },
      resolve: { scale: { y: 'independent' } },
    },
  };
}
