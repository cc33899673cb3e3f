// The conformance suite of planners, and what each one promises.

import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import { ShareEnv } from '../../env/share/share-env.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { serialConditions as conditions } from '../../test/fixtures/serial-conditions.js';
import { rollout } from '../train-loop.js';
import { type PlannerName, planners } from './registry.js';

const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));
const names = Object.keys(planners) as PlannerName[];

function plan(name: PlannerName, seed: number, units = 40) {
  const graph = randomGraph(Rng.of(seed, 'planners'), { units, maxFanOut: 6 });
  const costs = executor.costs(graph);
  const schedule = planners[name].plan({ graph, costs, conditions, random: Rng.of(seed, 'planner', name) });
  return { graph, costs, schedule, latencyMs: executor.run(graph, schedule, conditions).makespanMs };
}

describe.each(names)('%s', (name) => {
  test('is deterministic given its stream', () => {
    for (let seed = 0; seed < 5; seed++) expect(plan(name, seed).schedule).toEqual(plan(name, seed).schedule);
  });

  test('plans a single unit', () => {
    expect(plan(name, 3, 1).schedule.share).toHaveLength(1);
  });

  test('driven through the environment gives exactly the makespan it gives outside', () => {
    for (let seed = 0; seed < 10; seed++) {
      const { graph, costs, schedule, latencyMs } = plan(name, seed);
      const env = new ShareEnv({ graph, executor, costs, conditions, shares: 'split' });
      let next = 0;
      const episode = rollout(env, { act: () => Float32Array.of(schedule.share[next++]!) }, seed);
      expect((episode.info.trace as { makespanMs: number }).makespanMs).toBe(latencyMs);
      expect(episode.return).toBeCloseTo(-latencyMs / env.referenceMs, 12);
    }
  });

  test('plans for both devices at once, whole units where those are asked for, and the model with nothing to choose', () => {
    const overlap = { ...conditions, execution: 'overlap' } as const;
    for (let seed = 0; seed < 3; seed++) {
      const graph = randomGraph(Rng.of(seed, 'planners'), { units: 12, maxFanOut: 4 });
      const onlyOn0 = { ...graph, units: graph.units.map((unit) => ({ ...unit, onlyOn: 0 as const })) };
      const problem = { graph, costs: executor.costs(graph), conditions: overlap, executor, evaluations: 20 };
      const planned = (more: object) =>
        planners[name].plan({ ...problem, random: Rng.of(seed, 'planner', name), ...more });
      expect('error' in executor.run(graph, planned({}), overlap)).toBe(false);
      const shares = [...planned({ whole: true, graphOrder: true }).share];
      expect(shares.filter((share) => share > 0 && share < 1)).toEqual([]);
      expect(Math.max(...planned({ graph: onlyOn0 }).share)).toBe(0);
    }
  });
});

describe('the rules', () => {
  test('single devices leave the other only what it alone can run', () => {
    const { graph, schedule } = plan('gpu-only', 1);
    for (const unit of graph.units) expect(schedule.share[unit.id]).toBe(unit.onlyOn ?? 1);
  });

  test('greedy takes, at each unit, the device that ends the partial schedule first', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { graph, schedule } = plan('greedy', seed);
      const clockAfter = (unit: number, share: number) => {
        const run = executor.begin(graph, conditions);
        let clockMs = 0;
        for (let id = 0; id < unit; id++) clockMs = run.decide(id, schedule.share[id]!);
        return { before: clockMs, after: run.decide(unit, share) };
      };
      for (const unit of graph.units) {
        // An output that must come back is charged by the simulator at once; greedy does not look that far.
        if (unit.onlyOn !== null || unit.outputs.some((id) => graph.tensors[id]!.graphOutput)) continue;
        const [on0, on1] = [clockAfter(unit.id, 0).after, clockAfter(unit.id, 1).after];
        if (Math.abs(on0 - on1) > 1e-12)
          expect(schedule.share[unit.id], `seed ${seed}, unit ${unit.id}`).toBe(Number(on1 < on0));
      }
    }
  });

  test('the tuned thresholds are never worse than the medians, and better somewhere', () => {
    const differences = Array.from(
      { length: 20 },
      (_, seed) => plan('static-threshold', seed).latencyMs - plan('static-threshold-tuned', seed).latencyMs,
    );
    expect(Math.min(...differences)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...differences)).toBeGreaterThan(0);
  });

  test('the static threshold places by the medians of flops and sparsity', () => {
    const { graph, schedule } = plan('static-threshold', 4, 41);
    const middle = (values: number[]) => values.sort((a, b) => a - b)[20]!;
    const flops = middle(graph.units.map((unit) => unit.flops));
    const sparsity = middle(graph.units.map((unit) => unit.activationSparsity ?? 0));
    for (const unit of graph.units) {
      const expected = unit.onlyOn ?? Number(unit.flops >= flops && (unit.activationSparsity ?? 0) <= sparsity);
      expect(schedule.share[unit.id]).toBe(expected);
    }
  });
});
