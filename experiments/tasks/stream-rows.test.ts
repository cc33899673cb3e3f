// SparOA/Stream-v0 on this machine's own devices: inferences that are executed, rows that are measured. The contract's check on
// them is one of env/conformance.test.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bestFixed } from '../../agents/baselines/streams/best-fixed.js';
import { driveStream, resolving } from '../../agents/baselines/streams/policy.js';
import { StreamEnv } from '../../env/stream/env.js';
import { parseStreamOptions } from '../../env/stream/options.js';
import { openStreamSetting } from '../../env/stream/setting.js';
import { writeTrajectories } from '../results/trajectories.js';
import { validateTrajectories } from '../validate.js';
import { streamTrajectoryRow } from './stream-rows.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-stream-lanes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = parseStreamOptions({
  executor: 'lanes',
  devices: 'cpu:1+cpu:1',
  models: ['model://resnet18?size=32'],
  requests: 3,
  ratePerS: 2000,
  // Each size is a model whose costs are measured: seconds, more where other tests run.
  batches: process.env.SPAROA_GYM_FULL === '1' ? [1, 2] : [1],
  deadlineMs: 5,
  missPenaltyMs: 1,
});

test('on lanes returns are minus what was measured, and rows hold', {
  timeout: 120_000,
}, async () => {
  const setting = await openStreamSetting(options);
  const env = new StreamEnv(setting);
  expect(env.setting.options).toMatchObject({ profile: 'lanes://cpu:1+cpu:1', load: null });
  const rows = [0, 1].map((seed) => {
    const played = driveStream(env, () => resolving, seed);
    const { outcome } = played;
    expect(outcome.trace.kind).toBe('measured');
    expect(env.guarantees.violations!(outcome as never)).toEqual([]);
    const { misses, responsesMs } = outcome;
    expect(misses).toBe(responsesMs.filter((ms) => ms > 5).length);
    expect(played.return / (-(responsesMs.reduce((a, b) => a + b, 0) + misses) / outcome.referenceMs)).toBeCloseTo(
      1,
      9,
    );
    return streamTrajectoryRow(setting, { scheduler: 're-solve', seed }, played);
  });
  expect(() => env.snapshot()).toThrow(/time has passed/);
  expect(() => driveStream(env, bestFixed, 0)).toThrow(/not known before it runs/);
  env.close();

  const path = join(folder, 'trajectories.csv');
  writeTrajectories(path, rows);
  expect(await validateTrajectories(path)).toEqual({ rows: 2, measured: 2, failures: [] });
  const [row] = rows as [(typeof rows)[0]];
  writeTrajectories(path, [
    { ...row, return: row.return * (1 + 1e-6) },
    { ...row, kind: 'simulated' },
    { ...row, conditions: row.conditions.replace(/batches=.*/, 'batches=1.1') },
    { ...row, conditions: row.conditions.replace(/batches=.*/, 'batches=3') },
    { ...row, actions: row.actions.slice(0, 400) },
    { ...row, modelHash: 'x' },
  ]);
  const { failures, measured } = await validateTrajectories(path);
  expect(measured).toBe(6);
  for (const [i, reason] of [
    /return/,
    /kind is simulated/,
    /answer 2 of 3|actions/,
    /batches: 3/,
    /actions for/,
    /model changed/,
  ].entries())
    expect(failures[i]).toMatch(reason);
});
