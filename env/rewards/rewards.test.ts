// Rewards by name: each adds up to what its definition says of the whole execution.

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../base/files/paths.js';
import { Rng } from '../../base/random/rng.js';
import type { Executor } from '../../engine/executor.js';
import { openScenario } from '../../engine/scenario.js';
import { Schedule } from '../../engine/schedule.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import type { Trace } from '../../engine/trace.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { serialConditions as conditions } from '../../test/fixtures/serial-conditions.js';
import { checkEnv } from '../gym/check/check-env.js';
import { make } from '../gym/registry.js';
import { ShareEnv } from '../share/share-env.js';
import type { ShareProblem } from '../share/share-problem.js';
import type { RewardOptions } from './rewards.js';
import '../share/share-options.js';

const simulator = createSimulator(loadProfile('profile://jetson-agx-orin'));

function problem(seed: number, options: RewardOptions, executor: Executor = simulator): ShareProblem {
  const graph = randomGraph(Rng.of(seed, 'rewards'), { units: 16, maxFanOut: 4 });
  return { graph, executor, costs: simulator.costs(graph), conditions, shares: 'split', ...options };
}

function episode(env: ShareEnv, seed: number) {
  const rng = Rng.of(seed, 'actions');
  const rewards: number[] = [];
  env.reset({ seed: 0 });
  for (;;) {
    const { reward, terminated, truncated, info } = env.step(env.actionSpace.sample(rng));
    rewards.push(reward);
    if (terminated || truncated) return { rewards, total: rewards.reduce((a, b) => a + b), trace: info.trace as Trace };
  }
}

describe('rewards', () => {
  test.each<RewardOptions>([
    { reward: 'deadline', deadline: 0.9 },
    { reward: 'weighted', deadline: 1.1, weights: { latency: 0.3, deadline: 2 } },
  ])('conforms to the contract: %o', async (options) => {
    const { advice, skipped } = await checkEnv(() => new ShareEnv(problem(0, options)));
    expect([advice, skipped.map(({ check }) => check)]).toEqual([[], ['masks']]);
    const overlap = { ...conditions, execution: 'overlap' } as const;
    expect((await checkEnv(() => new ShareEnv({ ...problem(0, options), conditions: overlap }))).advice).toEqual([]);
  });

  test('deadline: -1 at the unit at which the clock passes it, and nothing else', () => {
    let misses = 0;
    for (let seed = 0; seed < 40; seed++) {
      const clock = episode(new ShareEnv(problem(seed, {})), seed);
      // Every other one is met.
      const deadline = -clock.total * (seed % 2 ? 1.3 : 0.7);
      const env = new ShareEnv(problem(seed, { reward: 'deadline', deadline }));
      const { rewards, trace } = episode(env, seed);
      let sum = 0;
      const passed = clock.rewards.findIndex((reward) => (sum -= reward) > deadline);
      expect(rewards.map(Math.abs)).toEqual(rewards.map((_, unit) => Number(unit === passed)));
      expect(rewards.some((reward) => reward < 0)).toBe(trace.makespanMs > deadline * env.referenceMs);
      misses += Number(passed >= 0);
    }
    expect(misses).toBe(20);
  });

  test('weighted: the weighted sum of its terms, step by step', () => {
    for (let seed = 0; seed < 10; seed++) {
      const weights = { latency: 0.25, deadline: 3 };
      const of = (options: RewardOptions) => episode(new ShareEnv(problem(seed, options)), seed).rewards;
      const [latency, missed] = [of({}), of({ reward: 'deadline', deadline: 1.2 })];
      const both = of({ reward: 'weighted', weights, deadline: 1.2 });
      for (const [i, reward] of both.entries()) expect(reward).toBeCloseTo(0.25 * latency[i]! + 3 * missed[i]!, 12);
    }
  });

  test('an execution that fails brings the return to -10 whatever the reward', () => {
    const failing: Executor = {
      ...simulator,
      begin(graph, under) {
        const run = simulator.begin(graph, under);
        return {
          state: run.state,
          decide: (unit, share) => (unit === 9 ? Number.NaN : run.decide(unit, share)),
          finish: () => ({ error: 'device lost', unit: 9, device: 1 }),
        };
      },
    };
    const { rewards, total } = episode(new ShareEnv(problem(1, { reward: 'deadline', deadline: 1e-9 }, failing)), 1);
    expect([rewards.length, total]).toEqual([10, -10]);
  });

  // An executor whose energy is of an invented law that is no board's: two rails,
  // one of constant power, one that counts work on device 1.
  const rails = ({ makespanMs, schedule }: Trace) => ({
    board: 5 * makespanMs,
    device1: schedule.share.reduce((sum, share) => sum + 2 * share, 1),
  });
  const metered: Executor = {
    ...simulator,
    begin(graph, under) {
      const run = simulator.begin(graph, under);
      return {
        state: run.state,
        decide: (unit, share) => run.decide(unit, share),
        finish() {
          const trace = run.finish() as Trace;
          return { ...trace, energyMj: rails(trace) };
        },
      };
    },
    run(...args) {
      const trace = simulator.run(...args) as Trace;
      return { ...trace, energyMj: rails(trace) };
    },
  };

  test('energy and energy-delay, where traces have energy: at the last step, in units of the better single device', () => {
    for (let seed = 0; seed < 10; seed++) {
      const one = problem(seed, { reward: 'energy' }, metered);
      const sum = (trace: Trace) => rails(trace).board + rails(trace).device1;
      const single = ([0, 1] as const)
        .map((device) => simulator.run(one.graph, Schedule.onDevice(one.graph, device), conditions))
        .reduce((a, b) => (a.makespanMs <= b.makespanMs ? a : b));
      const { rewards, trace } = episode(new ShareEnv(one), seed);
      const ratio = sum(trace) / sum(single);
      expect(rewards.slice(0, -1).every((reward) => Math.abs(reward) === 0)).toBe(true);
      expect(rewards.at(-1)).toBeCloseTo(-ratio, 12);
      const product = episode(new ShareEnv(problem(seed, { reward: 'energy-delay' }, metered)), seed);
      expect(product.total).toBeCloseTo((-ratio * trace.makespanMs) / single.makespanMs, 12);
      const weights = { latency: 1, energy: 0.5 };
      const mixed = episode(new ShareEnv(problem(seed, { reward: 'weighted', weights }, metered)), seed);
      expect(mixed.total).toBeCloseTo(-trace.makespanMs / single.makespanMs - 0.5 * ratio, 12);
    }
  });

  test('energy is not invented: rewards that need it are refused where it is unknown', async () => {
    const model = 'model://mobilenetv3-small?size=32';
    const { power: _, ...bare } = JSON.parse(
      readFileSync(join(packageRoot, 'predictor/profiles/boards/jetson-agx-orin.json'), 'utf8'),
    );
    const path = join(mkdtempSync(join(tmpdir(), 'sparoa-powerless-')), 'powerless.json');
    writeFileSync(path, JSON.stringify(bare));
    const profile = `file://${path}`;
    const { trace } = episode(new ShareEnv({ ...(await openScenario(model, profile)) }), 0);
    expect(trace.energyMj).toBeNull();
    for (const options of [
      { reward: 'energy' },
      { reward: 'energy-delay' },
      { reward: 'weighted', weights: { latency: 1, energy: 1 } },
    ] as const)
      await expect(make('SparOA/Share-v0', { model, profile, ...options })).rejects.toThrow(
        /needs energy, .*powerless.*no model of power.*\nName a profile with "power"/s,
      );
  });

  test.each<[RewardOptions, RegExp]>([
    [{ reward: 'latncy' as never }, /"latncy" is unknown.*\n.*"latency"/s],
    [{ reward: 'deadline' }, /without a deadline/],
    [{ deadline: 1 }, /which "latency" does not know/],
    [{ reward: 'deadline', deadline: 0 }, /the deadline is 0/],
    [{ reward: 'weighted' }, /without weights/],
    [{ weights: { latency: 1 } }, /the reward is "latency"/],
    [{ reward: 'weighted', weights: { latency: -1 } }, /the weight of latency is -1/],
    [{ reward: 'weighted', weights: { latncy: 1 } as never }, /no weight "latncy".*\n.*"latency"/s],
    [{ reward: 'weighted', weights: { latency: 0 } }, /every weight is 0/],
  ])('refused: %o', (options, message) => {
    expect(() => new ShareEnv(problem(0, options))).toThrow(message);
  });
});
