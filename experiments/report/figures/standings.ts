// Schedulers over all cells of a run: the geometric mean of their latency over the best, a panel for each launch mode and
// variant, and the maximum as a tick.

import type { LatencyRow } from '../../results/rows.js';
import type { Standing } from '../standings.js';
import { type Figure, provenanceLines, provenanceOf } from './figure.js';
import { ink, schedulerStyle } from './palette.js';

/** The axis ends here: a random schedule far slower would flatten the differences that matter. */
const longestBarPercent = 100;

/**
 * @param all of at least one group; schedulers that have not all cells of a group have no bar there
 * @param rows that they were made of
 */
export function standingsFigure(all: readonly Standing[], rows: readonly LatencyRow[]): Figure {
  const shown = all.flatMap(({ room, meanPercent, ...row }) =>
    room === 'all' && meanPercent !== null ? [{ ...row, meanPercent }] : [],
  );
  const values = shown.map(({ variant, env, launch, scheduler, cells, meanPercent, wins }) => ({
    panel: `${[variant, env, launch && `launch=${launch}`].filter(Boolean).join(', ')}: ${cells} cells`,
    scheduler,
    mean: Math.min(meanPercent, longestBarPercent),
    label: `${meanPercent.toFixed(1)} %${meanPercent > longestBarPercent ? ' (cut)' : ''}, wins ${wins}`,
  }));
  // The same order in all panels: by the mean over them.
  const totals = new Map<string, number>();
  for (const { scheduler, meanPercent } of shown)
    totals.set(scheduler, (totals.get(scheduler) ?? 0) + Math.log1p(meanPercent / 100));
  const panelsOf = (name: string) => shown.filter(({ scheduler }) => scheduler === name).length;
  const names = [...totals.keys()].sort((a, b) => totals.get(a)! / panelsOf(a) - totals.get(b)! / panelsOf(b));
  const y = { field: 'scheduler', type: 'nominal', sort: names, title: null, axis: { ticks: false, domain: false } } as const; // biome-ignore format: a line
  const x = { field: 'mean', type: 'quantitative', title: 'over the best of each cell, geometric mean, %' } as const;
  return {
    caption:
      'Every scheduler over all cells: geometric mean of its latency over the best of each cell, and cells it wins.',
    spec: {
      title: {
        text: 'All schedulers',
        subtitle: [
          'over the bound, or where nothing is proved over the best of the cell',
          ...provenanceLines(provenanceOf(rows)),
        ],
      },
      data: { values },
      facet: { field: 'panel', type: 'nominal', title: null, sort: [...new Set(values.map(({ panel }) => panel))] },
      columns: 2,
      resolve: { scale: { y: 'independent' } },
      spec: {
        width: 300,
        height: { step: 20 },
        layer: [
          {
            mark: { type: 'bar', height: { band: 0.7 } },
            encoding: {
              y,
              x,
              color: {
                field: 'scheduler',
                type: 'nominal',
                scale: { domain: names, range: names.map((name) => schedulerStyle(name).color) },
                legend: null,
              },
            },
          },
          {
            mark: { type: 'text', align: 'left', dx: 5, fontSize: 10, color: ink.text },
            encoding: { y, x, text: { field: 'label' } },
          },
        ],
      },
    },
  };
}
