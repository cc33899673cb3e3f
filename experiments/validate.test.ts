// Episodes of every environment of scheduling, drawn ones too, replay from their rows; a changed one does not.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Rng } from '../base/random/rng.js';
import type { LoadProcess } from '../engine/load-process.js';
import type { Env, Info } from '../env/gym/env.js';
import { make } from '../env/gym/registry.js';
import '../env/branches/branches-options.js';
import { DomainRandomisation } from '../env/randomisation/domain-randomisation.js';
import '../env/placement/placement-options.js';
import { schedulingIds } from '../env/register.js';
import { episodeRow, type TrajectoryRow, writeTrajectories } from './results/trajectories.js';
import { validateTrajectories } from './validate.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-validate-'));
afterAll(() => rmSync(folder, { recursive: true }));

const model = 'model://mobilenetv3-small?size=32';
const models = [model, 'model://resnet18?size=32'];
const profiles = ['profile://jetson-agx-orin', 'profile://jetson-orin-nano'];
const load: LoadProcess = {
  kind: 'markov',
  states: [
    { cpu: 0, gpu: 0, memory: 0, meanMs: 1 },
    { cpu: 0.5, gpu: 0.25, memory: 0.5, meanMs: 0.5 },
  ],
};

function played(env: Env<Float32Array, unknown>, seed: number): TrajectoryRow {
  const rng = Rng.of(seed, 'played');
  let info: Info = env.reset({ seed }).info;
  const actions: (Float32Array | number)[] = [];
  for (let total = 0; ; ) {
    const action = env.actionSpace.sample(rng, (info.actionMask ?? null) as Uint8Array | null);
    const result = env.step(action);
    actions.push(action as Float32Array | number);
    total += result.reward;
    info = result.info;
    if (result.terminated) return episodeRow(env as never, { scheduler: 'random', seed, actions, return: total, info });
  }
}

test('episodes of every environment replay, on whatever board, beside whatever load and of whatever model they were drawn', async () => {
  const rows: TrajectoryRow[] = [];
  for (const id of ['SparOA/Share-v0', 'SparOA/Placement-v0', 'SparOA/Branches-v0'] as const) {
    expect(schedulingIds()).toContain(id);
    const alone = (await make(id, { model })) as unknown as Env<Float32Array, unknown>;
    rows.push(played(alone, 3));
    const chosen = { observation: ['residency', 'history', 'graph'], reward: 'weighted' };
    const options = {
      'SparOA/Share-v0': { shares: 'split', ...chosen, weights: { latency: 1, deadline: 0.5 }, deadline: 0.9 },
      'SparOA/Placement-v0': { ...chosen, weights: { latency: 0.1 } },
      'SparOA/Branches-v0': {},
    }[id];
    const listed = (await make(id, { model: models, ...options } as never)) as unknown as Env<Float32Array, unknown>;
    const drawn = new DomainRandomisation(listed, { profiles, loads: [null, load] });
    for (const seed of [3, 4, 5]) rows.push(played(drawn as never, seed));
  }
  expect(new Set(rows.map((row) => row.model)).size).toBe(2);
  expect(new Set(rows.map((row) => row.profile)).size).toBe(2);
  expect(rows.some(({ conditions }) => conditions.includes('load='))).toBe(true);
  const path = join(folder, 'trajectories.csv');
  writeTrajectories(path, rows);
  expect(await validateTrajectories(path)).toEqual({ rows: rows.length, measured: 0, failures: [] });

  // Up to version 0.1.0 the execution was called `regime`.
  const older = join(folder, 'older.csv');
  const renamed = ({ conditions }: TrajectoryRow) => conditions.replace('execution=', 'regime=');
  writeTrajectories(
    older,
    rows.map((row) => ({ ...row, conditions: renamed(row) })),
  );
  expect(readFileSync(older, 'utf8')).toContain('regime=overlap');
  expect(await validateTrajectories(older)).toEqual({ rows: rows.length, measured: 0, failures: [] });

  const choices = rows.findIndex((row) => row.env === 'SparOA/Branches-v0');
  const text = readFileSync(path, 'utf8');
  const changed = join(folder, 'changed.csv');
  writeFileSync(changed, text.replace(`,${rows[choices]!.return},`, `,${rows[choices]!.return - 1e-9},`));
  const { failures } = await validateTrajectories(changed);
  expect(failures).toEqual([expect.stringMatching(/changed.csv:\d+: result differs: return/)]);
});

test('a row of another environment, or with unknown options, is refused', async () => {
  const row = played((await make('SparOA/Branches-v0', { model })) as never, 0);
  const refused = async (change: Partial<TrajectoryRow>) => {
    const path = join(folder, 'refused.csv');
    writeTrajectories(path, [{ ...row, ...change }]);
    return validateTrajectories(path);
  };
  await expect(refused({ env: 'SparOA/Branches-v9' })).rejects.toThrow(/"SparOA\/Branches-v9" cannot be replayed/);
  await expect(refused({ envOptions: 'lanes=9' })).rejects.toThrow(/envOptions: .*lanes/);
  expect((await refused({ actions: row.actions.slice(0, 8) })).failures[0]).toMatch(/the episode goes on/);
});
