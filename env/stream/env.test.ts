import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { Schedule } from '../../engine/schedule.js';
import type { Trace } from '../../engine/trace.js';
import { toySetting } from '../../test/fixtures/toy-setting.js';
import { checkEnv } from '../gym/check/check-env.js';
import { make } from '../gym/registry.js';
import { StreamEnv } from './env.js';
import { StreamEpisode } from './episode.js';
import { defaultLoad, type StreamOptions } from './options.js';
import { type StreamOutcome, streamOutcome } from './outcome.js';
import './register.js';

/** An episode with actions from a stream of their own. */
function play(env: StreamEnv, seed: number) {
  env.reset({ seed });
  const actions = Rng.of(seed, 'actions');
  const rewards: number[] = [];
  for (;;) {
    const { reward, terminated, info } = env.step(env.actionSpace.sample(actions));
    rewards.push(reward);
    if (terminated) return { rewards, outcome: streamOutcome(info) };
  }
}

const variants: Record<string, StreamOptions> = {
  'two models and modes': {},
  'splits, and decisions that take time': { shares: 'split', decisionMsPerUnit: 0.01, decisionMsPerInference: 0.1 },
  'batches, deadlines and penalties': { batches: [1, 4], ratePerS: 4000, deadlineMs: 2, missPenaltyMs: 5 },
  'an energy budget': { energyBudgetMj: 1, overBudgetMsPerMj: 0.5 },
  'one model, one mode, no load, periodic': { models: ['a'], modes: null, load: null, arrivals: 'periodic' },
};

describe('SparOA/Stream-v0', () => {
  test.each(Object.entries(variants))('conforms to the contract: %s', async (_, options) => {
    const { advice, skipped } = await checkEnv(() => new StreamEnv(toySetting(1, { requests: 5, ...options })), {
      seed: 3,
    });
    expect(advice).toEqual([]);
    expect(skipped.map(({ check }) => check)).toEqual(['masks']);
  });

  test.each(Object.entries(variants))('rewards telescope to response times and penalties: %s', (_, options) => {
    for (let seed = 0; seed < 8; seed++) {
      const env = new StreamEnv(toySetting(seed, options));
      const { rewards, outcome } = play(env, seed);
      const { responsesMs, misses, referenceMs, energyMj } = outcome;
      const { missPenaltyMs, energyBudgetMj, overBudgetMsPerMj, requests } = env.setting.options;
      const overMj = energyBudgetMj === null ? 0 : Math.max(0, energyMj! - energyBudgetMj * requests);
      if (energyBudgetMj !== null) expect(overMj).toBeGreaterThan(0);
      const totalMs = responsesMs.reduce((a, b) => a + b, 0) + misses * missPenaltyMs + overMj * overBudgetMsPerMj;
      expect(rewards.reduce((a, b) => a + b, 0) / (-totalMs / referenceMs), `seed ${seed}`).toBeCloseTo(1, 9);
      expect(rewards.filter((reward) => reward < 0).length).toBeGreaterThanOrEqual(rewards.length / 2);
      expect(env.guarantees.violations!(outcome as never)).toEqual([]);
      const { deadlineMs } = env.setting.options;
      expect(misses).toBe(deadlineMs === null ? 0 : responsesMs.filter((ms) => ms > deadlineMs).length);
    }
  });

  test('energy is that of each inference, and of waiting in the power mode of the one that follows', () => {
    const setting = toySetting(4, { decisionMsPerInference: 0.3, ratePerS: 300 });
    const env = new StreamEnv(setting);
    env.reset({ seed: 9 });
    const shares = Rng.of(9, 'shares');
    let expected = 0;
    for (let outcome: StreamOutcome | null = null; outcome === null; ) {
      const { queue } = env.view();
      const own = setting.caseOf(queue.model, queue.size, queue.condition);
      const schedule = Schedule.of(
        own.graph,
        own.graph.units.map(({ onlyOn }) => onlyOn ?? shares.integer(2)),
      );
      const trace = own.executor.run(own.graph, schedule, own.conditions) as Trace;
      const before = queue.served.at(-1)?.endMs ?? 0;
      const idleW = setting.idleW(queue.condition)!;
      let last = env.step(Float32Array.of(schedule.share[0]!));
      for (const unit of own.graph.units.slice(1)) last = env.step(Float32Array.of(schedule.share[unit.id]!));
      expected += trace.energyMj!.system! + idleW * (queue.served.at(-1)!.endMs - before - trace.makespanMs);
      if (last.terminated) outcome = streamOutcome(last.info);
      if (outcome) expect(outcome.energyMj! / expected).toBeCloseTo(1, 12);
    }
  });

  test('a budget that is kept costs nothing; without power there is no energy, and no budget', async () => {
    const objectiveOf = (options: StreamOptions) => play(new StreamEnv(toySetting(2, options)), 3).outcome;
    const free = objectiveOf({});
    const kept = objectiveOf({ energyBudgetMj: free.energyMj! / 10 + 1e-9, overBudgetMsPerMj: 1 });
    expect(kept.objectiveMs).toBe(free.objectiveMs);
    const tight = objectiveOf({ energyBudgetMj: free.energyMj! / 20, overBudgetMsPerMj: 2 });
    expect(tight.objectiveMs).toBeCloseTo(free.objectiveMs + free.energyMj!, 6);
    expect(() => toySetting(2, { overBudgetMsPerMj: 1 })).toThrow(/energyBudgetMj is null/);
    const hardware = { models: ['model://mobilenetv3-small'], profile: 'lanes://cpu:1+cpu:1', energyBudgetMj: 5 };
    await expect(make('SparOA/Stream-v0', hardware)).rejects.toThrow(/no meter follows single inferences/);
  });

  test('a batch takes what its graph takes under the conditions of its beginning, and the decisions', () => {
    const setting = toySetting(4, { decisionMsPerUnit: 0.02, decisionMsPerInference: 0.3, batches: [1, 2] });
    const env = new StreamEnv(setting);
    env.reset({ seed: 9 });
    const shares = Rng.of(9, 'shares');
    const schedules: Schedule[] = [];
    let outcome: StreamOutcome | null = null;
    const models: number[] = [];
    while (outcome === null) {
      const { queue, observed } = env.view();
      const { graph } = observed;
      const schedule = Schedule.of(
        graph,
        graph.units.map(({ onlyOn }) => onlyOn ?? shares.integer(2)),
      );
      schedules.push(schedule);
      models.push(queue.model);
      for (const share of schedule.share) {
        const { terminated, info } = env.step(Float32Array.of(share));
        if (terminated) outcome = streamOutcome(info);
      }
    }
    const { served, trace } = outcome;
    served.forEach(({ model, size, condition, startMs, endMs }, i) => {
      expect(model).toBe(models[i]);
      const inference = setting.caseOf(model, setting.batches.indexOf(size), condition);
      const { graph, executor, conditions } = inference;
      const { makespanMs } = executor.run(graph, schedules[i]!, conditions) as Trace;
      expect(endMs - startMs).toBeCloseTo(makespanMs + 0.3 + 0.02 * inference.graph.units.length, 9);
    });
    expect(trace.schedule).toEqual(schedules.at(-1));
  });

  test('first come, first served; a batch is of one model, of requests that were there when it began', () => {
    const setting = toySetting(5, { batches: [1, 2, 4], ratePerS: 6000, requests: 40 });
    const env = new StreamEnv(setting);
    env.reset({ seed: 2 });
    const { episode } = env.view().queue;
    const { outcome } = play(env, 2);
    let next = 0;
    for (const { first, requests, model, size, startMs } of outcome.served) {
      expect(first).toBe(next);
      next += requests;
      expect(size).toBeGreaterThanOrEqual(requests);
      for (let i = first; i < next; i++) {
        expect(episode.model[i]).toBe(model);
        expect(episode.arrivalMs[i]).toBeLessThanOrEqual(startMs);
      }
    }
    expect(next).toBe(40);
    expect(Math.max(...outcome.served.map(({ size }) => size))).toBe(4);
  });

  test('the world of a seed is the same whatever is decided, and a reading is as old as the monitor says', () => {
    const setting = toySetting(6, { monitorMs: 3 });
    const [one, other] = [new StreamEpisode(setting, 7), new StreamEpisode(setting, 7)];
    // The other is asked out of order.
    const times = Array.from({ length: 200 }, (_, i) => i * 0.37);
    const expected = times.map((ms) => one.conditionAt(ms));
    expect(
      times
        .toReversed()
        .map((ms) => other.conditionAt(ms))
        .toReversed(),
    ).toEqual(expected);
    expect(new Set(expected).size).toBeGreaterThan(3);
    for (const ms of times) {
      expect(one.observedAt(ms)).toBe(one.conditionAt(3 * Math.floor(ms / 3)));
      expect(one.conditionAt(one.changeAfter(ms))).not.toBe(one.conditionAt(one.changeAfter(ms) - 1e-9));
    }
  });

  test('stepInto and a state restored elsewhere go on alike, in the middle of an inference', () => {
    const env = new StreamEnv(toySetting(8));
    const other = new StreamEnv(toySetting(8));
    env.reset({ seed: 5 });
    const rng = Rng.of(1, 'actions');
    for (let i = 0; i < 21; i++) env.step(env.actionSpace.sample(rng));
    other.restore(JSON.parse(JSON.stringify(env.snapshot())));
    const buffer = new Float32Array(env.observationSpace.flatSize);
    for (let over = false; !over; ) {
      const action = env.actionSpace.sample(rng);
      const { observation, reward, terminated, info } = env.step(action);
      expect(other.stepInto(action, buffer).reward).toBe(reward);
      expect(buffer).toEqual(observation);
      expect(other.info()).toEqual(info);
      over = terminated;
    }
  });

  test('a bad option is refused by name', async () => {
    const refused = (options: StreamOptions) => expect(make('SparOA/Stream-v0', options)).rejects;
    await refused({ requests: 0 }).toThrow(/requests/);
    await refused({ models: ['x', 'x'] }).toThrow(/models holds x twice/);
    await refused({ missPenaltyMs: 1 }).toThrow(/deadlineMs is null/);
    await refused({ modes: ['maxn'], profile: 'profile://jetson-agx-orin?mode=15w' }).toThrow(/names a mode/);
    await refused({ modes: ['maxi'] }).toThrow(/maxn/);
    await refused({ load: { kind: 'markov', states: [{ cpu: 1, gpu: 0, memory: 0, meanMs: 1 }] } }).toThrow(/cpu 1/);
    const devices = 'cpu:1+cpu:1';
    await refused({ devices }).toThrow(/"simulator" runs a device profile/);
    await refused({ executor: 'lanes', devices, profile: 'profile://jetson-orin-nano' }).toThrow(
      /"lanes" runs on this/,
    );
    await refused({ executor: 'lanes', devices, modes: ['maxn'] }).toThrow(/modes is given.*cannot be imposed/);
    await refused({ executor: 'lanes', devices, load: defaultLoad }).toThrow(/load is given.*cannot be imposed/);
    await refused({ speed: 1 } as StreamOptions).toThrow(/Known: models, profile/);
  });
});
