// The policies against the plan they stand for, and against brute force.
import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { branchPlan } from '../../engine/memory/branch-plan.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import type { Trace } from '../../engine/trace.js';
import { BranchesEnv } from '../../env/branches/branches-env.js';
import type { BranchesEnvOptions } from '../../env/branches/branches-problem.js';
import type { OperatorGraph } from '../../models/graph.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { toyGraph } from '../../test/fixtures/toy-board.js';
import { type BranchPolicy, branchPolicies } from './branch-policies.js';
import { planners } from './registry.js';

const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));
const conditions = { seed: 0, execution: 'overlap', mode: 'maxn', load: null, memoryBudgetBytes: null } as const;

const envOf = (graph: OperatorGraph, options: BranchesEnvOptions) =>
  new BranchesEnv({ graph, executor, costs: executor.costs(graph), conditions, ...options });

function played(env: BranchesEnv, policy: BranchPolicy) {
  env.reset({ seed: 0 });
  for (let total = 0; ; ) {
    const { reward, terminated, info } = env.step(policy(env));
    total += reward;
    if (terminated) return { total, slots: info.slots as number[][], trace: info.trace as Trace };
  }
}

/** Four chains of 3, 3, 3 and 5 operators between a fork and a join. */
const shape = toyGraph([[], [0], [1], [2], [0], [4], [5], [0], [7], [8], [0], [10], [11], [12], [13], [3, 6, 9, 14]]);
const chains: OperatorGraph = { ...shape, units: shape.units.map((unit) => ({ ...unit, flops: 1e6, macs: 5e5 })) };

test.each([1, 2, 3])("Parallax's rule plays the slots of its plan, on %i lanes", (lanes) => {
  const graphs = [chains, ...Array.from({ length: 6 }, (_, seed) => randomGraph(Rng.of(seed, 'rule'), { units: 20 }))];
  for (const graph of graphs) {
    const env = envOf(graph, { lanes, budget: 2, window: 64 });
    const plan = branchPlan(graph, { budgetBytes: env.limits.budgetBytes, threads: lanes });
    const slots: number[][] = [];
    plan.branches.forEach(({ slot }, branch) => {
      (slots[slot] ??= []).push(branch);
    });
    // Random graphs have branches that one device alone can run; those go there, and nothing else changes.
    expect(played(env, branchPolicies['parallax-rule']).slots).toEqual(slots);
  }
});

test('the rule lets three equal chains run together, a longer one by itself; a budget for two leaves two', () => {
  const slots = (lanes: number, budget: number | null) =>
    played(envOf(chains, { lanes, budget, window: 8 }), branchPolicies['parallax-rule']).slots;
  expect(slots(4, null)).toEqual([[0], [1, 2, 3], [4], [5]]);
  expect(slots(2, null)).toEqual([[0], [1, 2], [3], [4], [5]]);
  const env = envOf(chains, { lanes: 4, budget: 1, window: 8 });
  const fit = Math.floor(env.limits.budgetBytes / env.branches[1]!.peakBytes);
  expect(slots(4, 1)[1]).toHaveLength(Math.min(3, fit));
});

test('one after the other, and as many as may be', () => {
  const env = envOf(chains, { lanes: 2, budget: null, window: 8 });
  expect(played(env, branchPolicies.sequential).slots).toEqual([[0], [1], [2], [3], [4], [5]]);
  expect(played(env, branchPolicies.parallel).slots).toEqual([[0], [1, 2], [3, 4], [5]]);
});

test('branches go to the accelerator, or where most of their units are in the schedule of a planner', () => {
  for (let seed = 0; seed < 10; seed++) {
    const graph = randomGraph(Rng.of(seed, 'devices'), { units: 24, maxFanOut: 4 });
    const env = envOf(graph, { lanes: 2, budget: null, window: 64 });
    const shareOf = (name: 'greedy' | 'heft' | 'optimum') =>
      planners[name].plan({ graph, costs: executor.costs(graph), conditions, random: Rng.of(0, 'unused') }).share;
    const wanted = {
      accelerated: () => 1,
      'greedy-branches': (units: readonly number[]) => most(units, shareOf('greedy')),
      'heft-branches': (units: readonly number[]) => most(units, shareOf('heft')),
      'optimum-branches': (units: readonly number[]) => most(units, shareOf('optimum')),
    };
    for (const [name, deviceOf] of Object.entries(wanted)) {
      const { trace } = played(env, branchPolicies[name as keyof typeof wanted]);
      for (const { units, on } of env.branches) {
        const device = deviceOf(units);
        for (const unit of units)
          expect(trace.schedule.share[unit], `${name}, unit ${unit}`).toBe(on[device] ? device : 1 - device);
      }
    }
  }
});

const most = (units: readonly number[], share: Float32Array): number =>
  Number(units.filter((unit) => share[unit]! >= 0.5).length > units.length / 2);

test('no policy is better than the best of all feasible choices, and each is one of them', () => {
  for (let seed = 0; seed < 2; seed++) {
    const env = envOf(randomGraph(Rng.of(seed, 'brute'), { units: 5 }), { lanes: 2, budget: 1.5, window: 5 });
    const returns: number[] = [];
    const visit = (at: BranchesEnv, total: number): void => {
      at.actionMask().forEach((allowed, action) => {
        if (!allowed) return;
        const fork = at.fork();
        const { reward, terminated } = fork.step(action);
        if (terminated) returns.push(total + reward);
        else visit(fork, total + reward);
      });
    };
    env.reset({ seed: 0 });
    visit(env.fork(), 0);
    for (const policy of Object.values(branchPolicies)) {
      const { total } = played(env, policy);
      expect(total, `seed ${seed}`).toBeLessThanOrEqual(Math.max(...returns));
      expect(returns.some((each) => Math.abs(each - total) < 1e-12)).toBe(true);
    }
  }
});
