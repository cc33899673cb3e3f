// Planners on random graphs, from the cost table to the schedule: minimum cuts, and HEFT from the task graph.
import { planners } from '../agents/baselines/registry.js';
import { heft } from '../agents/baselines/task-graphs/heft.js';
import { taskGraphOf } from '../agents/baselines/task-graphs/planners.js';
import { Rng } from '../base/random/rng.js';
import type { Conditions } from '../engine/conditions.js';
import { createSimulator } from '../engine/simulator/simulator.js';
import { loadProfile } from '../predictor/profiles/profile.js';
import { randomGraph } from '../test/fixtures/random-graph.js';
import { fastestMs } from './measure.js';
import type { BenchResult } from './result.js';

const conditions: Conditions = { seed: 0, execution: 'serial', mode: 'maxn', load: null, memoryBudgetBytes: null };

export async function planSuite(): Promise<BenchResult[]> {
  const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));
  const problemOf = (units: number) => {
    const random = Rng.of(units, 'bench');
    const graph = randomGraph(random, { units });
    return { graph, costs: executor.costs(graph), conditions, random };
  };
  const cuts = [100, 1000].map((units) => {
    const problem = problemOf(units);
    const run = () => planners.optimum.plan(problem);
    return row(`min cut ${units}`, fastestMs(run, { callsPerBatch: 2000 / units }), null);
  });
  const shares = problemOf(500);
  const tasks = problemOf(1000);
  const graph = taskGraphOf(tasks.graph, tasks.costs);
  return [
    ...cuts,
    row(
      'min cut 500 x 11 shares',
      fastestMs(() => planners['optimum-shares'].plan(shares)),
      100,
    ),
    row(
      'HEFT 1000',
      fastestMs(() => heft(graph)),
      5,
    ),
  ];
}

function row(name: string, value: number, limit: number | null): BenchResult {
  return { suite: 'plan', name, value, unit: 'ms', better: 'lower', peer: null, peerValue: null, ratio: null, limit };
}
