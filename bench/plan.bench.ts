// The minimum cut on random graphs, from the cost table to the schedule.
import { optimum } from '../agents/bounds/optimum.js';
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
  return [100, 1000].map((units) => {
    const random = Rng.of(units, 'bench');
    const graph = randomGraph(random, { units });
    const costs = executor.costs(graph);
    return {
      suite: 'plan',
      name: `min cut ${units}`,
      value: fastestMs(() => optimum({ graph, costs, conditions, random }), { callsPerBatch: 2000 / units }),
      unit: 'ms',
      better: 'lower',
      peer: null,
      peerValue: null,
      ratio: null,
      limit: null,
    };
  });
}
