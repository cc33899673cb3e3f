// The bound of overlap execution against the simulator: random schedules with all that a schedule can say, and every placement.
import { beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { type Conditions, mechanisms } from '../../engine/conditions.js';
import { Schedule } from '../../engine/schedule.js';
import { createSimulator, type Simulator } from '../../engine/simulator/simulator.js';
import type { OperatorGraph } from '../../models/graph.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { channelGraph } from '../../test/fixtures/channel-graph.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { randomSchedule } from '../../test/fixtures/random-schedule.js';
import { canExhaust, exhaustPlacements } from './exhaustion.js';
import { LinearProgram, loadSolver } from './linear-program.js';
import { overlapBoundMs } from './overlap-bound.js';
import { evenShares, everyShare, type ShareRange, shareIn, wholeShares } from './share-ranges.js';

beforeAll(loadSolver);

const simulators = [
  'launch=graph',
  'transfer=copy',
  'device0.bandwidth=190 GB/s&shared.bandwidth=190 GB/s',
  'launch=graph&mode=15w&device1.launch=1us&transfer=copy',
].map((query) => createSimulator(loadProfile(`profile://jetson-agx-orin?${query}`)));
const overlap: Conditions = { seed: 0, execution: 'overlap', mode: 'maxn', load: null, memoryBudgetBytes: null };
const load = { kind: 'markov', states: [{ cpu: 0.3, gpu: 0.2, memory: 0.5, meanMs: 0.1 }] } as const;

function bound(
  graph: OperatorGraph,
  executor: Simulator,
  conditions: Conditions,
  ranges: readonly ShareRange[],
  severalLanes: boolean,
): number {
  return overlapBoundMs({ graph, board: executor.board(graph), conditions, ranges, severalLanes });
}

function makespan(executor: Simulator, graph: OperatorGraph, schedule: Schedule, conditions: Conditions): number {
  const result = executor.run(graph, schedule, conditions);
  if ('error' in result) throw new Error(result.error);
  return result.makespanMs;
}

/** Graphs of both kinds: those of the simulator's own tests, and those whose parts read in every way. */
function drawnGraph(rng: Rng, seed: number): OperatorGraph {
  if (seed % 2 === 0) return randomGraph(rng, { units: 1 + rng.integer(20), maxFanOut: 5 });
  const graph = channelGraph(rng, { units: 1 + rng.integer(10), channels: true });
  const heavy = graph.units.map((unit) => ({ ...unit, flops: 1e7 * rng.uniform(), bytesRead: 1e5 * rng.uniform(), bytesWritten: 1e5 * rng.uniform() })); // biome-ignore format: one list
  return { ...graph, units: heavy };
}

describe('no schedule is faster', () => {
  /** Random orders, shares, lanes, loads and mechanisms, each against the bounds that it falls under. */
  function compare(seeds: number): void {
    let tight = 0;
    for (let seed = 0; seed < seeds; seed++) {
      const rng = Rng.of(seed, 'overlap-bound');
      const graph = drawnGraph(rng, seed);
      const executor = simulators[seed % simulators.length]!;
      const without = mechanisms.filter(() => rng.uniform() < 0.2);
      const conditions: Conditions = { ...overlap, seed, without, load: rng.uniform() < 0.2 ? load : null };
      const cpuLanes = 1 + rng.integer(2);
      const splits = seed % 3 === 0 ? 0 : 0.5;
      const ranges = splits === 0 ? wholeShares : everyShare(6);
      const leastMs = bound(graph, executor, conditions, ranges, cpuLanes > 1);
      for (let draw = 0; draw < 4; draw++) {
        const schedule = randomSchedule(graph, rng, { splits, cpuLanes });
        const ms = makespan(executor, graph, schedule, conditions);
        expect(ms, `seed ${seed}, draw ${draw}, without ${without}`).toBeGreaterThanOrEqual(leastMs);
        tight += Number(ms < 1.2 * leastMs);
      }
      for (const device of [0, 1] as const)
        expect(makespan(executor, graph, Schedule.onDevice(graph, device), conditions), `seed ${seed}`).toBeGreaterThanOrEqual(leastMs); // biome-ignore format: one check
    }
    // Not because it is next to nothing.
    expect(tight).toBeGreaterThan(seeds / 10);
  }

  test('of 150 random graphs, with splits, lanes, loads and mechanisms left out', () => compare(150));
  test('of 1,000', { tags: 'gate', timeout: 600_000 }, () => compare(1000));

  test('over given shares: of 40 graphs with shares of quarters', () => {
    const quarters = evenShares(5);
    for (let seed = 0; seed < 40; seed++) {
      const rng = Rng.of(seed, 'quarters');
      const graph = drawnGraph(rng, seed);
      const executor = simulators[seed % simulators.length]!;
      const leastMs = bound(graph, executor, overlap, quarters, false);
      expect(leastMs).toBeLessThanOrEqual(bound(graph, executor, overlap, wholeShares, false) * (1 + 1e-5));
      for (let draw = 0; draw < 6; draw++) {
        const share = graph.units.map(({ onlyOn, splitAxis }) => onlyOn ?? (splitAxis === null ? rng.integer(2) : shareIn(quarters[rng.integer(5)]!))); // biome-ignore format: one list
        expect(makespan(executor, graph, Schedule.of(graph, share), overlap), `seed ${seed}`).toBeGreaterThanOrEqual(
          leastMs,
        );
      }
    }
  });
});

test('a chain is bounded to the bit of its critical path, whatever the boards', () => {
  // One unit after the other, each on the device that runs it faster, moves included: what the serial optimum is without waits.
  const graph = randomGraph(Rng.of(3, 'single'), { units: 1 });
  for (const executor of simulators) {
    const conditions: Conditions = { ...overlap, without: ['launching-core'] };
    const exact = exhaustPlacements(graph, executor, conditions)!;
    expect(bound(graph, executor, conditions, wholeShares, false) / exact.makespanMs).toBeGreaterThan(0.99);
  }
});

test('exhaustion finds the least of all placements, and is for few units only', () => {
  const [executor] = simulators;
  const graph = randomGraph(Rng.of(1, 'exhaustion'), { units: 6 });
  const { schedule, makespanMs } = exhaustPlacements(graph, executor!, overlap)!;
  expect(makespan(executor!, graph, schedule, overlap)).toBe(makespanMs);
  for (let placement = 0; placement < 64; placement++) {
    const share = graph.units.map(({ id, onlyOn }) => onlyOn ?? (placement >> id) & 1);
    expect(makespan(executor!, graph, Schedule.of(graph, share), overlap)).toBeGreaterThanOrEqual(makespanMs);
  }
  expect(canExhaust(graph)).toBe(true);
  expect(canExhaust(randomGraph(Rng.of(1, 'exhaustion'), { units: 40 }))).toBe(false);
});

test('the linear program: a diet of two foods', () => {
  // Least cost 3x + 2y with x + y >= 4, x + 3y >= 6, x = 2z: at x = 3, y = 1 the cost is 11; at x = 0, y = 4 it is 8.
  const program = new LinearProgram();
  const [x, y, z, cost] = [program.column(), program.column(), program.column(), program.column()];
  program.atLeast([[x, 1], [y, 1]], 4); // biome-ignore format: one row
  program.atLeast([[x, 1], [y, 3]], 6); // biome-ignore format: one row
  program.equal([[x, 1], [z, -2]], 0); // biome-ignore format: one row
  program.atLeast([[cost, 1], [x, -3], [y, -2]], 0); // biome-ignore format: one row
  expect(program.minimum(cost)).toBeCloseTo(8, 9);
});
