import { describe, expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import { Schedule } from '../../../engine/schedule.js';
import { StreamEnv } from '../../../env/stream/env.js';
import { StreamEpisode } from '../../../env/stream/episode.js';
import type { StreamOptions } from '../../../env/stream/options.js';
import { playStream } from '../../../env/stream/queue.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { toySetting } from '../../../test/fixtures/toy-setting.js';
import { clairvoyantBound } from '../../bounds/stream-bound.js';
import { bestFixed } from './best-fixed.js';
import { driveStream, latencyMs, optimumOf, resolving, type StreamPolicy } from './policy.js';
import { tablePolicy } from './table.js';

/** Of the schedules of a case, any. */
function randomPolicy(seed: number): StreamPolicy {
  const random = Rng.of(seed, 'random-policy');
  return ({ observed: { graph } }) =>
    Schedule.of(
      graph,
      graph.units.map(({ onlyOn }) => onlyOn ?? random.integer(2)),
    );
}

const fixed =
  (device: 0 | 1): StreamPolicy =>
  ({ observed: { graph } }) =>
    Schedule.onDevice(graph, device);

/** Every schedule of a graph. */
function everySchedule({ units }: OperatorGraph): number[][] {
  return units.reduce<number[][]>(
    (all, { onlyOn }) =>
      all.flatMap((share) => (onlyOn === null ? [0, 1] : [onlyOn]).map((device) => [...share, device])),
    [[]],
  );
}

const slack = 1 + 1e-9;
const seeds = process.env.SPAROA_GYM_FULL === '1' ? 300 : 12;

describe('policies for streams', () => {
  const variants: [string, StreamOptions][] = [
    ['one at a time', {}],
    [
      'busy, with batches, deadlines and penalties',
      { batches: [1, 2, 4], ratePerS: 5000, deadlineMs: 1.5, missPenaltyMs: 2 },
    ],
    [
      'decisions that take time, a slow monitor',
      { decisionMsPerUnit: 0.02, decisionMsPerInference: 0.1, monitorMs: 5 },
    ],
  ];
  test.each(variants)('the clairvoyant bound lies below every policy in every seed: %s', (_, options) => {
    let tight = 0;
    for (let seed = 0; seed < seeds; seed++) {
      const setting = toySetting(seed % 4, options);
      const env = new StreamEnv(setting);
      const policies: [string, (episode: StreamEpisode) => StreamPolicy][] = [
        ['cpu-only', () => fixed(0)],
        ['gpu-only', () => fixed(1)],
        ['random', () => randomPolicy(seed)],
        ['best fixed', bestFixed],
        ['re-solving', () => resolving],
        ...[1, 2, 6].map((k): (typeof policies)[number] => [`table ${k}`, () => tablePolicy(setting, k)]),
        [
          'all-knowing',
          () =>
            ({ queue }) =>
              optimumOf(setting.caseOf(queue.model, queue.size, queue.condition)),
        ],
      ];
      for (const [name, policyOf] of policies) {
        const { outcome, return: total } = driveStream(env, policyOf, seed);
        env.reset({ seed });
        const { episode } = env.view().queue;
        const bound = clairvoyantBound(episode);
        expect(bound.objectiveMs, `seed ${seed}, ${name}`).toBeLessThanOrEqual(outcome.objectiveMs * slack);
        expect(total / (-outcome.objectiveMs / outcome.referenceMs)).toBeCloseTo(1, 9);
        outcome.responsesMs.forEach((ms, j) => {
          expect(bound.answeredMs[j]! - episode.arrivalMs[j]!).toBeLessThanOrEqual(ms * slack);
        });
        if (bound.objectiveMs * 1.3 > outcome.objectiveMs) tight++;
      }
    }
    // A bound of nothing would pass too.
    if (!options.decisionMsPerUnit) expect(tight).toBeGreaterThan(seeds);
  });

  test('where nothing changes and decisions take no time, re-solving reaches the bound', () => {
    for (let seed = 0; seed < 30; seed++) {
      const env = new StreamEnv(toySetting(seed, { load: null, modes: null, monitorMs: 0 }));
      const { outcome } = driveStream(env, () => resolving, seed);
      env.reset({ seed });
      expect(clairvoyantBound(env.view().queue.episode).objectiveMs / outcome.objectiveMs).toBeCloseTo(1, 9);
    }
  });

  test('with an exact monitor each re-solved inference is the optimum of its conditions, by brute force', () => {
    for (let seed = 0; seed < 6; seed++) {
      const setting = toySetting(seed, { monitorMs: 0, requests: 6 }, 6);
      const { outcome } = driveStream(new StreamEnv(setting), () => resolving, seed);
      for (const { model, condition, startMs, endMs } of outcome.served) {
        const inference = setting.caseOf(model, 0, condition);
        const best = Math.min(
          ...everySchedule(inference.graph).map((share) => latencyMs(inference, Schedule.of(inference.graph, share))),
        );
        expect((endMs - startMs) / best, `seed ${seed}`).toBeCloseTo(1, 9);
      }
    }
  });

  test('the best fixed schedule beats every fixed schedule there is, where streams do not depend on it', () => {
    // Requests so far apart that none waits; conditions that outlast the stream: what is met does not depend on the schedule.
    for (let seed = 0; seed < 10; seed++) {
      const setting = toySetting(
        seed,
        {
          models: ['a'],
          modes: null,
          ratePerS: 1,
          arrivals: 'periodic',
          monitorMs: 0,
          load: {
            kind: 'recorded',
            samples: [
              { atMs: 0, cpu: 0, gpu: 0, memory: 0 },
              { atMs: 3500, cpu: 0.9, gpu: 0, memory: 0 },
              { atMs: 7500, cpu: 0, gpu: 0.9, memory: 0 },
            ],
          },
        },
        7,
      );
      const { outcome } = driveStream(new StreamEnv(setting), bestFixed, seed);
      const episode = new StreamEpisode(setting, 0);
      const { graph } = setting.caseOf(0, 0, 0);
      const objectives = everySchedule(graph).map((share) => {
        const schedule = Schedule.of(graph, share);
        return playStream(episode, ({ condition }) => latencyMs(setting.caseOf(0, 0, condition), schedule)).objectiveMs;
      });
      expect(outcome.objectiveMs / Math.min(...objectives), `seed ${seed}`).toBeCloseTo(1, 9);
    }
  });

  test('a table with a schedule for each condition re-solves; a smaller one expects no less time', () => {
    for (let seed = 0; seed < 20; seed++) {
      const setting = toySetting(seed, {});
      const env = new StreamEnv(setting);
      const full = driveStream(env, () => tablePolicy(setting, setting.conditionCount), seed);
      expect(full.outcome.objectiveMs).toBeCloseTo(driveStream(env, () => resolving, seed).outcome.objectiveMs, 9);
      expect(full.outcome).toEqual(driveStream(env, () => tablePolicy(setting, 99), seed).outcome);
    }
  });

  test('the bound refuses splits', () => {
    const setting = toySetting(0, { shares: 'split' });
    expect(() => clairvoyantBound(new StreamEpisode(setting, 0))).toThrow(/no clairvoyant bound with shares "split"/);
  });
});
