// How schedulers compare over all cells of a run: the geometric mean and the maximum of their objective over the best of each
// cell, how many cells they win, and what deciding takes. Cells of one launch mode stand together: schedules of fused,
// captured launches and of eager ones solve different problems.
import { markdownRow, markdownText } from '../../base/files/markdown.js';
import { mean } from '../../base/statistics/faster-half.js';
import { median } from '../../base/statistics/quantile.js';
import type { LatencyRow } from '../results/rows.js';
import { groupBy, type SummaryRow } from '../results/summary.js';
import { parameterOf } from './figures/labels.js';
import { type CellRoom, hasRoom } from './rooms.js';
import { percent } from './summary-table.js';
import { duration, type TextTable } from './tables.js';

/** A row of `schedulers.csv`: a scheduler over cells of one variant, environment and launch mode. */
export interface Standing {
  readonly variant: string;
  readonly env: string;
  /** Of the profiles; empty on devices and of measured models. */
  readonly launch: string;
  /** Which of those cells: all of them, or those with room, or those without. */
  readonly room: 'all' | 'with' | 'without';
  readonly scheduler: string;
  /** Cells there are, and those of them that the scheduler has. */
  readonly cells: number;
  readonly own: number;
  /** Geometric mean of the objective over the best of the cell, minus 1; null where it has not all of the cells. */
  readonly meanPercent: number | null;
  /** Of its own cells. */
  readonly maxPercent: number;
  /** Cells in which no scheduler is better. */
  readonly wins: number;
  /** Median time to find a schedule; null where it is not measured apart. */
  readonly decisionWallMs: number | null;
  /** Median number of inferences after which that time is won back, of cells where it ever is; null if there are none. */
  readonly paidAfter: number | null;
}

export const standingColumns = [
  ...(['variant', 'env', 'launch', 'room', 'scheduler', 'cells', 'own'] as const),
  ...(['meanPercent', 'maxPercent', 'wins', 'decisionWallMs'] as const),
] as const satisfies readonly (keyof Standing)[];

/** Differences of objectives below this are rounding. */
const equal = 1 + 1e-9;

/**
 * @param rows times of decisions, and latencies of single devices
 * @returns best mean first; nothing of groups of one cell, which its own table says all about
 */
export function standings(rooms: readonly CellRoom[], rows: readonly LatencyRow[]): Standing[] {
  const latency = new Map(rows.map((row) => [keyOf(row), row]));
  const groups = groupBy(rooms, ({ cell }) => {
    const { variant, env, profile } = cell.objective[0]!;
    return JSON.stringify([variant, env, parameterOf(profile, 'launch') ?? '']);
  });
  return [...groups].flatMap(([key, group]) => {
    const [variant, env, launch] = JSON.parse(key) as [string, string, string];
    if (group.length < 2) return [];
    return (['all', 'with', 'without'] as const).flatMap((room) => {
      const cells = group.filter((each) => room === 'all' || hasRoom(each) === (room === 'with'));
      const names = new Set(cells.flatMap(({ cell }) => cell.objective.map(({ scheduler }) => scheduler)));
      return [...names]
        .map((scheduler) => ({ variant, env, launch, room, scheduler, ...over(cells, scheduler, latency) }))
        .sort((a, b) => rank(a) - rank(b) || (a.scheduler < b.scheduler ? -1 : 1));
    });
  });
}

const rank = ({ meanPercent }: Standing): number => meanPercent ?? Number.POSITIVE_INFINITY;

function over(cells: readonly CellRoom[], scheduler: string, latency: ReadonlyMap<string, LatencyRow>) {
  const own = cells.flatMap(({ cell }) => {
    const at = cell.objective.findIndex((row) => row.scheduler === scheduler);
    return at < 0 ? [] : [{ objective: cell.objective[at]!, gap: cell.gap[at]!, best: cell.objective[0]! }];
  });
  const timed = own.flatMap(({ objective }) => latency.get(keyOf(objective)) ?? []);
  const paid = timed.flatMap((row) => paidAfter(row, latency) ?? []);
  const logs = own.map(({ gap }) => Math.log1p(gap.iqm / 100));
  return {
    cells: cells.length,
    own: own.length,
    meanPercent: own.length < cells.length ? null : 100 * Math.expm1(mean(logs)),
    maxPercent: Math.max(...own.map(({ gap }) => gap.iqm)),
    wins: own.filter(({ objective, best }) => objective.iqm <= best.iqm * equal).length,
    decisionWallMs: timed.length === 0 ? null : median(timed.map((row) => row.decisionWallMs)),
    paidAfter: paid.length === 0 ? null : median(paid),
  };
}

const keyOf = ({ variant, model, profile, scheduler }: SummaryRow | LatencyRow): string =>
  JSON.stringify([variant, model, profile, scheduler]);

/** Inferences after which a schedule has won back the time to find it, against the better single device; null if it never does. */
function paidAfter(row: LatencyRow, latency: ReadonlyMap<string, LatencyRow>): number | null {
  const singles = ['cpu-only', 'gpu-only'].flatMap((scheduler) => latency.get(keyOf({ ...row, scheduler })) ?? []);
  if (row.decision !== 'planned' || singles.length === 0) return null;
  const savedMs = Math.min(...singles.map(({ latencyMs }) => latencyMs)) - row.latencyMs;
  if (savedMs <= (equal - 1) * row.latencyMs) return null;
  return Math.max(1, Math.ceil((row.decisionWallMs + 1000 * (row.trainingWallS ?? 0)) / savedMs));
}

/** A table for each variant, environment and launch mode. */
export function standingsTables(all: readonly Standing[]): { readonly title: string; readonly table: TextTable }[] {
  const groups = groupBy(
    all.filter(({ room }) => room === 'all'),
    ({ variant, env, launch }) => JSON.stringify([variant, env, launch]),
  );
  return [...groups.values()].map((group) => {
    const { variant, env, launch, cells } = group[0]!;
    const part = (room: Standing['room'], { scheduler }: Standing) =>
      all.find((each) => each.room === room && each.scheduler === scheduler && each.launch === launch && each.variant === variant && each.env === env); // biome-ignore format: a condition
    const count = (room: Standing['room']) => part(room, group[0]!)?.cells ?? 0;
    const meanText = (row: Standing | undefined) =>
      row === undefined || row.meanPercent === null ? '-' : percent(row.meanPercent);
    return {
      title: `${[variant, env, launch && `launch=${launch}`].filter(Boolean).join(', ')}: ${cells} cells`,
      table: {
        header: [
          'scheduler',
          'over the best, geometric mean, %',
          `of ${count('with')} cells with room, %`,
          `of ${count('without')} without, %`,
          'maximum, %',
          'wins',
          'decision, median',
          'paid after inferences, median',
        ],
        body: group.map((row) => [
          row.own < cells ? `${row.scheduler} (${row.own} cells)` : row.scheduler,
          meanText(row),
          meanText(part('with', row)),
          meanText(part('without', row)),
          percent(row.maxPercent),
          String(row.wins),
          row.decisionWallMs === null ? '-' : duration(row.decisionWallMs),
          row.paidAfter === null ? '-' : String(Math.round(row.paidAfter)),
        ]),
      },
    };
  });
}

/** The tables as Markdown; empty where there are none. */
export function standingsMarkdown(all: readonly Standing[]): string {
  const tables = standingsTables(all);
  if (tables.length === 0) return '';
  const sections = tables.flatMap(({ title, table: { header, body } }) => [
    `### ${markdownText(title)}`,
    '',
    ...[header, header.map((_, i) => (i === 0 ? '---' : '---:')), ...body].map(markdownRow),
    '',
  ]);
  return ['## All schedulers', '', ...sections].join('\n');
}
