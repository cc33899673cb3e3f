// Each wrapper against what Gymnasium 1.4 computes, closed forms, or its own definition; and specs.
import { describe, expect, test } from 'vitest';
import { RandomWalk } from '../../../test/fixtures/random-walk.js';
import type { Env, StepResult } from '../env.js';
import { make, makeFromSpec, registerEnvironment, specOf } from '../registry.js';
import { Box } from '../spaces/box.js';
import { Dict } from '../spaces/composite.js';
import { Discrete } from '../spaces/discrete.js';
import { ClipAction, RescaleAction } from './actions.js';
import { OrderEnforcing, RecordEpisodeStatistics, TimeLimit } from './episode.js';
import { NormalizeObservation, NormalizeReward } from './normalize.js';
import { FlattenObservation, FrameStack } from './observations.js';
import { PassiveChecker } from './passive-checker.js';
import { registerWrapper, wrapperNames } from './registry.js';
import { Wrapper } from './wrapper.js';

declare module '../registry.js' {
  interface Registry {
    'Test/RandomWalk-v0': { options: { label: string }; env: RandomWalk };
  }
}
registerEnvironment('Test/RandomWalk-v0', { summary: 'a random walk', create: () => new RandomWalk() });

/** The k-th observation is [sin k, k] and its reward cos k, k going on over episodes of three steps. */
class Waves implements Env {
  readonly observationSpace = new Box(-100, 100, [2]);
  readonly actionSpace = new Box(-2, 4, [1]);
  readonly actions: number[] = [];
  #k = 0;
  #n = 0;

  #observe = () => Float32Array.of(Math.sin(this.#k), this.#k);

  reset() {
    this.#n = 0;
    this.#k += 1;
    return { observation: this.#observe(), info: {} };
  }

  step(action: Float32Array): StepResult<Float32Array> {
    this.actions.push(action[0]!);
    this.#k += 1;
    this.#n += 1;
    const terminated = this.#n === 3;
    return { observation: this.#observe(), reward: Math.cos(this.#k), terminated, truncated: false, info: {} };
  }

  close() {}
}

const still = Float32Array.of(0);

/** Every observation and reward of so many episodes. */
function episodes(env: Env, count: number) {
  const observations: number[][] = [];
  const rewards: number[] = [];
  for (let episode = 0; episode < count; episode++) {
    observations.push([...env.reset().observation]);
    for (let over = false; !over; ) {
      const { observation, reward, terminated, truncated } = env.step(still);
      observations.push([...observation]);
      rewards.push(reward);
      over = terminated || truncated;
    }
  }
  return { observations, rewards };
}

describe('NormalizeObservation', () => {
  test('gives what Gymnasium gives', () => {
    // gymnasium 1.4.0, Waves in Python: gym.wrappers.NormalizeObservation(Waves()), three episodes
    const golden = [
      [0.006439906544983387, 0.007072594948112965],
      [0.9649490714073181, 0.9998499751091003],
      [-1.4094007015228271, 1.2246938943862915],
      [-1.5488135814666748, 1.3416162729263306],
      [-1.2747834920883179, 1.4141995906829834],
      [-0.3634151518344879, 1.463841199874878],
      [0.8157309889793396, 1.4999938011169434],
      [1.094294548034668, 1.5275206565856934],
      [0.2825643718242645, 1.549189805984497],
      [-0.9886714220046997, 1.5666961669921875],
      [-1.4062391519546509, 1.581136703491211],
      [-0.7268107533454895, 1.593253254890442],
    ];
    const { observations } = episodes(new NormalizeObservation(new Waves()), 3);
    for (const [i, row] of golden.entries())
      for (const [j, x] of row.entries()) expect(observations[i]![j]).toBeCloseTo(x, 3);
  });

  test('is (x - mean) / sqrt(variance + epsilon) of all observations and 1e-4 of a standard normal one', () => {
    const { observations } = episodes(new NormalizeObservation(new Waves(), { epsilon: 0.5 }), 4);
    const seen = Array.from({ length: 16 }, (_, i) => i + 1);
    const total = 16 + 1e-4;
    const mean = seen.reduce((sum, x) => sum + x) / total;
    const variance = (1e-4 * (1 + mean ** 2) + seen.reduce((sum, x) => sum + (x - mean) ** 2, 0)) / total;
    expect(observations[15]![1]).toBeCloseTo((16 - mean) / Math.sqrt(variance + 0.5), 6);
  });

  test('keeps its moments when it does not update', () => {
    const env = new NormalizeObservation(new Waves());
    episodes(env, 1);
    env.updating = false;
    const [a, b, c] = episodes(env, 1).observations;
    // Fixed moments are one linear map: equal differences stay equal.
    expect(c![1]! - b![1]!).toBeCloseTo(b![1]! - a![1]!, 5);
  });
});

describe('NormalizeReward', () => {
  test('gives what Gymnasium gives', () => {
    // gymnasium 1.4.0, Waves in Python: gym.wrappers.NormalizeReward(Waves(), gamma=0.9), three episodes
    const golden = [
      -38.42120800583477, -2.0873958599151057, -1.6219750247909028, 1.5487883984434236, 0.8889658871422244,
      -0.18788883700341974, -1.0931381594718335, 0.005961738589805223, 1.0587006733775675,
    ];
    const { rewards } = episodes(new NormalizeReward(new Waves(), { gamma: 0.9 }), 3);
    for (const [i, reward] of golden.entries()) expect(rewards[i]! / reward).toBeCloseTo(1, 9);
  });
});

describe('TimeLimit', () => {
  test('truncates at its last step, also one that terminates, and refuses more', () => {
    const env = new TimeLimit(new RandomWalk(), { maxSteps: 4 });
    for (let episode = 0; episode < 2; episode++) {
      env.reset({ seed: 0 });
      expect(Array.from({ length: 4 }, () => env.step(still).truncated)).toEqual([false, false, false, true]);
      expect(() => env.step(still)).toThrow(/truncated at 4 steps.\nCall reset/);
    }
    const both = new TimeLimit(new Waves(), { maxSteps: 3 });
    both.reset();
    both.step(still);
    both.step(still);
    expect(both.step(still)).toMatchObject({ terminated: true, truncated: true });
  });
});

test('OrderEnforcing refuses to step or render before a reset', () => {
  const env = new OrderEnforcing(new RandomWalk());
  expect(() => env.step(still)).toThrow(/step\(\) was called before reset/);
  expect(() => env.render('ansi')).toThrow(/render\(\) was called before reset/);
  env.reset();
  expect(env.render('ansi')).toMatch(/o$/);
  env.step(still);
});

test('RecordEpisodeStatistics says the return and length of each episode, and keeps the latest', () => {
  const env = new RecordEpisodeStatistics(new Waves(), { episodes: 2 });
  const returns = [0, 1, 2].map((episode) => [2, 3, 4].reduce((sum, k) => sum + Math.cos(k + 4 * episode), 0));
  for (const expected of returns) {
    env.reset();
    expect(env.step(still).info).toEqual({});
    env.step(still);
    const { episode } = env.step(still).info as { episode: { return: number; length: number; wallMs: number } };
    expect(episode.return).toBeCloseTo(expected, 12);
    expect(episode.length).toBe(3);
    expect(episode.wallMs).toBeGreaterThanOrEqual(0);
  }
  expect(env.recent.map((episode) => episode.return)).toEqual(returns.slice(1).map((x) => expect.closeTo(x, 12)));
});

describe('actions', () => {
  test('ClipAction takes any real and gives the nearest action', () => {
    const inner = new Waves();
    const env = new ClipAction(inner);
    env.reset();
    for (const x of [-7, 0.5, 9]) env.step(Float32Array.of(x));
    expect(inner.actions).toEqual([-2, 0.5, 4]);
    expect(() => env.step(Float32Array.of(Number.NaN))).toThrow(/ClipAction: the action has element 0 = NaN/);
  });

  test('RescaleAction maps its interval linearly onto the inner one', () => {
    const inner = new Waves();
    const env = new RescaleAction(inner, { min: -1, max: [1] });
    env.reset();
    for (const x of [-1, 0, 0.5, 1]) env.step(Float32Array.of(x));
    expect(inner.actions).toEqual([-2, 1, 2.5, 4]);
    expect(() => env.step(Float32Array.of(1.5))).toThrow(/RescaleAction: the action has element 0 = 1.5/);
    expect(() => new RescaleAction(inner, { min: 1, max: 1 })).toThrow(/element 0 is to lie in \[1, 1\]/);
    expect(() => new RescaleAction(new ClipAction(inner), { min: 0, max: 1 })).toThrow(/infinite bounds/);
  });
});

describe('observations', () => {
  test('FrameStack keeps the latest, and pads with the first or with zeros', () => {
    // gymnasium 1.4.0: FrameStackObservation(Waves(), 3).reset()[0] is three times [sin 1, 1]
    const [one, two] = [
      [Math.fround(Math.sin(1)), 1],
      [Math.fround(Math.sin(2)), 2],
    ] as const;
    const env = new FrameStack(new Waves(), { size: 3 });
    const { observation } = env.reset();
    expect([...observation]).toEqual([...one, ...one, ...one]);
    expect([...env.step(still).observation]).toEqual([...one, ...one, ...two]);
    expect([...observation]).toEqual([...one, ...one, ...one]);
    expect(env.observationSpace.shape).toEqual([3, 2]);
    const zeros = new FrameStack(new Waves(), { size: 3, padding: 'zero' });
    expect([...zeros.reset().observation]).toEqual([0, 0, 0, 0, ...one]);
  });

  test('FlattenObservation gives the vector that the space makes', () => {
    const space = new Dict({ device: new Discrete(2), at: new Box(0, 9, [1]) });
    const nested: Env<{ device: number; at: Float32Array }> = {
      observationSpace: space,
      actionSpace: new Box(0, 1, [1]),
      reset: () => ({ observation: { device: 1, at: Float32Array.of(3) }, info: {} }),
      step: () => ({
        observation: { device: 0, at: Float32Array.of(4) },
        reward: 0,
        terminated: true,
        truncated: false,
        info: {},
      }),
      close() {},
    };
    const env = new FlattenObservation(nested);
    expect([...env.reset().observation]).toEqual([3, 0, 1]);
    expect([...env.step(still).observation]).toEqual([4, 1, 0]);
    expect(env.observationSpace.problem(Float32Array.of(3, 0, 1))).toBeNull();
  });
});

describe('PassiveChecker', () => {
  test.each<[string, Partial<Env>, RegExp]>([
    [
      'an observation out of bounds',
      { reset: () => ({ observation: Float32Array.of(11, 0), info: {} }) },
      /element 0 = 11/,
    ],
    ['no info', { reset: () => ({ observation: Float32Array.of(1, 0) }) as never }, /the info undefined/],
    ['an action out of bounds', { actionSpace: new Box(1, 2, [1]) }, /the action has element 0 = 0/],
    ['a reward that is no number', { step: () => ({ reward: '1' }) as never }, /the reward "1"/],
  ])('finds %s', (_name, broken, message) => {
    const env = new PassiveChecker(Object.assign(new RandomWalk(), broken));
    expect(() => episodes(env, 1)).toThrow(message);
  });

  test('finds a buffer that is used twice, and lets a sound environment pass', () => {
    const buffer = new Float32Array(2);
    const reuse = () => ({ observation: buffer.subarray(), reward: 0, terminated: false, truncated: false, info: {} });
    const broken = new PassiveChecker(Object.assign(new RandomWalk(), { step: reuse }));
    broken.reset();
    broken.step(still);
    expect(() => broken.step(still)).toThrow(/the same observation/);
    expect(episodes(new PassiveChecker(new RandomWalk()), 2)).toEqual(episodes(new RandomWalk(), 2));
  });
});

describe('specs', () => {
  const stack = (env: Env): Env => {
    const normal = new NormalizeReward(new NormalizeObservation(new OrderEnforcing(env)), { gamma: 0.5 });
    const limited = new RecordEpisodeStatistics(new TimeLimit(normal, { maxSteps: 5 }));
    const rescaled = new ClipAction(new RescaleAction(limited, { min: -3, max: 3 }));
    return new PassiveChecker(new FlattenObservation(new FrameStack(rescaled, { size: 2, padding: 'zero' })));
  };

  test('a spec rebuilds every wrapper with its options, through JSON text', async () => {
    const env = stack(await make('Test/RandomWalk-v0', { label: 'a' }));
    const spec = JSON.parse(JSON.stringify(specOf(env)));
    expect(spec).toMatchObject({ id: 'Test/RandomWalk-v0', options: { label: 'a' } });
    // Another test of this process may have registered the wrapper that knows scheduling.
    const general = wrapperNames().filter((name) => name !== 'DomainRandomisation');
    expect(spec.wrappers.map(({ name }: { name: string }) => name).sort()).toEqual(general);
    const again = (await makeFromSpec(spec)) as Env;
    expect(specOf(again)).toEqual(spec);
    expect(again.observationSpace).toEqual(env.observationSpace);
    expect(episodes(again, 3)).toEqual(episodes(env, 3));
  });

  test('a fork and a restored snapshot go on as the stack does, from any step', () => {
    for (let steps = 0; steps < 5; steps++) {
      const env = stack(new RandomWalk());
      const other = stack(new RandomWalk());
      episodes(env, 2);
      env.reset({ seed: 7 });
      for (let step = 0; step < steps; step++) env.step(Float32Array.of(2));
      const text = JSON.stringify(env.snapshot!());
      const fork = env.fork!();
      const goOn = (one: Env) => [one.step(Float32Array.of(-1)).observation, episodes(one, 2)];
      const expected = goOn(env);
      expect(goOn(fork), `fork after ${steps} steps`).toEqual(expected);
      other.restore!(JSON.parse(text));
      expect(goOn(other), `restored after ${steps} steps`).toEqual(expected);
    }
    expect(() => stack(new RandomWalk()).restore!({})).toThrow(/no part of this wrapper's/);
  });

  test('unknown names and bad options are refused', async () => {
    const spec = (name: string, options = {}) => ({
      id: 'Test/RandomWalk-v0',
      options: {},
      wrappers: [{ name, options }],
    });
    await expect(makeFromSpec(spec('TimeLimits'))).rejects.toThrow(
      /"TimeLimits" is unknown.\nDid you mean "TimeLimit"/,
    );
    await expect(makeFromSpec(spec('TimeLimit', { maxSteps: 0 }))).rejects.toThrow(/TimeLimit: .*maxSteps/);
    await expect(makeFromSpec(spec('FrameStack', { sise: 2, size: 2 }))).rejects.toThrow(/"sise"\..*\n.*size, padding/);
    await expect(makeFromSpec(spec('OrderEnforcing', { a: 2 }))).rejects.toThrow(/Options: none/);
    expect(() => makeFromSpec({ ...spec('TimeLimit'), id: 'Test/RandomWalks-v0' })).toThrow(
      /Did you mean "Test\/RandomWalk-v0"/,
    );
    expect(() => specOf(new RandomWalk())).toThrow(/RandomWalk: this environment has no spec/);
  });

  test("a wrapper of one's own is known once it is registered", async () => {
    class Twice extends Wrapper {
      override step(action: Float32Array) {
        const result = super.step(action);
        return { ...result, reward: 2 * result.reward };
      }
    }
    registerWrapper(Twice);
    const env = (await makeFromSpec({
      id: 'Test/RandomWalk-v0',
      options: {},
      wrappers: [{ name: 'Twice', options: {} }],
    })) as Env;
    expect(episodes(env, 1).rewards).toEqual(episodes(new RandomWalk(), 1).rewards.map((reward) => 2 * reward));
    expect(() => registerWrapper(Twice)).toThrow(/registered already/);
  });
});
