// Standings over generated cells, against their definitions written out anew.
import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { LatencyRow } from '../results/rows.js';
import type { SummaryRow } from '../results/summary.js';
import { cellRooms } from './rooms.js';
import { type Standing, standings, standingsMarkdown } from './standings.js';
import { rankedCells } from './summary-table.js';

interface Cell {
  readonly name: string;
  readonly launch: string;
  /** By scheduler, in units of the cell's best, and what deciding took, ms. */
  readonly over: Readonly<Record<string, number>>;
  readonly decisionMs: Readonly<Record<string, number>>;
}

const bestMs = 10;

function standingsOf(cells: readonly Cell[]): Standing[] {
  const rows = cells.flatMap(({ name, launch, over, decisionMs }) =>
    Object.entries(over).map(([scheduler, factor]) => {
      const own = {
        variant: 'v',
        env: 'SparOA/Share-v0',
        model: `model://${name}`,
        profile: `profile://board?launch=${launch}&transfer=copy`,
        profileHash: '0',
        kind: 'simulated',
        weakestSource: 'derived',
        execution: 'serial',
        scheduler,
        decision: 'planned',
      } as const;
      const latencyMs = factor * bestMs;
      const row = {
        ...own,
        latencyMs,
        decisionWallMs: decisionMs[scheduler]!,
        trainingWallS: null,
      } as unknown as LatencyRow;
      const summary = { latencyMs, gapPercent: 100 * (factor - 1) };
      return { row, summary: Object.entries(summary).map(([metric, iqm]) => ({ ...own, metric, iqm }) as SummaryRow) };
    }),
  );
  const ranked = rankedCells(rows.flatMap(({ summary }) => summary));
  const rooms = cellRooms(ranked, (scheduler) => (scheduler === 'greedy' ? 'cheap' : 'other'));
  return standings(rooms, rows.map(({ row }) => row)); // biome-ignore format: one call
}

/** Schedulers draw; `rare` is defined in the first cell alone, and one scheduler is the best of each cell. */
function drawnCells(seed: number): Cell[] {
  const rng = Rng.of(seed, 'standings');
  return Array.from({ length: 7 }, (_, i) => {
    const drawn = ['cpu-only', 'greedy', 'heft', ...(i === 0 ? ['rare'] : [])].map((name) => [name, 1 + rng.uniform() / 8] as const); // biome-ignore format: a list
    const over = { ...Object.fromEntries(drawn), optimum: 1 };
    const decisionMs = Object.fromEntries(Object.keys(over).map((name) => [name, rng.uniform()]));
    return { name: `net${i}`, launch: 'eager', over, decisionMs };
  });
}

const median = (values: number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
};

test('mean, maximum, wins and decisions are over all cells, those with room, and those without', () => {
  for (let seed = 0; seed < 50; seed++) {
    const cells = drawnCells(seed);
    const found = standingsOf(cells);
    for (const room of ['all', 'with', 'without'] as const) {
      const own = cells.filter(({ over }) => room === 'all' || over.greedy! >= 1.03 === (room === 'with'));
      for (const scheduler of ['cpu-only', 'greedy', 'heft', 'optimum']) {
        const standing = found.find((each) => each.room === room && each.scheduler === scheduler);
        if (own.length === 0) {
          expect(standing).toBeUndefined();
          continue;
        }
        const product = own.reduce((all, { over }) => all * over[scheduler]!, 1);
        expect(standing!.cells).toBe(own.length);
        expect(standing!.meanPercent).toBeCloseTo(100 * (product ** (1 / own.length) - 1), 9);
        expect(standing!.maxPercent).toBeCloseTo(100 * (Math.max(...own.map(({ over }) => over[scheduler]!)) - 1), 9);
        expect(standing!.wins).toBe(own.filter(({ over }) => over[scheduler] === 1).length);
        expect(standing!.decisionWallMs).toBeCloseTo(median(own.map(({ decisionMs }) => decisionMs[scheduler]!)), 12);
        const paid = own.flatMap(({ over, decisionMs }) => {
          const savedMs = bestMs * (over['cpu-only']! - over[scheduler]!);
          return savedMs > 1e-6 ? [Math.max(1, Math.ceil(decisionMs[scheduler]! / savedMs))] : [];
        });
        expect(standing!.paidAfter).toBe(paid.length === 0 ? null : median(paid));
      }
    }
  }
});

test('a scheduler that is not in all cells has no mean, and stands last', () => {
  const all = standingsOf(drawnCells(3)).filter(({ room }) => room === 'all');
  expect(all.at(-1)).toMatchObject({ scheduler: 'rare', own: 1, cells: 7, meanPercent: null });
  expect(standingsMarkdown(all)).toContain('| rare (1 cells) | - |');
});

test('launch modes stand apart; a single cell has nothing to be averaged', () => {
  const cells = drawnCells(1).map((cell, i) => ({ ...cell, launch: i < 4 ? 'eager' : i < 6 ? 'graph' : 'runtime' }));
  const groups = new Set(standingsOf(cells).map(({ launch, cells: count, room }) => room === 'all' && `${launch} ${count}`)); // biome-ignore format: a list
  expect([...groups].filter(Boolean)).toEqual(['eager 4', 'graph 2']);
  expect(standingsMarkdown(standingsOf(cells.slice(0, 1)))).toBe('');
});
