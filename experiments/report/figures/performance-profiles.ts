// Performance profiles: for each scheduler the fraction of its runs, over all cells, whose score is larger than a threshold.
import { type AggregateRow, profileThresholds } from '../../results/aggregate-rows.js';
import type { LatencyRow } from '../../results/rows.js';
import { type Figure, provenanceLines, provenanceOf } from './figure.js';
import { orderedSchedulers, schedulerStyle } from './palette.js';

/** @param rows where the scores are from */
export function performanceProfilesFigure(
  aggregates: readonly AggregateRow[],
  rows: readonly Pick<LatencyRow, 'kind' | 'profileHash'>[],
): Figure {
  const values = aggregates.flatMap(({ aggregate, variant, env, scheduler, cells, value, low, high }) => {
    const threshold = profileThresholds.find((each) => aggregate === `above:${each}`);
    const panel = `${[variant, env].filter(Boolean).join(', ')}: ${cells} cells`;
    return threshold === undefined
      ? []
      : [{ panel, scheduler, threshold, value, low: low ?? value, high: high ?? value }];
  });
  const schedulers = orderedSchedulers([...new Set(values.map(({ scheduler }) => scheduler))]);
  const styles = schedulers.map(schedulerStyle);
  const x = { field: 'threshold', type: 'quantitative', title: 'score: bound / objective', scale: { zero: false } } as const; // biome-ignore format: a line
  const color = {
    field: 'scheduler',
    type: 'nominal',
    scale: { domain: schedulers, range: styles.map((style) => style.color) },
    legend: { title: null, symbolType: 'stroke', symbolOpacity: 1 },
  } as const;
  const runs = { title: 'fraction of runs above', scale: { domain: [0, 1] } };
  return {
    caption: 'Performance profiles: the fraction of runs, over all cells, whose score is above each threshold.',
    spec: {
      title: {
        text: 'Performance profiles',
        subtitle: ['95 % stratified bootstrap bands', ...provenanceLines(provenanceOf(rows))],
      },
      data: { values },
      facet: { field: 'panel', type: 'nominal', title: null },
      columns: 2,
      spec: {
        width: 360,
        height: 240,
        layer: [
          {
            mark: { type: 'area', opacity: 0.15 },
            encoding: { x, y: { field: 'low', type: 'quantitative', ...runs }, y2: { field: 'high' }, color },
          },
          { mark: { type: 'line' }, encoding: { x, y: { field: 'value', type: 'quantitative', ...runs }, color } },
        ],
      },
    },
  };
}
