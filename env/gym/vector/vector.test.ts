// A vector's rows are what each environment does alone: the truth is a log of scalar episodes, out of which every
// autoreset mode must make its own order.
import { describe, expect, test } from 'vitest';
import { RandomWalk } from '../../../test/fixtures/random-walk.js';
import type { Env, EnvState, ResetOptions, StepResult } from '../env.js';
import { Discrete } from '../spaces/discrete.js';
import { OrderEnforcing, RecordEpisodeStatistics, TimeLimit } from '../wrappers/episode.js';
import { NormalizeObservation, NormalizeReward } from '../wrappers/normalize.js';
import { FrameStack } from '../wrappers/observations.js';
import { PassiveChecker } from '../wrappers/passive-checker.js';
import { type AutoresetMode, VectorEnv } from './vector-env.js';

const count = 3;
const episodes = 4;

/** Environment i ends after 2 + i steps, so that ends do not coincide. */
class Walk extends RandomWalk {
  constructor(readonly last = 6) {
    super();
  }
  resetInto(observation: Float32Array, options?: ResetOptions): void {
    observation.set(this.reset(options).observation);
  }
  override step(action: Float32Array): StepResult<Float32Array> {
    const result = super.step(action);
    return { ...result, truncated: this.steps === this.last };
  }
  override stepInto(action: Float32Array, observation: Float32Array) {
    const outcome = super.stepInto(action, observation);
    return { ...outcome, truncated: this.steps === this.last };
  }
}

const wrappings: Readonly<Record<string, (env: Env) => Env>> = {
  nothing: (env) => env,
  TimeLimit: (env) => new TimeLimit(env, { maxSteps: 3 }),
  OrderEnforcing: (env) => new OrderEnforcing(env),
  RecordEpisodeStatistics: (env) => new RecordEpisodeStatistics(env, { episodes: 2 }),
  NormalizeObservation: (env) => new NormalizeObservation(env),
  NormalizeReward: (env) => new NormalizeReward(env),
  FrameStack: (env) => new FrameStack(env, { size: 3 }),
  PassiveChecker: (env) => new PassiveChecker(env),
  'all of them': (env) =>
    new RecordEpisodeStatistics(
      new PassiveChecker(
        new FrameStack(
          new NormalizeReward(new NormalizeObservation(new TimeLimit(new OrderEnforcing(env), { maxSteps: 4 }))),
          { size: 2 },
        ),
      ),
    ),
};

interface Row {
  readonly observation: number[];
  readonly reward: number;
  readonly over: boolean;
  readonly reset: boolean;
  readonly final: number[] | null;
  readonly info: EnvState;
  readonly finalInfo: EnvState | null;
}

const actionOf = (env: number, step: number) => Math.fround(Math.sin(3 * env + step));
/** Wall-clock times are not compared. */
const plain = (info: unknown) =>
  JSON.parse(JSON.stringify(info, (key, value) => (key === 'wallMs' ? undefined : value)));

/** What the environment alone does, in the order in which a mode shows it. */
function expectedRows(env: Env, index: number, mode: AutoresetMode): Row[] {
  const rows: Row[] = [];
  let step = 0;
  const start = (reset: ReturnType<Env['reset']>): Row => ({
    observation: [...reset.observation],
    reward: 0,
    over: false,
    reset: true,
    final: null,
    info: plain(reset.info),
    finalInfo: null,
  });
  let begun = start(env.reset({ seed: 10 + index }));
  for (let episode = 0; episode < episodes; episode++) {
    for (let over = false; !over; ) {
      const result = env.step(Float32Array.of(actionOf(index, step++)));
      over = result.terminated || result.truncated;
      const [observation, info] = [[...result.observation], plain(result.info)];
      const row = { observation, reward: result.reward, over, reset: false, info };
      rows.push({ ...row, final: over ? observation : null, finalInfo: over ? info : null });
    }
    begun = start(env.reset());
    if (mode === 'same-step') {
      const { observation, info } = begun;
      rows.push({ ...rows.pop()!, observation, info });
    } else rows.push(begun);
  }
  return rows;
}

describe.each(['next-step', 'same-step', 'disabled'] as const)('autoreset %s', (mode) => {
  test.each(Object.keys(wrappings))('rows do what each environment does alone, in %s', (name) => {
    const make = (i: number) => wrappings[name]!(new Walk(2 + i));
    const expected = Array.from({ length: count }, (_, i) => expectedRows(make(i), i, mode));
    const vector = new VectorEnv(
      Array.from({ length: count }, (_, i) => make(i)),
      mode,
    );
    vector.reset({ seed: 10 });
    const size = vector.singleObservationSpace.flatSize;
    const rowOf = (batch: Float32Array, i: number) => [...batch.subarray(i * size, (i + 1) * size)];
    const seen: Row[][] = expected.map(() => []);
    const taken = [0, 0, 0];
    const over = [false, false, false];
    while (seen.some((rows, i) => rows.length < expected[i]!.length)) {
      // With autoreset disabled those that are over are reset by hand, and that is their row.
      const pending = Uint8Array.from(over, Number);
      if (mode === 'disabled' && pending.includes(1)) {
        expect(() => vector.step(new Float32Array(count))).toThrow(
          new RegExp(`environment ${pending.indexOf(1)} is over, and autoreset is disabled`),
        );
        const { observations, infos } = vector.reset({ only: pending });
        for (const i of [0, 1, 2].filter((one) => over[one])) {
          const row = { reward: 0, over: false, reset: true, final: null, finalInfo: null };
          seen[i]!.push({ ...row, observation: rowOf(observations, i), info: plain(infos[i]) });
          over[i] = false;
        }
      }
      const step = vector.step(Float32Array.from({ length: count }, (_, i) => actionOf(i, taken[i]!)));
      for (let i = 0; i < count; i++) {
        const ended = step.terminated[i] === 1 || step.truncated[i] === 1;
        if (!step.resets[i]) taken[i]!++;
        over[i] = ended && mode === 'disabled';
        seen[i]!.push({
          observation: rowOf(step.observations, i),
          reward: step.rewards[i]!,
          over: ended,
          reset: step.resets[i] === 1,
          final: ended ? rowOf(step.finalObservations, i) : null,
          info: plain(step.infos[i]),
          finalInfo: plain(step.finalInfos[i]),
        });
      }
    }
    for (let i = 0; i < count; i++)
      expect(seen[i]!.slice(0, expected[i]!.length), `environment ${i}`).toEqual(expected[i]);
    vector.close();
  });

  test('stepInto writes the same into its own arrays', () => {
    const vectors = [0, 1].map(() => new VectorEnv([new Walk(3), new Walk(3)], mode));
    for (const vector of vectors) vector.reset({ seed: [4, 9] });
    for (let step = 0; step < 3; step++) {
      const fresh = vectors[0]!.step(Float32Array.of(0.5, -0.5));
      const own = vectors[1]!.stepInto(Float32Array.of(0.5, -0.5));
      expect(fresh).toMatchObject(own);
      expect(fresh.observations.buffer).not.toBe(own.observations.buffer);
    }
  });
});

test('seeds are one after the other from one, or one for each', () => {
  const vector = new VectorEnv([new RandomWalk(), new RandomWalk()], 'disabled');
  const alone = (seed: number) => [...new RandomWalk().reset({ seed }).observation];
  expect([...vector.reset({ seed: 5 }).observations]).toEqual([...alone(5), ...alone(6)]);
  expect([...vector.reset({ seed: [8, 2] }).observations]).toEqual([...alone(8), ...alone(2)]);
});

test('what cannot be a vector is refused', () => {
  const env = new RandomWalk();
  expect(() => new VectorEnv([env, env], 'disabled')).toThrow(/stands there twice/);
  expect(() => new VectorEnv([], 'disabled')).toThrow(/there is no environment/);
  expect(() => new VectorEnv([env], 'nextstep' as never)).toThrow(/no default.\nDid you mean "next-step"/);
  expect(() => new VectorEnv([env], undefined as never)).toThrow(/"undefined" is unknown; there is no default/);
  expect(() => new VectorEnv([env, new FrameStack(new RandomWalk(), { size: 2 })], 'disabled')).toThrow(/other spaces/);
  const discrete = Object.assign(new RandomWalk(), { observationSpace: new Discrete(2) });
  expect(() => new VectorEnv([discrete as never], 'disabled')).toThrow(/Discrete\(2\), not a Box.\nWrap/);
  const vector = new VectorEnv([env, new RandomWalk()], 'next-step');
  vector.reset();
  expect(() => vector.step(Float32Array.of(1))).toThrow(/1 numbers or actions for 2 environments/);
  expect(() => vector.reset({ seed: [1] })).toThrow(/1 seeds for 2 environments/);
});
