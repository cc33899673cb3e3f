// Latency of every scheduler in every cell: bars relative to the better single device, so that cells can be compared,
// with the milliseconds beside them.
import type { LatencyRow } from '../../results/rows.js';
import { formatMs, type LatencyCell, latencyCells } from '../tables.js';
import { type Figure, provenanceLines, provenanceOf } from './figure.js';
import { ink, orderedSchedulers, schedulerStyle } from './palette.js';

export interface Bar {
  readonly panel: string;
  readonly scheduler: string;
  /** Latency in units of the better single device. */
  readonly relative: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly label: string;
}

/** The axis ends here: a random schedule four times slower would flatten the differences that matter. */
const longestBar = 2;

/** The profile stands in a panel's title only where it differs. */
function panelName({ modelName, profileName }: LatencyCell, profiles: number): string {
  return profiles === 1 ? modelName : `${modelName} on ${profileName}`;
}

/** Bars of the cells in which a single device was run; without one there is nothing to relate to. */
export function latencyBars(rows: readonly LatencyRow[]): Bar[] {
  const profiles = new Set(rows.map(({ profile }) => profile)).size;
  return latencyCells(rows).flatMap((cell) => {
    const { bestSingle } = cell;
    return bestSingle === null
      ? []
      : cell.rows.map(({ scheduler, latencyMs, latencyMsLow, latencyMsHigh }): Bar => {
          const relative = latencyMs / bestSingle.latencyMs;
          const cut = relative > longestBar ? ` (${relative.toFixed(1)}x, cut)` : '';
          return {
            panel: panelName(cell, profiles),
            scheduler,
            relative,
            low: latencyMsLow === null ? null : latencyMsLow / bestSingle.latencyMs,
            high: latencyMsHigh === null ? null : latencyMsHigh / bestSingle.latencyMs,
            label: `${formatMs(latencyMs)} ms${cut}`,
          };
        });
  });
}

export function latencyFigure(rows: readonly LatencyRow[]): Figure {
  const bars = latencyBars(rows);
  const panels = [...new Set(bars.map(({ panel }) => panel))];
  const schedulers = orderedSchedulers(bars.map(({ scheduler }) => scheduler));
  const profileNames = [...new Set(latencyCells(rows).map(({ profileName }) => profileName))];
  // The last third is a column for the labels.
  const end = 1.5 * Math.min(longestBar, Math.max(1, ...bars.map(({ relative, high }) => high ?? relative)));
  const drawn = bars.map((bar) => ({
    ...bar,
    relative: Math.min(bar.relative, longestBar),
    low: bar.low !== null && bar.low < longestBar ? bar.low : null,
    high: bar.high !== null ? Math.min(bar.high, longestBar) : null,
  }));
  const y = {
    field: 'scheduler',
    type: 'nominal',
    sort: schedulers,
    title: null,
    axis: { ticks: false, domain: false },
  } as const;
  const x = {
    type: 'quantitative',
    title: 'latency relative to the better single device',
    scale: { domain: [0, end] as [number, number], nice: false },
    axis: { values: [0, 0.5, 1, 1.5, 2].filter((tick) => tick <= end / 1.4), format: '.1f' },
  } as const;
  return {
    caption: `Latency of each scheduler relative to the better single device, ${panels.join('; ')}.`,
    spec: {
      title: {
        text: 'Latency by scheduler',
        subtitle: [
          'median over seeds, whiskers: 95 % bootstrap interval; dashed line: the better single device',
          ...(profileNames.length === 1 ? [`on ${profileNames[0]}`] : []),
          ...provenanceLines(provenanceOf(rows)),
        ],
      },
      data: { values: drawn },
      facet: {
        field: 'panel',
        type: 'nominal',
        sort: panels,
        title: null,
        // Model and profile on lines of their own: a title wider than its panel would push the axis away.
        header: { labelExpr: "split(datum.label, ' on ')", labelLineHeight: 17 },
      },
      columns: Math.min(2, panels.length),
      spec: {
        width: 400,
        height: { step: 24 },
        layer: [
          {
            mark: { type: 'bar', height: { band: 0.72 } },
            encoding: {
              y,
              x: { ...x, field: 'relative' },
              color: {
                field: 'scheduler',
                type: 'nominal',
                scale: { domain: schedulers, range: schedulers.map((name) => schedulerStyle(name).color) },
                legend: null,
              },
            },
          },
          {
            mark: { type: 'rule', strokeDash: [4, 3], color: '#444444' },
            encoding: { x: { datum: 1 } },
          },
          {
            transform: [{ filter: 'datum.low !== null' }],
            mark: { type: 'rule', strokeWidth: 1.6, color: '#000000' },
            encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' } },
          },
          ...(['low', 'high'] as const).map((field) => ({
            transform: [{ filter: 'datum.low !== null' }],
            mark: { type: 'tick' as const, thickness: 1.6, size: 9, color: '#000000' },
            encoding: { y, x: { ...x, field } },
          })),
          {
            mark: { type: 'text', align: 'right', fontSize: 11, color: ink.text },
            encoding: { y, x: { value: 'width' }, text: { field: 'label' } },
          },
        ],
      },
      resolve: { axis: { x: 'independent' } },
    },
  };
}
