import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import type { OperatorGraph } from '../../models/graph.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { serialConditions as conditions } from '../../test/fixtures/serial-conditions.js';
import { planners } from '../baselines/registry.js';
import { FlowNetwork } from './max-flow.js';
import { optimum, serialBound } from './optimum.js';
import { everyShare } from './share-ranges.js';

/** Launch and transfer costs around the sizes at which placements mix. */
const profiles = ['10us', '30us', '100us'].flatMap((launch) =>
  ['1us', '10us'].map((transfer) =>
    createSimulator(
      loadProfile(
        `profile://jetson-agx-orin?device1.launch=${launch}&transfer0.latency=${transfer}&transfer1.latency=${transfer}`,
      ),
    ),
  ),
);

/** The least makespan over all placements, each executed by the simulator. */
function bruteForce(graph: OperatorGraph, executor: (typeof profiles)[number]): number {
  const kernel = executor.kernel(graph);
  const state = new Float64Array(kernel.rowLength);
  const free = graph.units.filter((unit) => unit.onlyOn === null).map((unit) => unit.id);
  let best = Number.POSITIVE_INFINITY;
  for (let placement = 0; placement < 2 ** free.length; placement++) {
    kernel.reset(state);
    let clockMs = 0;
    for (const unit of graph.units) {
      const device = unit.onlyOn ?? (placement >> free.indexOf(unit.id)) & 1;
      clockMs = kernel.decide(state, unit.id, device);
    }
    best = Math.min(best, clockMs);
  }
  return best;
}

describe('the minimum cut', () => {
  test('equals brute force over all placements through the simulator on 200 random graphs with fan-out up to 12', () => {
    let mixed = 0;
    let widest = 0;
    for (let seed = 0; seed < 200; seed++) {
      const rng = Rng.of(seed, 'optimum');
      const graph = randomGraph(rng, { units: 4 + rng.integer(11), maxFanOut: 12 });
      const executor = profiles[seed % profiles.length]!;
      const schedule = optimum({ graph, costs: executor.costs(graph), conditions, random: rng });
      const latencyMs = executor.run(graph, schedule, conditions).makespanMs;
      const bestMs = bruteForce(graph, executor);
      expect(
        Math.abs(latencyMs / bestMs - 1),
        `seed ${seed}: cut ${latencyMs} ms, brute force ${bestMs} ms`,
      ).toBeLessThan(1e-12);
      widest = Math.max(widest, ...graph.tensors.map((tensor) => tensor.consumers.length));
      mixed += Number(new Set(schedule.share).size > 1);
    }
    // The test is about something: fan-out of up to 12, and optima that use both devices.
    expect(widest).toBeGreaterThanOrEqual(10);
    expect(mixed).toBeGreaterThan(50);
  });

  test('is a lower bound of every planner that places whole units, and over eleven shares of all, on 50 graphs of 100 units', () => {
    for (let seed = 0; seed < 50; seed++) {
      const graph = randomGraph(Rng.of(seed, 'bound'), { units: 100, maxFanOut: 12 });
      const executor = profiles[seed % profiles.length]!;
      const latencyOf = (name: keyof typeof planners) => {
        const random = Rng.of(seed, 'bound', name);
        const schedule = planners[name].plan({ graph, costs: executor.costs(graph), conditions, random });
        const splits = schedule.share.some((share) => share > 0 && share < 1);
        return { splits, ms: executor.run(graph, schedule, conditions).makespanMs };
      };
      const optimumMs = latencyOf('optimum').ms;
      const { boundMs } = serialBound(graph, executor.costs(graph), everyShare(10));
      for (const name of Object.keys(planners) as (keyof typeof planners)[]) {
        const { splits, ms } = latencyOf(name);
        const leastMs = splits ? boundMs : optimumMs;
        expect(ms, `${name}, seed ${seed}`).toBeGreaterThanOrEqual(leastMs * (1 - 1e-12));
      }
    }
  });
});

describe('FlowNetwork', () => {
  test("finds the minimum cut of Cormen et al.'s example, flow 23", () => {
    // Introduction to Algorithms, 3rd ed., figure 26.1: s, v1..v4, t.
    const edges = [
      [0, 1, 16],
      [0, 2, 13],
      [1, 3, 12],
      [2, 1, 4],
      [2, 4, 14],
      [3, 2, 9],
      [3, 5, 20],
      [4, 3, 7],
      [4, 5, 4],
    ] as const;
    const network = new FlowNetwork();
    network.addNodes(6);
    for (const [u, v, capacity] of edges) network.addEdge(u, v, capacity);
    const { capacity, side } = network.minCut(0, 5);
    const cut = edges
      .filter(([u, v]) => side[u] === 1 && side[v] === 0)
      .reduce((sum, [, , capacity]) => sum + capacity, 0);
    expect(cut).toBe(23);
    expect(capacity).toBe(23);
  });

  test('says so when no finite cut exists', () => {
    const network = new FlowNetwork();
    network.addNodes(2);
    network.addEdge(0, 1, Number.POSITIVE_INFINITY);
    expect(() => network.minCut(0, 1)).toThrow(/infinite capacity/);
  });
});
