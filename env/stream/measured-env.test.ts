// The path of executors on hardware, with the simulator posing as one: its times are known, and it can be made to fail.
import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { Executor, Run } from '../../engine/executor.js';
import { toySetting } from '../../test/fixtures/toy-setting.js';
import { checkEnv } from '../gym/check/check-env.js';
import { failureReturn } from '../rewards/rewards.js';
import { StreamEnv } from './env.js';
import { streamOutcome } from './outcome.js';
import { StreamSetting } from './setting.js';

const options = { modes: null, load: null, batches: [1, 2], ratePerS: 3000, decisionMsPerUnit: 0.01 } as const;

/** The toy setting on an executor that says it measures, and fails from its `failing`-th decision on. */
function posing(failing = Number.POSITIVE_INFINITY): { simulated: StreamSetting; measured: StreamSetting } {
  const simulated = toySetting(3, { ...options, batches: [...options.batches] });
  let decisions = 0;
  const measured = [0, 1].flatMap((model) =>
    simulated.batches.map((_, size) => {
      const { graph, executor, conditions, costs } = simulated.caseOf(model, size, 0);
      const error = { error: 'the device is gone', unit: null, device: null };
      const begin: Executor['begin'] = (...given) => {
        const run = executor.begin(...given);
        let failed = false;
        const broken: Run = {
          state: run.state,
          decide: (unit, share) => {
            failed ||= decisions++ >= failing;
            return failed ? Number.NaN : run.decide(unit, share);
          },
          finish: () => (failed ? error : run.finish()),
        };
        return broken;
      };
      const posed: Executor = {
        kind: 'measured',
        devices: executor.devices,
        supported: (of) => executor.supported(of),
        begin,
        run: (...given) => executor.run(...given),
        close: () => {},
      };
      return { graph, executor: posed, conditions, costsUnder: () => costs, power: null };
    }),
  );
  return { simulated, measured: new StreamSetting(simulated.options, measured, simulated.identity) };
}

test('an executor that takes the simulator’s times makes the simulator’s episode', () => {
  const settings = posing();
  const [env, other] = [new StreamEnv(settings.measured), new StreamEnv(settings.simulated)];
  expect(env.guarantees).toMatchObject({ deterministic: false, restorable: false });
  for (let seed = 0; seed < 3; seed++) {
    expect(env.reset({ seed }).info).toEqual(other.reset({ seed }).info);
    const actions = Rng.of(seed, 'actions');
    for (let over = false; !over; ) {
      const action = env.actionSpace.sample(actions);
      const [mine, its] = [env.step(action), other.step(action)];
      expect(mine).toMatchObject({ reward: its.reward, terminated: its.terminated, truncated: false });
      over = mine.terminated;
      if (over) {
        const { served, responsesMs } = streamOutcome(its.info);
        expect(mine.info).toMatchObject({ served, responsesMs });
      }
    }
  }
});

test('it conforms to the contract but for determinism', async () => {
  const { passed, skipped, advice } = await checkEnv(() => new StreamEnv(posing().measured));
  expect(advice).toEqual([]);
  expect(skipped.map(({ check }) => check)).toContain('instances');
  expect(passed).toEqual(expect.arrayContaining(['step result', 'telescoping', 'conservation', 'close']));
});

test('an execution that fails truncates the episode, and its return is that of a failure', () => {
  const env = new StreamEnv(posing(20).measured);
  env.reset({ seed: 1 });
  const action = Float32Array.of(0);
  let total = 0;
  for (let step = 0; ; step++) {
    const { reward, terminated, truncated, info } = env.step(action);
    total += reward;
    expect(terminated).toBe(false);
    expect(truncated).toBe(step === 20);
    if (!truncated) continue;
    expect(info).toEqual({ error: { error: 'the device is gone', unit: null, device: null } });
    break;
  }
  expect(total).toBeCloseTo(failureReturn, 12);
  expect(() => env.step(action)).toThrow(/without an episode under way/);
  expect(env.reset({ seed: 2 }).observation).toHaveLength(env.observationSpace.flatSize);
});
