// SparOA/Branches-v0 against the contract, brute force and the executor itself.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { Conditions } from '../../engine/conditions.js';
import { Schedule } from '../../engine/schedule.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import type { Trace } from '../../engine/trace.js';
import type { OperatorGraph } from '../../models/graph.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { toyGraph } from '../../test/fixtures/toy-board.js';
import { checkEnv } from '../gym/check/check-env.js';
import { make } from '../gym/registry.js';
import { BranchFront, branchInfos, closing, type Move } from './branch-front.js';
import { BranchesEnv } from './branches-env.js';
import type { BranchesEnvOptions } from './branches-problem.js';
import './branches-options.js';

const conditions: Conditions = { seed: 0, execution: 'serial', mode: 'maxn', load: null, memoryBudgetBytes: null };
const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));

function envOf(graph: OperatorGraph, options: Partial<BranchesEnvOptions> = {}): BranchesEnv {
  const costs = executor.costs(graph);
  return new BranchesEnv({ graph, executor, costs, conditions, lanes: 2, budget: 2, window: 8, ...options });
}

const drawn = (seed: number, units: number) => randomGraph(Rng.of(seed, 'branches-env'), { units, maxFanOut: 4 });

describe('SparOA/Branches-v0', () => {
  test('conforms to the contract, with a budget and without, however many lanes and ready branches there are', async () => {
    const settings = [{}, { budget: null, lanes: 3 }, { budget: 1, window: 2 }, { lanes: 1 }];
    for (const [seed, options] of settings.entries()) {
      const { skipped, advice } = await checkEnv(() => envOf(drawn(seed, 10), options), { seed });
      expect(advice).toEqual([]);
      expect(skipped.map(({ check }) => check)).toEqual(['reward sign']);
    }
  });

  test('rewards add up to minus the latency of the schedule it says, in units of the better single device', () => {
    for (let seed = 0; seed < 10; seed++) {
      const env = envOf(drawn(seed, 24), { lanes: 1 + (seed % 3) });
      const { total, info } = episode(env, Rng.of(seed, 'actions'));
      const trace = info.trace as Trace;
      expect(total).toBeCloseTo(-trace.makespanMs / env.referenceMs, 12);
      const again = executor.run(env.graph, trace.schedule, trace.conditions);
      expect('error' in again ? again : again.makespanMs).toBe(trace.makespanMs);
      expect(env.guarantees.violations!(info)).toEqual([]);
      const alone = ([0, 1] as const).map((device) => {
        const result = executor.run(env.graph, Schedule.onDevice(env.graph, device), trace.conditions);
        return 'error' in result ? Number.NaN : result.makespanMs;
      });
      expect(env.referenceMs).toBe(Math.min(...alone));
    }
  });

  test('its masks leave exactly the feasible choices: every sequence of slots that precedence, lanes and budget allow', () => {
    for (let seed = 0; seed < 8; seed++) {
      const graph = drawn(seed, 5);
      const env = envOf(graph, { budget: 1 + (seed % 3) / 2, lanes: 1 + (seed % 2), window: 5 });
      const [best, sequences] = explored(env);
      const brute = feasible(env);
      expect([...sequences].sort(), `seed ${seed}`).toEqual([...brute].sort());
      expect(best).toBeLessThan(0);
    }
  });

  test('two branches of 4 operators start together within the budget, and one after the other below it', () => {
    // 0 forks into 1-2-3 and 4-5-6, which 7 joins; every tensor has 16 bytes, 64 in an arena.
    const graph = toyGraph([[], [0], [1], [2], [0], [4], [5], [3, 6]]);
    const branches = branchInfos(graph);
    expect(branches.map(({ units }) => [...units])).toEqual([[0], [1, 2, 3], [4, 5, 6], [7]]);
    const sum = branches[1]!.peakBytes + branches[2]!.peakBytes;
    const front = (budgetBytes: number) => {
      const moves: Move[] = [0, 1].map((branch) => ({ branch, device: 0 }));
      return BranchFront.after(branches, { lanes: 2, window: 4, budgetBytes }, moves);
    };
    expect(front(sum).fits(2, 0)).toBe(true);
    expect(front(sum).closable).toBe(true);
    // Nothing fits beside it: the slot has closed itself, and the other is ready for the next.
    expect(front(sum - 1).open).toEqual([]);
    expect(front(sum - 1).choices).toEqual([2]);
    const both = front(sum);
    both.make({ branch: 2, device: 0 });
    expect(both.order()).toEqual([0, 4, 1, 5, 2, 6, 3]);
    expect([...both.placement(graph).lane.subarray(0, 7)]).toEqual([0, 0, 0, 0, 1, 1, 1]);
  });

  test('refuses what the mask forbids, and says why', () => {
    const env = envOf(toyGraph([[], [0], [0], [1, 2]]), { window: 2 });
    expect(() => env.step(0)).toThrow(/without an episode/);
    env.reset({ seed: 0 });
    expect(() => env.step(5)).toThrow(/is 5, outside|not in Discrete\(5\)/);
    expect(() => env.step(4)).toThrow(/slot cannot be closed.*\n.*actionMask/);
    expect(() => env.step(2)).toThrow(/no ready branch 1/);
  });

  test('draws the episode so far', () => {
    const env = envOf(drawn(0, 14));
    env.reset({ seed: 0 });
    env.step(0);
    expect(env.render('ansi')).toMatch(/^1 of \d+ branches in 1 slots\n/);
    expect(env.render('svg')).toContain('<svg');
    expect(() => env.render('gif')).toThrow(/no render mode "gif"/);
  });

  test('is made by its id; bad options are named', async () => {
    const model = 'model://mobilenetv3-small?size=32';
    const env = await make('SparOA/Branches-v0', { model, lanes: 3, budget: 1.5 });
    expect(env.reset({ seed: 0 }).info.budgetBytes).toBe(
      Math.floor(1.5 * Math.max(...env.branches.map(({ peakBytes }) => peakBytes))),
    );
    await expect(make('SparOA/Branches-v0', { model, budget: 0.5 })).rejects.toThrow(
      /Branches-v0: .*budget.*\nOptions: model/s,
    );
    await expect(make('SparOA/Branches-v0', { model, lanes: 7 })).rejects.toThrow(/lanes/);
  });
});

function episode(env: BranchesEnv, rng: Rng) {
  let { info } = env.reset({ seed: 1 });
  for (let total = 0; ; ) {
    const result = env.step(env.actionSpace.sample(rng, info.actionMask as Uint8Array));
    total += result.reward;
    info = result.info;
    if (result.terminated || result.truncated) return { total, info };
  }
}

/** A sequence of slots as text: lanes and accelerator of each. */
const textOf = (slots: readonly (readonly Move[])[]) =>
  slots.map((slot) => slot.map(({ branch, device }) => `${branch}${device ? 'g' : 'c'}`).join(',')).join('|');

/** Every sequence that the masks leave, and the best return. */
function explored(env: BranchesEnv): [number, Set<string>] {
  let best = Number.NEGATIVE_INFINITY;
  const seen = new Set<string>();
  const visit = (at: BranchesEnv, mask: Uint8Array, total: number, slots: Move[][]): void => {
    mask.forEach((allowed, action) => {
      if (!allowed) return;
      const fork = at.fork();
      const opens = at.openSlot.length === 0;
      const closes = action === mask.length - 1;
      const move: Move = closes ? closing : { branch: at.choices[action >> 1]!, device: (action & 1) as 0 | 1 };
      const next = closes ? slots : opens ? [...slots, [move]] : [...slots.slice(0, -1), [...slots.at(-1)!, move]];
      const { reward, terminated, info } = fork.step(action);
      if (terminated) {
        best = Math.max(best, total + reward);
        seen.add(textOf(next));
      } else visit(fork, info.actionMask as Uint8Array, total + reward, next);
    });
  };
  visit(env, env.reset({ seed: 0 }).info.actionMask as Uint8Array, 0, []);
  return [best, seen];
}

/** The same without the environment: ordered subsets of what is ready, filtered by the rules. */
function feasible({ branches, limits }: BranchesEnv): Set<string> {
  const seen = new Set<string>();
  const visit = (done: ReadonlySet<number>, slots: Move[][]): void => {
    if (done.size === branches.length) {
      seen.add(textOf(slots));
      return;
    }
    const ready = branches.flatMap(({ before }, branch) =>
      !done.has(branch) && before.every((other) => done.has(other)) ? [branch] : [],
    );
    const grow = (slot: Move[]): void => {
      if (slot.length > 0) visit(new Set([...done, ...slot.map(({ branch }) => branch)]), [...slots, slot]);
      for (const branch of ready) {
        if (slot.some((move) => move.branch === branch)) continue;
        for (const device of [0, 1] as const) {
          const next = [...slot, { branch, device }];
          const bytes = next.reduce((sum, move) => sum + branches[move.branch]!.peakBytes, 0);
          const onCpu = next.filter((move) => move.device === 0).length;
          const possible = branches[branch]!.on[device] && bytes <= limits.budgetBytes;
          if (possible && onCpu <= limits.lanes && next.length - onCpu <= 1) grow(next);
        }
      }
    };
    grow([]);
  };
  visit(new Set(), []);
  return seen;
}
