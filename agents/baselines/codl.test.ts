// CoDL's rules on cases made by hand, and its cost of a chain against the definition.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import { makeGraph, type OperatorGraph, type Unit } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { bareUnit } from '../../test/fixtures/bare-unit.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { chainMs, chainsOf, codl } from './codl.js';

/** Pooling-like units one after the other: each part reads its own channels, so that nothing moves inside a chain. */
function chain(count: number, said: (id: number) => Partial<Unit> = () => ({})): OperatorGraph {
  const units = Array.from({ length: count }, (_, id) => bareUnit(id, { splitAxis: 1, channelReach: 0, ...said(id) }));
  const drafts = Array.from({ length: count + 1 }, (_, id) => ({
    name: `t${id}`,
    type: 'float',
    shape: [1, 100],
    bytes: 400,
    graphOutput: id === count,
  }));
  return makeGraph('fused', units, drafts);
}

/** Work in proportion to the share. */
function costsOf(unitMs: readonly (readonly [number, number])[], moveMs: number, syncMs = 0): CostTable {
  return {
    unitMs: (unit, device, share) => share * unitMs[unit]![device]!,
    transferMs: (_, __, fraction = 1) => fraction * moveMs,
    launchMs: () => 0,
    syncMs,
  };
}

const equal = (count: number): [number, number][] => Array.from({ length: count }, () => [10, 10]);
const chainsBy = (graph: OperatorGraph, costs: CostTable) =>
  chainsOf(graph, costs, false).map(({ units, ratio }) => [units.length, ratio]);

describe('the ratio of one operator', () => {
  test('is the tenth that ends first', () => {
    // 30 x (1 - r) and 10 x r meet at r = 0.75; of its neighbours 0.7 takes 9 ms and 0.8 takes 8 ms.
    expect(chainsBy(chain(1), costsOf([[30, 10]], 0))).toEqual([[1, 0.8]]);
  });

  test('is 0 where sharing costs more than it saves', () => {
    // r = 0.5 saves 5 ms; moving half of the tensor there and back takes 2 x 0.5 x 2 ms, waiting 4 ms.
    expect(chainsBy(chain(1), costsOf(equal(1), 2, 4))).toEqual([[1, 0]]);
    expect(chainsBy(chain(1), costsOf(equal(1), 2, 1))).toEqual([[1, 0.5]]);
  });

  test('is 0 or 1 where the unit is placed whole', () => {
    expect(chainsOf(chain(1), costsOf([[30, 10]], 0), true)).toEqual([{ units: [0], ratio: 1 }]);
    expect(
      chainsBy(
        chain(1, () => ({ splitAxis: null })),
        costsOf([[30, 10]], 0),
      ),
    ).toEqual([[1, 1]]);
  });
});

describe('a chain', () => {
  test('pays moves and waiting once, at its ends', () => {
    const graph = chain(5);
    const costs = costsOf(equal(5), 4, 1);
    // Each alone: 5 + 2 x 0.5 x 4 + 1 = 10 ms, no gain. All five: 5 x 5 + 2 x 0.5 x 4 + 1 = 30 ms of 50.
    expect(chainMs(graph, costs, [0], 0.5)).toBeCloseTo(10, 12);
    expect(chainMs(graph, costs, [0, 1, 2, 3, 4], 0.5)).toBeCloseTo(30, 12);
    expect(chainsBy(graph, costsOf(equal(5), 3, 1))).toEqual([[5, 0.5]]);
  });

  test('is charged inside for channels that a dense unit reads and its device lacks', () => {
    const costs = costsOf(equal(2), 4, 1);
    const dense = chain(2, (id) => (id === 1 ? { channelReach: null } : {}));
    // Both devices read all of the tensor between: half of it moves each way.
    expect(chainMs(dense, costs, [0, 1], 0.5) - chainMs(chain(2), costs, [0, 1], 0.5)).toBeCloseTo(4, 12);
  });

  test('is shorter than 30', () => {
    expect(chainsBy(chain(60), costsOf(equal(60), 3, 1))).toEqual([[29, 0.5], [29, 0.5], [2, 0.5]]); // biome-ignore format: a table
  });

  test('has a ratio within 0.3 of the best one of its first operator', () => {
    // The first is best on device 0 alone; the others gain most from 0.6, and are taken with 0.3 at most.
    const first = chainsBy(chain(4), costsOf([[1, 10], [20, 13], [20, 13], [20, 13]], 3, 0)); // biome-ignore format: a table
    expect(first[0]![1]).toBeLessThanOrEqual(0.3);
  });

  test('ends where its gain would shrink', () => {
    // The third is five times as slow on device 1 and has no part in it.
    const costs = costsOf([[10, 10], [10, 10], [10, 50], [10, 10]], 3, 1); // biome-ignore format: a table
    expect(chainsBy(chain(4), costs)[0]).toEqual([2, 0.5]);
  });

  test('ends at a unit that CoDL does not run on both devices, or that reads something else', () => {
    const costs = costsOf(equal(4), 3, 1);
    for (const said of [{ opClass: 'elementwise' }, { onlyOn: 0 }, { inputs: [1] }] as const)
      expect(
        chainsBy(
          chain(4, (id) => (id === 2 ? said : {})),
          costs,
        )[0]![0],
      ).toBe(2);
  });

  test('goes to device 1 as a whole if its first operator is best there by itself', () => {
    // Alone 1 + 2 x 3 + 2 ms on device 1 and 20 ms on device 0. The last case gains by device 1 only as a chain, which the
    // rule of 0.3 forbids: alone 1 + 2 x 6 + 5 ms against 10 ms.
    const units = (first: number): [number, number][] => [[first, 1], [first, 1], [first, 1]]; // biome-ignore format: a table
    expect(chainsBy(chain(3), costsOf(units(20), 3, 2))).toEqual([[3, 1]]);
    expect(chainsBy(chain(3), costsOf(units(10), 6, 5))).toEqual([[1, 0], [1, 0], [1, 0]]); // biome-ignore format: a table
  });
});

test('on random graphs every unit is in one chain at most, with no time lost by the costs of chains', () => {
  const executor = createSimulator(loadProfile('profile://jetson-agx-orin?launch=graph'));
  let longer = 0;
  for (let seed = 0; seed < 50; seed++) {
    const graph = randomGraph(Rng.of(seed, 'codl'), { units: 60, maxFanOut: 3 });
    const costs = executor.costs(graph);
    const chains = chainsOf(graph, costs, false);
    const members = chains.flatMap(({ units }) => units);
    expect(new Set(members).size).toBe(members.length);
    for (const { units, ratio } of chains) {
      const alone = units.map((unit) =>
        Math.min(...Array.from({ length: 11 }, (_, tenths) => chainMs(graph, costs, [unit], tenths / 10))),
      );
      expect(chainMs(graph, costs, units, ratio)).toBeLessThanOrEqual(alone.reduce((sum, ms) => sum + ms, 0) + 1e-9);
      longer += Number(units.length > 1);
    }
    const problem = { graph, costs, conditions: { seed: 0, execution: 'serial', mode: '', load: null, memoryBudgetBytes: null }, random: Rng.of(0, 'unused') } as const; // biome-ignore format: one problem
    const whole = codl({ ...problem, whole: true }).share;
    expect([...whole].every((share) => share === 0 || share === 1)).toBe(true);
  }
  expect(longer).toBeGreaterThan(50);
});
