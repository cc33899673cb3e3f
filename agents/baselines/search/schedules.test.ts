// Searches over schedules against brute force, against what they begin with, and their budget against a count of executions.
import { expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import type { Conditions } from '../../../engine/conditions.js';
import type { Executor } from '../../../engine/executor.js';
import type { Scenario } from '../../../engine/scenario.js';
import { Schedule } from '../../../engine/schedule.js';
import { createSimulator } from '../../../engine/simulator/simulator.js';
import type { Trace } from '../../../engine/trace.js';
import { energyOf } from '../../../env/rewards/rewards.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { loadProfile } from '../../../predictor/profiles/profile.js';
import { randomGraph } from '../../../test/fixtures/random-graph.js';
import { splitShares } from '../list-scheduling.js';
import { costOf, goalNamed } from '../objective.js';
import type { PlanningProblem } from '../planner.js';
import { planIn, planners, registerBaseline } from '../registry.js';
import { annealing, byStages, randomSearch } from './schedules.js';

const simulator = createSimulator(loadProfile('profile://jetson-orin-nano?mode=15w&precision=fp16&launch=runtime'));
const serial: Conditions = { seed: 0, execution: 'serial', mode: '15w', load: null, memoryBudgetBytes: null };
const overlap: Conditions = { ...serial, execution: 'overlap' };

function problemOf(graph: OperatorGraph, conditions: Conditions, seed: number, more: Partial<PlanningProblem> = {}) {
  const random = Rng.of(seed, 'search');
  return { graph, costs: simulator.costs(graph), conditions, random, executor: simulator, ...more };
}

const graphOf = (seed: number, units: number) => randomGraph(Rng.of(seed, 'schedules'), { units, maxFanOut: 3 });

function latencyMs({ graph, conditions }: PlanningProblem, schedule: Schedule): number {
  const result = simulator.run(graph, schedule, conditions);
  return 'error' in result ? Number.POSITIVE_INFINITY : result.makespanMs;
}

/** The least latency over all devices and shares of the units from `id` on. */
function bruteForce(problem: PlanningProblem, share: number[] = []): number {
  const { graph, whole } = problem;
  const unit = graph.units[share.length];
  if (!unit) return latencyMs(problem, Schedule.of(graph, share));
  const splits = !whole && unit.splitAxis !== null ? splitShares : [];
  const choices = unit.onlyOn === null ? [0, 1, ...splits] : [unit.onlyOn];
  return Math.min(...choices.map((choice) => bruteForce(problem, [...share, choice])));
}

const onCpu = ({ graph }: PlanningProblem) => Schedule.onDevice(graph, 0);

test.each([
  { conditions: serial, units: 8, whole: true, budget: 4000 },
  { conditions: overlap, units: 7, whole: true, budget: 1500 },
  { conditions: serial, units: 4, whole: false, budget: 6000 },
  { conditions: overlap, units: 3, whole: false, budget: 1500 },
])('annealing equals brute force: $conditions.execution, $units units, whole: $whole', (given) => {
  for (let seed = 0; seed < 8; seed++) {
    const problem = problemOf(graphOf(seed, given.units), given.conditions, seed, {
      whole: given.whole,
      evaluations: given.budget,
    });
    const found = annealing(problem, [onCpu(problem)]);
    expect(latencyMs(problem, found), `seed ${seed}`).toBeCloseTo(bruteForce(problem), 9);
  }
});

test.each(['energy', 'energy-delay'] as const)('annealing minimises %s: brute force over executions', (name) => {
  for (const conditions of [serial, overlap])
    for (let seed = 0; seed < 3; seed++) {
      const profile = loadProfile('profile://jetson-agx-orin?launch=eager&transfer=copy');
      const executor = createSimulator(profile);
      const graph = graphOf(seed, 6);
      const scenario = { graph, executor, costs: executor.costs(graph), conditions } as unknown as Scenario;
      const goal = goalNamed(name, scenario)!;
      const found = planIn(planners.annealing, scenario, { random: Rng.of(seed, 'goal'), goal, whole: true });
      const costs = Array.from({ length: 2 ** 6 }, (_, bits) => {
        const share = graph.units.map(({ id, onlyOn }) => onlyOn ?? (bits >> id) & 1);
        return goalOf(Schedule.of(graph, share));
      });
      function goalOf(schedule: Schedule): number {
        const result = executor.run(graph, schedule, conditions) as Trace;
        return costOf(goal, result.makespanMs, energyOf(result)!);
      }
      expect(goalOf(found), `seed ${seed}`).toBeCloseTo(Math.min(...costs), 9);
    }
});

test('neither annealing nor stages are worse than any of their starts', () => {
  for (const conditions of [serial, overlap])
    for (let seed = 0; seed < 6; seed++) {
      const problem = problemOf(graphOf(seed, 30), conditions, seed, { evaluations: 60 });
      const random = Rng.of(seed, 'starts');
      const starts = Array.from({ length: 5 }, () => planners.random.plan({ ...problem, random }));
      const least = Math.min(...starts.map((start) => latencyMs(problem, start)));
      for (const improve of [annealing, byStages])
        expect(latencyMs(problem, improve(problem, starts)), `seed ${seed}`).toBeLessThanOrEqual(least * (1 + 1e-12));
    }
});

test('as planners they are never behind the others, but for the optimum of serial execution', () => {
  for (const conditions of [serial, overlap])
    for (let seed = 0; seed < 3; seed++) {
      const problem = problemOf(graphOf(seed, 25), conditions, seed, { graphOrder: true });
      const msOf = (schedule: Schedule) => latencyMs(problem, Schedule.of(problem.graph, schedule.share));
      const [annealed, staged] = [planners.annealing, planners['best-by-stages']].map(({ plan }) =>
        msOf(plan(problem)),
      );
      for (const [name, { plan, stochastic, ...entry }] of Object.entries(planners)) {
        if (stochastic || 'searches' in entry || (name.startsWith('optimum') && conditions === serial)) continue;
        const otherMs = msOf(plan(problem)) * (1 + 1e-12);
        expect(annealed, `${name}, seed ${seed}`).toBeLessThanOrEqual(otherMs);
        expect(staged, `${name}, seed ${seed}`).toBeLessThanOrEqual(otherMs);
      }
    }
});

/** The simulator, and how many schedules it has executed. */
function counted(): { executor: Executor; count: () => number } {
  let done = 0;
  const run: Executor['run'] = (graph, schedule, conditions) => {
    done++;
    return simulator.run(graph, schedule, conditions);
  };
  return { executor: { ...simulator, run }, count: () => done };
}

test('a budget counts every execution, starts included', () => {
  const graph = graphOf(3, 12);
  for (const evaluations of [1, 2, 3, 7, 50]) {
    for (const [search, atMost] of [
      [annealing, false],
      [randomSearch, false],
      [byStages, true],
    ] as const) {
      // biome-ignore format: a table
      const { executor, count } = counted();
      const problem = problemOf(graph, overlap, 0, { executor, evaluations });
      const starts = [0, 1].map((device) => Schedule.onDevice(graph, device as 0 | 1));
      search(problem, starts);
      if (atMost) expect(count()).toBeLessThanOrEqual(evaluations);
      else expect(count()).toBe(evaluations);
    }
    const { executor, count } = counted();
    planners['co-execution-grid'].plan(problemOf(graph, overlap, 0, { executor, evaluations }));
    expect(count()).toBeLessThanOrEqual(evaluations);
  }
});

test('searches place units as they are played: whole, and in the order of the graph', () => {
  for (let seed = 0; seed < 3; seed++) {
    const problem = problemOf(graphOf(seed, 20), overlap, seed, { whole: true, graphOrder: true, evaluations: 50 });
    for (const name of ['annealing', 'random-search', 'best-by-stages', 'co-execution', 'co-execution-grid'] as const) {
      const { share, order } = planners[name].plan(problem);
      expect(
        [...share].every((each) => each === 0 || each === 1),
        name,
      ).toBe(true);
      expect([...order], name).toEqual(problem.graph.units.map(({ id }) => id));
    }
  }
});

test('the same seed finds the same schedule, another seed looks elsewhere', () => {
  const graph = graphOf(1, 40);
  const shares = (seed: number) =>
    [annealing, randomSearch].map((search) =>
      search(problemOf(graph, overlap, seed, { evaluations: 40 }), [Schedule.onDevice(graph, 0)]).share.join(),
    );
  expect(shares(0)).toEqual(shares(0));
  expect(shares(0)).not.toEqual(shares(1));
});

test('a larger budget never makes random search worse', () => {
  const graph = graphOf(5, 30);
  const msOf = (evaluations: number) => {
    const problem = problemOf(graph, serial, 7, { evaluations });
    return latencyMs(problem, randomSearch(problem));
  };
  const latencies = [1, 3, 10, 100].map(msOf);
  expect(latencies).toEqual(latencies.toSorted((a, b) => b - a));
});

test('an impossible start is left for a possible schedule', () => {
  const graph = graphOf(2, 10);
  const unlimited = problemOf(graph, overlap, 0);
  // One unit of the GPU's schedule plans for more than this; the other device's does too, so every schedule fails.
  const none = { ...unlimited, conditions: { ...overlap, memoryBudgetBytes: 1 }, evaluations: 20 };
  expect(annealing(none, [onCpu(none)]).share).toHaveLength(10);
});

test('a bad budget, and overlap execution without an executor, are refused', () => {
  const graph = graphOf(0, 5);
  for (const evaluations of [0, -1, 1.5, Number.NaN])
    expect(() => randomSearch(problemOf(graph, serial, 0, { evaluations }))).toThrow(/evaluations is/);
  const { executor: _, ...alone } = problemOf(graph, overlap, 0);
  expect(() => randomSearch(alone)).toThrow(/no executor/);
  const measured = { ...simulator, kind: 'measured' } as unknown as Executor;
  expect(() => randomSearch({ ...alone, executor: measured })).toThrow(/devices would have to execute/);
});

test('a planner of a plug-in is one that they begin with', () => {
  const graph = graphOf(4, 9);
  const problem = problemOf(graph, overlap, 0, { evaluations: 40 });
  const seen: number[] = [];
  registerBaseline('counted', {
    plan: ({ graph: own }) => {
      seen.push(own.units.length);
      return Schedule.onDevice(own, 1);
    },
    summary: 'counts its calls',
    stochastic: false,
  });
  planners.annealing.plan(problem);
  planners['best-by-stages'].plan(problem);
  expect(seen).toEqual([9, 9]);
});
