// Dynamic programming and BIDENT's shortest path: both are the serial optimum on chains, the second on branches too.

import { describe, expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import { createSimulator } from '../../../engine/simulator/simulator.js';
import { makeGraph, type OperatorGraph, type TensorDraft } from '../../../models/graph.js';
import type { CostTable } from '../../../predictor/cost-table.js';
import { loadProfile } from '../../../predictor/profiles/profile.js';
import { bareUnit } from '../../../test/fixtures/bare-unit.js';
import { randomGraph } from '../../../test/fixtures/random-graph.js';
import { serialConditions as conditions } from '../../../test/fixtures/serial-conditions.js';
import { optimum } from '../../bounds/optimum.js';
import type { Planner } from '../planner.js';
import { bident } from './bident.js';
import { devicesOf, emptyPath, extended } from './device-paths.js';
import { dynamicProgramming } from './dynamic-programming.js';

const tensor = (name: string, graphOutput = false): TensorDraft => ({
  name,
  type: 'float',
  shape: [1, 1],
  bytes: 4,
  graphOutput,
});

/** Units that read each other one by one; some run on one device only, some outputs are the graph's. */
function randomChain(rng: Rng, count: number): OperatorGraph {
  const units = Array.from({ length: count }, (_, id) => {
    const draw = rng.integer(12);
    return bareUnit(id, draw < 2 ? { onlyOn: draw as 0 | 1 } : {});
  });
  const drafts = Array.from({ length: count + 1 }, (_, id) =>
    tensor(`t${id}`, id === count || (id > 0 && rng.integer(8) === 0)),
  );
  return makeGraph('fused', units, drafts);
}

/** Independent times of units and moves, some of them zero. */
function randomCosts(rng: Rng, { units, tensors }: OperatorGraph): CostTable {
  const ms = (most: number) => (rng.integer(6) === 0 ? 0 : most * rng.uniform());
  const unitMs = units.map(() => [ms(10), ms(10)]);
  const moveMs = tensors.map(() => [ms(6), ms(6)]);
  return {
    unitMs: (unit, device, share) => share * unitMs[unit]![device]!,
    transferMs: (id, to, fraction = 1) => fraction * moveMs[id]![to]!,
    launchMs: (device) => [0.01, 0.3][device]!,
    syncMs: 0.2,
  };
}

/** Serial execution by definition: the sum of unit times and of one move for each tensor and destination. */
function serialMs(graph: OperatorGraph, costs: CostTable, device: (unit: number) => number): number {
  const unitMs = (id: number) =>
    costs.launchMs(device(id)) + costs.unitMs(id, device(id), 1) + (device(id) === 1 ? costs.syncMs : 0);
  const moves = graph.tensors.map(({ id, producer, consumers, graphOutput }) => {
    const at = producer === null ? 0 : device(producer);
    const needed = new Set([...consumers.map(device), ...(graphOutput ? [0] : [])]);
    return needed.has(1 - at) ? costs.transferMs(id, 1 - at) : 0;
  });
  return [...graph.units.map(({ id }) => unitMs(id)), ...moves].reduce((sum, ms) => sum + ms, 0);
}

function bruteForce(graph: OperatorGraph, costs: CostTable): number {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let bits = 0; bits < 2 ** graph.units.length; bits++) {
    const device = (unit: number) => (bits >> unit) & 1;
    if (graph.units.some(({ id, onlyOn }) => onlyOn === 1 - device(id))) continue;
    leastMs = Math.min(leastMs, serialMs(graph, costs, device));
  }
  return leastMs;
}

const planned = (plan: Planner, graph: OperatorGraph, costs: CostTable) => {
  const { share } = plan({ graph, costs, conditions, random: Rng.of(0, 'unused') });
  return { share, ms: serialMs(graph, costs, (unit) => share[unit]!) };
};

describe.each(Object.entries({ 'dynamic programming': dynamicProgramming, 'shortest path': bident }))(
  '%s',
  (_, plan) => {
    test('equals brute force on 200 random chains', () => {
      let mixed = 0;
      for (let seed = 0; seed < 200; seed++) {
        const rng = Rng.of(seed, 'chains');
        const graph = randomChain(rng, 1 + rng.integer(12));
        const costs = randomCosts(rng, graph);
        const { share, ms } = planned(plan, graph, costs);
        expect(ms, `seed ${seed}`).toBeCloseTo(bruteForce(graph, costs), 9);
        mixed += Number(new Set(share).size > 1);
      }
      expect(mixed).toBeGreaterThan(100);
    });
  },
);

test('with branches the shortest path is still the optimum; dynamic programming over one device is not always', () => {
  let behind = 0;
  for (let seed = 0; seed < 200; seed++) {
    const rng = Rng.of(seed, 'branches');
    const graph = randomGraph(rng, { units: 1 + rng.integer(12), maxFanOut: 5 });
    const costs = randomCosts(rng, graph);
    const leastMs = bruteForce(graph, costs);
    expect(planned(bident, graph, costs).ms, `seed ${seed}`).toBeCloseTo(leastMs, 9);
    const { ms } = planned(dynamicProgramming, graph, costs);
    expect(ms).toBeGreaterThan(leastMs - 1e-9);
    behind += Number(ms > leastMs + 1e-9);
  }
  expect(behind).toBeGreaterThan(20);
});

test('a path takes the time that the simulator gives for its placement', () => {
  const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));
  for (let seed = 0; seed < 20; seed++) {
    const rng = Rng.of(seed, 'paths');
    const graph = randomGraph(rng, { units: 40, maxFanOut: 6 });
    const run = executor.begin(graph, conditions);
    let path = emptyPath(graph);
    for (const unit of graph.units) {
      const devices = devicesOf(unit);
      const device = devices[rng.integer(devices.length)]!;
      path = extended(graph, executor.costs(graph), path, unit.id, device);
      expect(path.ms).toBeCloseTo(run.decide(unit.id, device), 9);
    }
  }
});

describe('in overlap execution', () => {
  const overlap = { ...conditions, execution: 'overlap' as const };
  /** One tensor read by `lengths.length` branches of so many units, joined by the last unit. */
  const fork = (lengths: readonly number[]): OperatorGraph => {
    const units = [bareUnit(0)];
    const ends = lengths.map((length) => {
      let input = 1;
      for (let i = 0; i < length; i++) {
        units.push(bareUnit(units.length, { inputs: [input] }));
        input = units.length;
      }
      return input;
    });
    units.push(bareUnit(units.length, { inputs: ends }));
    return makeGraph(
      'fused',
      units,
      Array.from({ length: units.length + 1 }, (_, id) => tensor(`t${id}`, id === units.length)),
    );
  };
  const costs = (moveMs: number): CostTable => ({
    unitMs: (_, device, share) => share * [3, 2][device]!,
    transferMs: (_, __, fraction = 1) => fraction * moveMs,
    launchMs: () => 0,
    syncMs: 0,
  });
  const shareOf = (graph: OperatorGraph, moveMs: number) => [
    ...bident({ graph, costs: costs(moveMs), conditions: overlap, random: Rng.of(0, 'unused') }).share,
  ];

  test('branches go side by side where that ends first', () => {
    // Serially all on device 1: 2 + 4 x 2 + 2. Side by side: one of the branches of two units on device 0.
    expect(
      shareOf(fork([2, 2]), 0.1)
        .slice(1, 5)
        .sort(),
    ).toEqual([0, 0, 1, 1]);
    expect(new Set(shareOf(fork([2, 2]), 10).slice(1, 5)).size).toBe(1);
  });

  test('a chain is placed as in serial execution', () => {
    for (let seed = 0; seed < 20; seed++) {
      const rng = Rng.of(seed, 'chains');
      const graph = randomChain(rng, 8);
      const table = randomCosts(rng, graph);
      const problem = { graph, costs: table, random: Rng.of(0, 'unused') };
      expect(bident({ ...problem, conditions: overlap })).toEqual(bident({ ...problem, conditions }));
    }
  });
});

test('the shortest path of 400 units with branches is the optimum', () => {
  const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));
  const graph = randomGraph(Rng.of(1, 'many'), { units: 400, maxFanOut: 3 });
  const costs = executor.costs(graph);
  const problem = { graph, costs, conditions, random: Rng.of(0, 'unused') };
  const latencyMs = (plan: Planner) => executor.run(graph, plan(problem), conditions).makespanMs;
  expect(latencyMs(bident) / latencyMs(optimum)).toBeCloseTo(1, 12);
});
