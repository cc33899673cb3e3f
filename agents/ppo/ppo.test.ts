// The agent on problems whose solution is known, then that it repeats and resumes to the bit.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { Box } from '../../env/gym/spaces/box.js';
import { VectorEnv } from '../../env/gym/vector/vector-env.js';
import { MdpEnv, optimalReturn, randomMdp } from '../../test/fixtures/random-mdp.js';
import type { Agent } from '../agent.js';
import { readCheckpoint, writeCheckpoint } from '../checkpoint-file.js';
import { createLearner } from '../learners.js';
import { rollout, train } from '../train-loop.js';
import { trainVector } from '../vector-train-loop.js';
import { createPpo, type Ppo, type PpoOptions } from './ppo.js';

const open: Agent[] = [];
afterEach(async () => {
  for (const agent of open.splice(0)) await agent.close();
});

async function make(options: Partial<PpoOptions> = {}): Promise<Ppo> {
  const agent = await createPpo({ observationSize: 1, action: { low: [-1], high: [1] }, seed: 0, ...options });
  open.push(agent);
  return agent;
}

const small = { hidden: [32, 32], rolloutSteps: 256, batchSize: 64, epochs: 8, learningRate: 3e-3 };

/** An environment of one number and one action: where an episode starts, and what an action does. */
function problem(
  low: number,
  high: number,
  start: (random: Rng) => number,
  move: (
    state: number,
    action: number,
    time: number,
  ) => { reward: number; next: number; terminated: boolean; truncated: boolean },
) {
  let random = Rng.of(0, 'problem');
  let state = 0;
  let time = 0;
  return {
    observationSpace: new Box(-100, 100, [1]),
    actionSpace: new Box(low, high, [1]),
    reset({ seed }: { seed?: number } = {}) {
      if (seed !== undefined) random = Rng.of(seed, 'problem');
      state = start(random);
      time = 0;
      return { observation: Float32Array.of(state), info: {} };
    },
    step(action: Float32Array) {
      const { next, ...outcome } = move(state, action[0]!, time++);
      state = next;
      return { observation: Float32Array.of(state), ...outcome, info: {} };
    },
    close() {},
  };
}

const policyAt = (agent: Agent, state: number) => agent.act(Float32Array.of(state), { deterministic: true })[0]!;

describe('learning', () => {
  test.each([0, 1, 2])('a bandit with reward -(a - 3)^2 on [2, 6] is solved: it acts at 3 (seed %i)', async (seed) => {
    const steps = 6000;
    const agent = await make({ action: { low: [2], high: [6] }, config: small, seed, steps });
    const env = problem(
      2,
      6,
      () => 1,
      (state, action) => ({ reward: -((action - 3) ** 2), next: state, terminated: true, truncated: false }),
    );
    await train({ env, agent, steps, seed });
    expect(Math.abs(policyAt(agent, 1) - 3), `seed ${seed}`).toBeLessThan(0.15);
  });

  test('a scalar linear-quadratic regulator: the cost is within 5 % of the Riccati optimum', async () => {
    // x' = x + a, cost x^2 + a^2, gamma = 0.9: P = 1 + gamma P / (1 + gamma P), a = -gamma P / (1 + gamma P) x.
    const gamma = 0.9;
    let P = 1;
    for (let i = 0; i < 100; i++) P = 1 + (gamma * P) / (1 + gamma * P);
    const steps = 40_000;
    const agent = await make({
      config: { ...small, rolloutSteps: 512, gamma, rewardScale: 0.5 },
      action: { low: [-2], high: [2] },
      steps,
    });
    const env = problem(
      -2,
      2,
      (random) => 4 * random.uniform() - 2,
      (state, action, time) => ({
        reward: -(state ** 2 + action ** 2),
        next: state + action,
        terminated: false,
        truncated: time === 9,
      }),
    );
    await train({ env, agent, steps, seed: 0 });
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

  test('reward 1 per step: V is 1 where it terminates, 1 / (1 - gamma) where a limit cuts it off', async () => {
    const gamma = 0.5;
    const valueWith = async (terminated: boolean) => {
      const agent = await make({ config: { ...small, gamma } });
      const env = problem(
        -1,
        1,
        () => 1,
        (state) => ({ reward: 1, next: state, terminated, truncated: !terminated }),
      );
      await train({ env, agent, steps: 5000, seed: 0 });
      return agent.value(Float32Array.of(1));
    };
    expect(await valueWith(true)).toBeCloseTo(1, 1);
    expect(await valueWith(false)).toBeCloseTo(1 / (1 - gamma), 1);
  });

  test.each([1, 8])(
    'five random decision processes with forbidden actions are solved by %i environments',
    async (envs) => {
      for (let seed = 0; seed < 5; seed++) {
        const mdp = randomMdp(seed, 8, 3);
        const steps = 6000;
        const config = { ...small, gamma: 1, entropyWeight: 0.02 };
        const agent = await make({ observationSize: 8, action: { n: 3 }, config, seed, envs, steps });
        const all = Array.from({ length: envs }, () => new MdpEnv(mdp));
        if (envs === 1) await train({ env: all[0]! as never, agent, steps, seed });
        else await trainVector({ envs: new VectorEnv<number>(all, 'same-step'), agent, steps, seed });
        const played = rollout(all[0]! as never, agent, 0).return;
        expect(played, `seed ${seed}`).toBeCloseTo(optimalReturn(mdp, 1), 6);
      }
    },
  );
});

describe('acting', () => {
  test('a forbidden action is never played, sampled or chosen; allowed ones all are', async () => {
    const agent = await make({ action: { n: 5, start: 2 }, config: { ...small, rolloutSteps: 1_000_000 } });
    const rng = Rng.of(0, 'masks');
    const counts = new Map<number, number>();
    for (let i = 0; i < 2000; i++) {
      const mask = Uint8Array.from({ length: 5 }, () => rng.integer(2));
      mask[rng.integer(5)] = 1;
      const observation = Float32Array.of(rng.normal());
      for (const deterministic of [true, false]) {
        const [action] = agent.act(observation, { deterministic, masks: mask });
        expect(mask[action! - 2]).toBe(1);
        if (!deterministic) counts.set(action!, (counts.get(action!) ?? 0) + 1);
      }
    }
    expect([...counts.keys()].sort()).toEqual([2, 3, 4, 5, 6]);
  });

  test('actions of a Box keep to the bounds of every dimension', async () => {
    const agent = await make({ action: { low: [0, -3], high: [1, 7] }, config: { ...small, initialStd: 3 } });
    for (let i = 0; i < 500; i++) {
      const [first, second] = agent.act(Float32Array.of(0.5), { deterministic: false });
      expect(first).toBeGreaterThanOrEqual(0);
      expect(first).toBeLessThanOrEqual(1);
      expect(second).toBeGreaterThanOrEqual(-3);
      expect(second).toBeLessThanOrEqual(7);
    }
  });
});

const mdp = randomMdp(7, 6, 3);
const tiny = { hidden: [16], rolloutSteps: 32, batchSize: 16, epochs: 2 };
const learnerFor = async (kind: 'discrete' | 'box', options: Partial<PpoOptions>) =>
  kind === 'discrete'
    ? make({ observationSize: 6, action: { n: 3 }, config: tiny, ...options })
    : make({ config: tiny, ...options });
const envFor = (kind: 'discrete' | 'box') =>
  (kind === 'discrete'
    ? new MdpEnv(mdp)
    : problem(
        -1,
        1,
        (random) => random.normal(),
        (state, action, time) => ({
          reward: -(state ** 2),
          next: 0.9 * state + action,
          terminated: false,
          truncated: time > 8,
        }),
      )) as never;

describe.each([
  ['compiled', 'discrete'],
  ['compiled', 'box'],
  ['tfjs', 'discrete'],
] as const)('on the %s backend, %s actions', (backend, kind) => {
  test('the same seed gives the same agent to the bit, another seed another', async () => {
    const states = [];
    for (const seed of [5, 5, 6]) {
      const agent = await learnerFor(kind, { seed, backend });
      await train({ env: envFor(kind), agent, steps: 150, seed: 0 });
      states.push(agent.save());
    }
    expect(states[1]).toEqual(states[0]);
    expect(states[2]!.arrays['state/parameters']).not.toEqual(states[0]!.arrays['state/parameters']);
  });

  test('a checkpoint file resumes to the bit, amid a rollout', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ppo-'));
    const path = join(folder, 'agent.ckpt');
    const whole = await learnerFor(kind, { backend, steps: 300 });
    const progress = { step: 0, episode: 0 };
    await train({ env: envFor(kind), agent: whole, steps: 101, progress, seed: 0 });
    writeCheckpoint(path, whole.save());
    const resumed = await learnerFor(kind, { backend, seed: 99, steps: 300 });
    resumed.load(readCheckpoint(path));
    rmSync(folder, { recursive: true });
    for (const agent of [whole, resumed])
      await train({ env: envFor(kind), agent, steps: 300, progress: { ...progress }, seed: 0 });
    expect(resumed.save()).toEqual(whole.save());
    expect(resumed.progress.steps).toBeGreaterThanOrEqual(300);
  });
});

describe('errors', () => {
  test('unbounded actions, bad settings and other kinds of actions are refused', async () => {
    await expect(make({ action: { low: [0], high: [Number.POSITIVE_INFINITY] } })).rejects.toThrow('dimension 0');
    await expect(make({ config: { clip: -1 } })).rejects.toThrow('clip');
    await expect(make({ config: { batchSize: 64, rolloutSteps: 32 } })).rejects.toThrow('batchSize is larger');
    const spaces = { observation: new Box(0, 1, [2]), action: new Box(0, 1, [2, 2]) };
    const agent = await createLearner('ppo', spaces);
    open.push(agent);
    expect(agent.act(new Float32Array(2), { deterministic: true }).length).toBe(4);
  });

  test('an action that the agent did not give is no experience of its', async () => {
    const agent = await make({ action: { n: 3 }, config: tiny });
    const observation = Float32Array.of(1);
    const action = agent.act(observation, { deterministic: false }).slice();
    const step = { env: 0, observation, reward: 0, nextObservation: observation, terminated: false, truncated: false };
    const other = Int32Array.of((action[0]! + 1) % 3);
    expect(() => agent.observe({ ...step, action: other })).toThrow('PPO learns from its own actions');
    agent.observe({ ...step, action });
    expect(() => agent.observe({ ...step, action })).toThrow('was not played by');
  });

  test('a checkpoint of another agent is refused', async () => {
    const saved = (await make({ config: tiny })).save();
    const wider = await make({ config: tiny, observationSize: 2 });
    expect(() => wider.load(saved)).toThrow('observationSize 1, but the agent has 2');
    const other = await make({ config: { ...tiny, gamma: 0.5 } });
    expect(() => other.load(saved)).toThrow('config');
  });
});
