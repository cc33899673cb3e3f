// HEFT with splits on graphs small enough to know the answer.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { Conditions } from '../../engine/conditions.js';
import { makeGraph, type OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { bareUnit } from '../../test/fixtures/bare-unit.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { listScheduling } from './list-scheduling.js';

const overlap: Conditions = { seed: 0, execution: 'overlap', mode: 'test', load: null, memoryBudgetBytes: null };

/** Units of equal tensors, each reading some before it (none: the graph's input) and writing one. */
function graphOf(
  units: readonly { reads: readonly number[]; reach?: number | null; splits?: boolean }[],
): OperatorGraph {
  const read = new Set(units.flatMap(({ reads }) => reads));
  return makeGraph(
    'fused',
    units.map(({ reads, reach = null, splits = true }, id) =>
      bareUnit(id, {
        inputs: reads.length > 0 ? reads.map((unit) => unit + 1) : [0],
        splitAxis: splits ? 1 : null,
        channelReach: reach,
      }),
    ),
    ['x', ...units.map((_, id) => `t${id}`)].map((name, tensor) => ({
      name,
      type: 'float',
      shape: [1, 64, 10],
      bytes: 2560,
      graphOutput: tensor > 0 && !read.has(tensor - 1),
    })),
  );
}

const table = (unitMs: readonly number[], moveMs: number): CostTable => ({
  unitMs: (unit, _, share) => share * unitMs[unit]!,
  transferMs: (_, __, fraction = 1) => moveMs * fraction,
  launchMs: () => 0,
  syncMs: 0,
});

const plan = (graph: OperatorGraph, costs: CostTable, cutMs = 0, conditions = overlap) =>
  listScheduling(cutMs)({ graph, costs, conditions, random: Rng.of(0, 'unused') });

describe('two equal devices', () => {
  test('take a chain of equal units each, where there are two', () => {
    const whole = (reads: readonly number[]) => ({ reads, splits: false });
    const chains = graphOf([whole([]), whole([]), whole([0]), whole([1])]);
    const { share } = plan(chains, table([4, 4, 4, 4], 0.1));
    expect(share[0]).not.toBe(share[1]);
    expect([share[2], share[3]]).toEqual([share[0], share[1]]);
  });

  test('take half of a unit each, where handing over costs less; never in serial execution', () => {
    const one = graphOf([{ reads: [] }]);
    expect(plan(one, table([8], 1)).share[0]).toBe(0.5);
    expect(plan(one, table([8], 9)).share[0]).toBe(0);
    expect(plan(one, table([8], 1), 0, { ...overlap, execution: 'serial' }).share[0]).toBe(0);
  });
});

test('a cut has to gain what it costs: 8 ms in halves with moves of 1 ms and 0.5 ms gain 2.5 ms', () => {
  const one = graphOf([{ reads: [] }]);
  expect(plan(one, table([8], 1), 2.4).share[0]).toBe(0.5);
  expect(plan(one, table([8], 1), 2.6).share[0]).toBe(0);
});

test('what reads channel by channel follows the parts, however cheap it is', () => {
  const costs = table([8, 0.2, 0.2, 8], 1);
  const graph = graphOf([{ reads: [] }, { reads: [0], reach: 0 }, { reads: [1], reach: 2 }, { reads: [2] }]);
  const [first, pooled, normalised] = plan(graph, costs, 1).share;
  expect([first, pooled]).toEqual([0.5, 0.5]);
  expect(normalised).toBeGreaterThan(0);
  expect(normalised).toBeLessThan(1);
  // Reading all channels, the cheap ones would be cut off: they stay whole.
  const dense = graphOf([{ reads: [] }, { reads: [0] }, { reads: [1] }, { reads: [2] }]);
  expect([...plan(dense, costs, 1).share.slice(1, 3)].every((share) => share === 0 || share === 1)).toBe(true);
});

test('where a cut costs more than everything, nothing crosses', () => {
  for (let seed = 0; seed < 50; seed++) {
    const rng = Rng.of(seed, 'heft');
    const graph = randomGraph(rng, { units: 1 + rng.integer(30), maxFanOut: 5 });
    const costs = table(
      graph.units.map(() => 5 * rng.uniform()),
      rng.uniform(),
    );
    const { share } = plan(graph, costs, 1e6);
    for (const { id, onlyOn } of graph.units) expect(share[id]).toBe(onlyOn ?? 0);
  }
});
