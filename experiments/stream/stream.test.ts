import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { driveStream } from '../../agents/baselines/streams/policy.js';
import { clairvoyantBound } from '../../agents/bounds/stream-bound.js';
import { readCsv, writeCsv } from '../../base/files/csv.js';
import { packageRoot } from '../../base/files/paths.js';
import { StreamEnv } from '../../env/stream/env.js';
import { parseStreamOptions } from '../../env/stream/options.js';
import { openStreamSetting } from '../../env/stream/setting.js';
import { readFields, trainingSchema } from '../config.js';
import { trajectoryColumns } from '../results/trajectories.js';
import { validateTrajectories } from '../validate.js';
import { parseStreamConfig } from './config.js';
import { streamEpisodeColumns, streamTrajectoryRow } from './episodes.js';
import { finishedStreamResult, judgedSeed, runStreamJob, type StreamJob } from './job.js';
import { learnerCharge, rivals } from './rivals.js';
import { streamRows } from './summary.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-stream-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = parseStreamOptions({
  models: ['model://mobilenetv3-small?size=32'],
  modes: ['maxn', '15w'],
  batches: [1, 2],
  requests: 4,
  ratePerS: 400,
  deadlineMs: 8,
  missPenaltyMs: 3,
});

describe('experiments on streams', () => {
  test("every rival's episodes replay from trajectories.csv to the bit, and another return is found", async () => {
    const setting = await openStreamSetting(options);
    const rows = rivals([2]).flatMap(({ name, charge, policyOf }) => {
      const env = new StreamEnv(setting.with(charge));
      const policy = policyOf(env.setting);
      return [0, 1].map((seed) =>
        streamTrajectoryRow(env.setting, { scheduler: name, seed }, driveStream(env, policy, seed)),
      );
    });
    const path = join(folder, 'trajectories.csv');
    writeCsv(path, trajectoryColumns, rows);
    expect(readFileSync(path, 'utf8')).not.toMatch(/"/);
    expect(await validateTrajectories(path)).toEqual({ rows: 10, measured: 0, failures: [] });
    const [first, second, ...others] = rows;
    const forged = { ...first!, return: first!.return + 1e-9 };
    const cut = { ...second!, actions: second!.actions.slice(0, 400) };
    writeCsv(path, trajectoryColumns, [forged, cut, ...others]);
    const { failures } = await validateTrajectories(path);
    expect(failures).toHaveLength(2);
    expect(failures[0]).toMatch(/:2: result differs: return/);
    expect(failures[1]).toMatch(/:3: result differs: 75 actions/);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('%22requests%22%3A4', '%22requests%22%3A0'));
    await expect(validateTrajectories(path)).rejects.toThrow(/envOptions are not those of SparOA\/Stream-v0.*requests/);
  });

  test('a training is the same twice, and one that was finished is not done again', async () => {
    const { identity } = await openStreamSetting(options);
    const job: StreamJob = {
      learner: 'sac',
      stream: { ...options, ...learnerCharge, requests: 2, batches: [1], modes: null },
      modelHash: identity.modelHash,
      profileHash: identity.profileHash,
      seed: 0,
      seeds: 2,
      training: trainingSchema.parse({ steps: 300, evaluateEverySteps: 150 }),
      backend: 'compiled',
      agent: { hidden: [8], learningStarts: 150, batchSize: 16 },
    };
    const [one, other] = [join(folder, 'one'), join(folder, 'other')];
    await runStreamJob(one, job, () => {});
    await runStreamJob(other, job, () => {});
    const { trainingWallS: _, ...result } = finishedStreamResult(one, job)!;
    expect(finishedStreamResult(other, job)).toMatchObject(result);
    expect(result.curve.map(({ step }) => step).at(-1)).toBeGreaterThanOrEqual(300);
    expect(result.unchargedActions).toHaveLength(2);
    let told = 0;
    await runStreamJob(one, job, () => told++);
    expect(told).toBe(0);
    expect(finishedStreamResult(one, { ...job, seed: 1 })).toBeNull();
  });

  test('in the committed scenario the bound lies below every scheduler in every stream, and results are as committed', async () => {
    const rows = readCsv(
      join(packageRoot, 'results', 'reference', 'stream', 'stream-episodes.csv'),
      streamEpisodeColumns,
    );
    expect(new Set(rows.map(({ scheduler }) => scheduler))).toContain('sac');
    const msOf = (of: string, seed: string, training: string) =>
      Number(
        rows.find((row) => row.scheduler === of && row.seed === seed && row.learnerSeed === training)!.objectiveMs,
      );
    for (const { scheduler, seed, learnerSeed } of rows.filter(({ scheduler }) => scheduler === 'sac'))
      expect(msOf('sac-uncharged', seed, learnerSeed)).toBeLessThan(msOf(scheduler, seed, learnerSeed));
    for (const { scheduler, seed, objectiveMs, boundMs } of rows)
      expect(Number(objectiveMs), `${scheduler}, stream ${seed}`).toBeGreaterThanOrEqual(Number(boundMs));
    const fields = readFields(join(packageRoot, 'experiments', 'configs', 'stream.yaml'));
    const setting = await openStreamSetting(parseStreamConfig(fields, 'stream.yaml').stream);
    for (const { name, charge, policyOf } of rivals([2])) {
      const env = new StreamEnv(setting.with(charge));
      const seed = judgedSeed(0);
      const { outcome } = driveStream(env, policyOf(env.setting), seed);
      const committed = rows.find((row) => row.scheduler === name && Number(row.seed) === seed)!;
      expect(outcome.objectiveMs / Number(committed.objectiveMs), name).toBeCloseTo(1, 9);
      env.reset({ seed });
      expect(clairvoyantBound(env.view().queue.episode).objectiveMs / Number(committed.boundMs)).toBeCloseTo(1, 9);
    }
  });

  test('rows are ordered by the gap to the bound, paired by stream', async () => {
    const setting = await openStreamSetting(options);
    const contestants = ['slow', 'fast'].map((scheduler) => ({
      scheduler,
      decision: 'planned' as const,
      charge: { decisionMsPerInference: 0, decisionMsPerUnit: 0 },
      trainingWallS: [],
    }));
    const episodes = [1, 2, 3].flatMap((seed) => [
      { scheduler: 'slow', learnerSeed: null, seed, objectiveMs: 30 * seed, misses: 1, boundMs: 10 * seed },
      { scheduler: 'fast', learnerSeed: null, seed, objectiveMs: 15 * seed, misses: 0, boundMs: 10 * seed },
    ]);
    const [first, second] = streamRows(setting, contestants, episodes);
    expect(first).toMatchObject({ scheduler: 'fast', gapPercent: 50, behindPercent: null, misses: 0, responseMs: 7.5 });
    expect(second).toMatchObject({ scheduler: 'slow', gapPercent: 200, behindPercent: 100, behindPercentLow: 100 });
    expect([second!.responseMsLow, second!.responseMsHigh]).toEqual([7.5, 22.5]);
  });

  test('a bad config is refused by name', () => {
    const parse = (fields: object) => () => parseStreamConfig({ name: 'x', stream: {}, ...fields }, 'config x');
    expect(parse({})).not.toThrow();
    expect(parse({ stream: { requests: 0 } })).toThrow(/stream.requests/);
    expect(parse({ stream: { decisionMsPerUnit: 1 } })).toThrow(/decisionMsPerUnit/);
    expect(parse({ learners: ['dqn'] })).toThrow(/learners/);
    expect(parse({ agent: { gamma: 2 } })).toThrow(/agent: gamma/);
  });
});
