// Room of cells and the table of them, over generated gaps, against the definition written out anew.
import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { SummaryRow } from '../results/summary.js';
import { cornerNote } from './corner.js';
import { cellRooms, hasRoom, type PartOf, roomsMarkdown, roomsSentence, roomsTable } from './rooms.js';
import type { RankedCell } from './summary-table.js';

const parts = { greedy: 'cheap', heft: 'cheap', optimum: 'other', sac: 'learner', q: 'learner' } as const;
const partOf: PartOf = (scheduler) => parts[scheduler as keyof typeof parts];

function cellOf(model: string, gaps: Readonly<Record<string, number>>, transfer = 'copy'): RankedCell {
  const rows = Object.entries(gaps).map(
    ([scheduler, iqm]): SummaryRow => ({
      variant: '',
      env: 'SparOA/Share-v0',
      model: `model://${model}?batch=1&seed=0`,
      profile: `profile://jetson-agx-orin?mode=maxn&precision=fp32&launch=eager&transfer=${transfer}`,
      profileHash: '0123456789abcdef',
      kind: 'simulated',
      weakestSource: 'derived',
      execution: 'serial',
      scheduler,
      decision: 'planned',
      metric: 'gapPercent',
      n: 1,
      iqm,
      median: iqm,
      low: null,
      high: null,
      behindPercent: null,
      behindPercentLow: null,
      behindPercentHigh: null,
      differencePercent: null,
      differencePercentLow: null,
      differencePercentHigh: null,
    }),
  );
  return { objective: rows.map((row) => ({ ...row, metric: 'latencyMs', iqm: 10 + row.iqm })), gap: rows };
}

test('room is the least gap of a cheap baseline; all cells come first, then those with 3 % or more', () => {
  for (let seed = 0; seed < 50; seed++) {
    const rng = Rng.of(seed, 'rooms');
    const draws = Array.from({ length: 6 }, (_, i) => {
      const [greedy, heft, sac] = [rng.uniform() * 8, rng.uniform() * 8, rng.uniform() * 8] as const;
      return { name: `net${i}`, greedy, heft, sac, room: Math.min(greedy, heft) };
    });
    const cells = draws.map(({ name, greedy, heft, sac }) => cellOf(name, { greedy, optimum: 0, heft, sac }));
    const rooms = cellRooms(cells, partOf);
    expect(
      rooms.map(({ best }) => best.cheap!.gapPercent),
      `seed ${seed}`,
    ).toEqual(draws.map(({ room }) => room));
    const roomy = draws.filter(({ room }) => room >= 3);
    expect(rooms.filter(hasRoom)).toHaveLength(roomy.length);
    const won = roomy.filter(({ room, sac }) => sac < room).length;
    expect(roomsSentence(rooms)).toContain(`${roomy.length} of 6 cells`);
    if (roomy.length > 0) expect(roomsSentence(rooms)).toContain(`in ${won} of the ${roomy.length}`);
    const markdown = roomsMarkdown(rooms, () => 'optimum');
    const headings = [...markdown.matchAll(/^### .*(net\d)/gm)].map(([, name]) => name);
    const others = draws.filter(({ room }) => room < 3);
    expect(headings).toEqual([...roomy, ...others].map(({ name }) => name));
    expect(markdown.indexOf('## All cells')).toBe(0);
  }
});

test('a cell whose variant no framework offers is marked, and a cell without a baseline has no room', () => {
  const rooms = cellRooms(
    [cellOf('a', { greedy: 9 }, 'direct'), cellOf('b', { greedy: 9 }), cellOf('c', { sac: 0 })],
    partOf,
  );
  const { body } = roomsTable(rooms, () => 'optimum');
  expect(body.map(([name]) => name!.includes(cornerNote))).toEqual([true, false, false]);
  expect(body[2]).toEqual([expect.any(String), '-', '-', 'sac', '0.0', 'optimum']);
  expect(rooms.map(hasRoom)).toEqual([true, true, false]);
});
