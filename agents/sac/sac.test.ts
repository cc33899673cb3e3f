// The agent on problems whose solution is known, then that it repeats and resumes to the bit.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { Agent } from '../agent.js';
import { readCheckpoint, writeCheckpoint } from '../checkpoint-file.js';
import { createSac, type Sac, type SacOptions } from './sac.js';

const open: Agent[] = [];
afterEach(async () => {
  for (const agent of open.splice(0)) await agent.close();
});

async function make(options: Partial<SacOptions> = {}): Promise<Sac> {
  const agent = await createSac({ observationSize: 1, action: { low: [-1], high: [1] }, seed: 0, ...options });
  open.push(agent);
  return agent;
}

const small = { hidden: [32, 32], batchSize: 64, bufferSize: 10_000, learningStarts: 200, trainEvery: 4, updates: 4 };

/** A problem: where an episode starts, and what an action does to the state. */
interface Problem {
  start(random: Rng): number;
  step(
    state: number,
    action: number,
    time: number,
  ): { reward: number; next: number; terminated: boolean; over: boolean };
}

async function trainOn(problem: Problem, agent: Agent, steps: number, seed = 0): Promise<void> {
  const random = Rng.of(seed, 'problem');
  let state = problem.start(random);
  let time = 0;
  for (let step = 0; step < steps; step++) {
    const observation = Float32Array.of(state);
    const action = agent.act(observation, { deterministic: false });
    const { reward, next, terminated, over } = problem.step(state, action[0]!, time++);
    agent.observe({
      observation,
      action,
      reward,
      nextObservation: Float32Array.of(next),
      terminated,
      truncated: false,
      env: 0,
    });
    await agent.learn();
    state = next;
    if (terminated || over) {
      state = problem.start(random);
      time = 0;
    }
  }
}

const policyAt = (agent: Agent, state: number) => agent.act(Float32Array.of(state), { deterministic: true })[0]!;

describe('learning', () => {
  test.each([0, 1, 2])('a bandit with reward -(a - 3)^2 on [2, 6] is solved: it acts at 3 (seed %i)', async (seed) => {
    const agent = await make({ action: { low: [2], high: [6] }, config: small, seed });
    const bandit: Problem = {
      start: () => 1,
      step: (state, action) => ({ reward: -((action - 3) ** 2), next: state, terminated: true, over: true }),
    };
    await trainOn(bandit, agent, 2500, seed);
    expect(Math.abs(policyAt(agent, 1) - 3), `seed ${seed}`).toBeLessThan(0.15);
  });

  test('a contextual bandit: the best action is the observation', async () => {
    const agent = await make({ config: small });
    const random = Rng.of(0, 'context');
    const bandit: Problem = {
      start: (r) => 1.6 * r.uniform() - 0.8,
      step: (state, action) => ({ reward: -10 * (action - state) ** 2, next: state, terminated: true, over: true }),
    };
    await trainOn(bandit, agent, 3000);
    for (let i = 0; i < 10; i++) {
      const state = 1.4 * random.uniform() - 0.7;
      expect(Math.abs(policyAt(agent, state) - state), `at ${state}`).toBeLessThan(0.15);
    }
  });

  test('a scalar linear-quadratic regulator: the cost is within 5 % of the Riccati optimum', async () => {
    // x' = x + a, cost x^2 + a^2, gamma = 0.9: P = 1 + gamma P / (1 + gamma P), a = -gamma P / (1 + gamma P) x.
    const gamma = 0.9;
    let P = 1;
    for (let i = 0; i < 100; i++) P = 1 + (gamma * P) / (1 + gamma * P);
    const agent = await make({ config: { ...small, gamma, rewardScale: 4 }, action: { low: [-2], high: [2] } });
    const regulator: Problem = {
      start: (random) => 4 * random.uniform() - 2,
      step: (state, action, time) => ({
        reward: -(state ** 2 + action ** 2),
        next: state + action,
        terminated: false,
        over: time === 9,
      }),
    };
    await trainOn(regulator, agent, 5000);
    let cost = 0;
    let optimum = 0;
    for (let start = -2; start <= 2; start += 0.5) {
      let state = start;
      for (let time = 0; time < 60; time++) {
        const action = policyAt(agent, state);
        cost += gamma ** time * (state ** 2 + action ** 2);
        state += action;
      }
      optimum += P * start ** 2;
    }
    expect(cost / optimum).toBeGreaterThan(0.999);
    expect(cost / optimum).toBeLessThan(1.05);
  });

  test('reward 1 per step: Q is 1 where it terminates, 1 / (1 - gamma) where a limit cuts it off', async () => {
    // One state, actions without effect; entropy is worth nothing as alpha is kept near 0 by a low target entropy.
    const gamma = 0.5;
    const valueWith = async (terminated: boolean) => {
      const agent = await make({ config: { ...small, gamma, tau: 0.05, initialAlpha: 1e-6, targetEntropy: -30 } });
      const constant: Problem = {
        start: () => 1,
        step: (state) => ({ reward: 1, next: state, terminated, over: true }),
      };
      await trainOn(constant, agent, 1500);
      return agent.value(Float32Array.of(1), Float32Array.of(0));
    };
    expect(await valueWith(true)).toBeCloseTo(1, 1);
    expect(await valueWith(false)).toBeCloseTo(1 / (1 - gamma), 1);
  });
});

describe('acting', () => {
  test('actions keep to the bounds of every dimension; the first are uniform', async () => {
    const agent = await make({ action: { low: [0, -3], high: [1, 7] }, config: { learningStarts: 1000 } });
    const observation = Float32Array.of(0.5);
    let sum = 0;
    for (let i = 0; i < 1000; i++) {
      const [first, second] = agent.act(observation, { deterministic: false });
      expect(first).toBeGreaterThanOrEqual(0);
      expect(first).toBeLessThanOrEqual(1);
      expect(second).toBeGreaterThanOrEqual(-3);
      expect(second).toBeLessThanOrEqual(7);
      sum += second!;
    }
    expect(sum / 1000).toBeCloseTo(2, 0);
  });

  test('the deterministic action is a function of the observation', async () => {
    const agent = await make();
    const first = policyAt(agent, 0.3);
    agent.act(Float32Array.of(1), { deterministic: false });
    expect(policyAt(agent, 0.3)).toBe(first);
  });
});

const noisy: Problem = {
  start: (random) => random.normal(),
  step: (state, action, time) => ({
    reward: -(state ** 2),
    next: 0.9 * state + action,
    terminated: false,
    over: time > 8,
  }),
};
const tiny = { ...small, hidden: [16], batchSize: 16, learningStarts: 20, bufferSize: 64 };

describe.each(['compiled', 'tfjs'] as const)('on the %s backend', (backend) => {
  test('the same seed gives the same agent to the bit, another seed another', async () => {
    const states = [];
    for (const seed of [5, 5, 6]) {
      const agent = await make({ config: tiny, seed, backend });
      await trainOn(noisy, agent, 100);
      states.push(agent.save());
    }
    expect(states[1]).toEqual(states[0]);
    expect(states[2]!.arrays['state/parameters']).not.toEqual(states[0]!.arrays['state/parameters']);
  });

  test('a checkpoint file resumes to the bit, amid a full replay buffer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sac-'));
    const path = join(folder, 'agent.ckpt');
    const whole = await make({ config: tiny, backend });
    await trainOn(noisy, whole, 101);
    writeCheckpoint(path, whole.save());
    const resumed = await make({ config: tiny, backend, seed: 99 });
    resumed.load(readCheckpoint(path));
    rmSync(folder, { recursive: true });
    for (const agent of [whole, resumed]) await trainOn(noisy, agent, 50, 1);
    expect(resumed.save()).toEqual(whole.save());
    expect(resumed.progress).toEqual({ steps: 151, updates: 128 });
  });
});

describe('errors', () => {
  test('unbounded actions and bad settings are refused', async () => {
    await expect(make({ action: { low: [0], high: [Number.POSITIVE_INFINITY] } })).rejects.toThrow('dimension 0');
    await expect(make({ config: { gamma: 2 } })).rejects.toThrow('gamma');
  });

  test('a checkpoint of another agent is refused', async () => {
    const saved = (await make({ config: tiny })).save();
    const wider = await make({ config: tiny, observationSize: 2 });
    expect(() => wider.load(saved)).toThrow('observationSize 1, but the agent has 2');
    const other = await make({ config: { ...tiny, gamma: 0.5 } });
    expect(() => other.load(saved)).toThrow('config');
  });
});
