import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { Executor } from '../../engine/executor.js';
import { Schedule } from '../../engine/schedule.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import type { Trace } from '../../engine/trace.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { serialConditions as conditions } from '../../test/fixtures/serial-conditions.js';
import { checkEnv } from '../gym/check/check-env.js';
import { environmentIds, make } from '../gym/registry.js';
import { failureReturn } from '../rewards/rewards.js';
import { ShareEnv } from './share-env.js';
import type { ShareProblem } from './share-problem.js';
import './share-options.js';

const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));

function problem(seed: number, extra: Partial<ShareProblem> = {}): ShareProblem {
  const graph = randomGraph(Rng.of(seed, 'share-env'), { units: 30, maxFanOut: 5 });
  return { graph, executor, costs: executor.costs(graph), conditions, ...extra };
}

/** An episode with actions from `stream`. */
function episode(env: ShareEnv, rng: Rng) {
  env.reset({ seed: 1 });
  const actions: number[] = [];
  const rewards: number[] = [];
  for (;;) {
    const action = env.actionSpace.sample(rng);
    const result = env.step(action);
    actions.push(action[0]!);
    rewards.push(result.reward);
    if (result.terminated || result.truncated) return { actions, rewards, result };
  }
}

describe('SparOA/Share-v0', () => {
  test.each(['binary', 'split'] as const)('conforms to the contract with %s shares', async (shares) => {
    for (let seed = 0; seed < 5; seed++) {
      const { advice, skipped } = await checkEnv(() => new ShareEnv(problem(seed, { shares })), { seed });
      expect(advice).toEqual([]);
      expect(skipped.map(({ check }) => check)).toEqual(['masks']);
    }
  });

  test('rewards telescope: the return is minus the latency in units of the better single device', () => {
    for (let seed = 0; seed < 50; seed++) {
      const env = new ShareEnv(problem(seed, { shares: seed % 2 ? 'split' : 'binary' }));
      const { rewards, result } = episode(env, Rng.of(seed, 'actions'));
      const trace = result.info.trace as Trace;
      const total = rewards.reduce((a, b) => a + b, 0);
      expect(Math.abs(total + trace.makespanMs / env.referenceMs), `seed ${seed}`).toBeLessThan(
        1e-12 * Math.abs(total) + 1e-12,
      );
      expect(rewards.every((reward) => reward <= 0)).toBe(true);
      expect(rewards.filter((reward) => reward < 0).length).toBeGreaterThanOrEqual(rewards.length / 2);
    }
  });

  test('in overlap execution it conforms, rewards telescope, and a budget that no device keeps is refused', async () => {
    const overlap = { ...conditions, execution: 'overlap' } as const;
    expect((await checkEnv(() => new ShareEnv(problem(0, { conditions: overlap })), { seed: 0 })).advice).toEqual([]);
    for (let seed = 0; seed < 10; seed++) {
      const env = new ShareEnv(problem(seed, { shares: 'split', conditions: overlap }));
      const { rewards, result } = episode(env, Rng.of(seed, 'actions'));
      const { makespanMs } = result.info.trace as Trace;
      const total = rewards.reduce((a, b) => a + b, 0);
      expect(total, `seed ${seed}`).toBeCloseTo(-makespanMs / env.referenceMs, 12);
    }
    // Reference and episode are under the same conditions, which no single device meets.
    const tight = { ...overlap, memoryBudgetBytes: 1 };
    expect(() => new ShareEnv(problem(0, { conditions: tight }))).toThrow(/more than the memory budget of 1/);
  });

  test('the reference is the better single device', () => {
    const { graph } = problem(3);
    const single = ([0, 1] as const).map(
      (device) => executor.run(graph, Schedule.onDevice(graph, device), conditions).makespanMs,
    );
    expect(new ShareEnv(problem(3)).referenceMs).toBe(Math.min(...single));
  });

  test('binary shares round at 0.5; forced units ignore the action; split shares pass where a unit can split', () => {
    const binary = new ShareEnv(problem(1));
    const split = new ShareEnv(problem(1, { shares: 'split' }));
    for (const { id, onlyOn, splitAxis } of binary.graph.units) {
      expect(binary.shareOf(id, 0.49)).toBe(onlyOn ?? 0);
      expect(binary.shareOf(id, 0.5)).toBe(onlyOn ?? 1);
      expect(split.shareOf(id, 0.3)).toBe(onlyOn ?? (splitAxis === null ? 0 : 0.3));
    }
  });

  test('a slower schedule has the lower return', () => {
    const env = new ShareEnv(problem(2));
    const runs = Array.from({ length: 30 }, (_, i) => {
      const { rewards, result } = episode(env, Rng.of(i, 'order'));
      return { total: rewards.reduce((a, b) => a + b, 0), latencyMs: (result.info.trace as Trace).makespanMs };
    });
    const byReturn = [...runs].sort((a, b) => b.total - a.total).map(({ latencyMs }) => latencyMs);
    expect(byReturn).toEqual([...byReturn].sort((a, b) => a - b));
  });

  test('observations name each element, show where inputs lie, and change with the placement', () => {
    const env = new ShareEnv(problem(4));
    const { observation } = env.reset({ seed: 0 });
    expect(env.observationNames).toHaveLength(observation.length);
    expect(new Set(env.observationNames).size).toBe(observation.length);
    const free = env.graph.units[0]!.onlyOn === null;
    expect(free).toBe(true);
    const onCpu = env.step(Float32Array.of(0)).observation;
    env.reset({ seed: 0 });
    const onGpu = env.step(Float32Array.of(1)).observation;
    expect(onGpu).not.toEqual(onCpu);
  });

  test('a failing execution truncates the episode, brings the return to -10 and carries the error in info', () => {
    const failing: Executor = {
      ...executor,
      begin(graph, c) {
        const run = executor.begin(graph, c);
        let decisions = 0;
        return {
          state: run.state,
          decide: (unit, share) => (++decisions === 7 ? Number.NaN : run.decide(unit, share)),
          finish: () => ({ error: 'device lost', unit: 6, device: 1 }),
        };
      },
    };
    const env = new ShareEnv(problem(5, { executor: failing }));
    const { rewards, result } = episode(env, Rng.of(5, 'failing'));
    expect(rewards).toHaveLength(7);
    expect(rewards.reduce((a, b) => a + b, 0)).toBeCloseTo(failureReturn, 12);
    expect(result).toMatchObject({
      terminated: false,
      truncated: true,
      info: { error: { error: 'device lost', unit: 6 } },
    });
    expect(() => env.step(Float32Array.of(0))).toThrow(/reset/);
  });

  test('a snapshot of one step forks the future: every branch costs what the schedule costs when run at once', () => {
    const env = new ShareEnv(problem(7));
    const { graph } = env;
    const half = Math.floor(graph.units.length / 2);
    env.reset({ seed: 3 });
    const prefix = graph.units.slice(0, half).map(({ id }) => env.shareOf(id, id % 2));
    for (const share of prefix) env.step(Float32Array.of(share));
    const text = JSON.stringify(env.snapshot());
    for (const device of [0, 1] as const) {
      const branch = new ShareEnv(problem(7));
      for (const one of [env.fork(), branch]) {
        if (one === branch) branch.restore(JSON.parse(text));
        let info: Readonly<Record<string, unknown>> = {};
        for (let unit = half; unit < graph.units.length; unit++) ({ info } = one.step(Float32Array.of(device)));
        const shares = graph.units.map(({ id }) => prefix[id] ?? env.shareOf(id, device));
        const whole = executor.run(graph, Schedule.of(graph, shares), conditions);
        expect((info.trace as Trace).makespanMs).toBe(whole.makespanMs);
        expect((info.trace as Trace).events).toEqual(whole.events);
      }
    }
    expect(JSON.stringify(env.snapshot())).toBe(text);
  });

  test('states of another graph or other options, and of hardware, are refused', () => {
    const state = new ShareEnv(problem(7)).snapshot();
    expect(() => new ShareEnv(problem(8)).restore(state)).toThrow(
      /the state is of graphHash .*made with the same options/s,
    );
    expect(() => new ShareEnv(problem(7, { shares: 'split' })).restore(state)).toThrow(/"binary"/);
    const measured = new ShareEnv(problem(7, { executor: { ...executor, kind: 'measured' } }));
    for (const call of [() => measured.snapshot(), () => measured.restore(state), () => measured.fork()])
      expect(call).toThrow(/on hardware cannot be saved or put back.*\nUse the simulator/);
  });

  test('renders the episode so far: a rectangle for each event, and lanes as text', () => {
    const env = new ShareEnv(problem(6));
    expect(() => env.render('ansi')).toThrow(/before reset/);
    env.reset();
    for (let unit = 0; unit < 10; unit++) env.step(Float32Array.of(unit % 2));
    expect(env.render('ansi')).toMatch(/^10 of 30 units\ncpu:0 \|.*█.*\|\n/);
    const drawn = [...env.render('svg').matchAll(/<rect class="compute"/g)].length;
    expect(drawn).toBeGreaterThan(0);
    expect(drawn).toBeLessThanOrEqual(10);
    expect(() => env.render('svgg')).toThrow(/"svgg".\nDid you mean "svg"/);
    const measured = new ShareEnv(problem(6, { executor: { ...executor, kind: 'measured' } }));
    expect(() => measured.render('svg')).toThrow(/draw info.trace/);
  });

  test('bad actions are refused with their value', () => {
    const env = new ShareEnv(problem(6));
    env.reset();
    expect(() => env.step(Float32Array.of(1.5))).toThrow(/1\.5.*not in Box\(0, 1, \[1\]\)/);
    expect(() => env.step([0.5] as never)).toThrow(/not in Box/);
  });
});

describe('make', () => {
  test('builds a registered environment from URIs', async () => {
    expect(environmentIds()).toContain('SparOA/Share-v0');
    const env = await make('SparOA/Share-v0', {
      model: 'model://mobilenetv3-small',
      profile: 'profile://jetson-orin-nano',
    });
    expect(env.graph.units.length).toBeGreaterThan(80);
    env.close();
  });

  test('suggests what was meant', async () => {
    expect(() => make('SparOA/Shares-v0' as never, {} as never)).toThrow(/Did you mean "SparOA\/Share-v0"/);
    await expect(make('SparOA/Share-v0', { model: 'model://mobilenetv3', lookahead: 4 })).rejects.toThrow(
      /mobilenetv3-small/,
    );
    await expect(make('SparOA/Share-v0', { model: 'model://resnet18', lookahed: 4 } as never)).rejects.toThrow(
      /lookahed/,
    );
  });
});
