// The committed scenario of streams: what baselines and the bound come to there, and what was recorded of all schedulers.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCsv } from '../../base/files/csv.js';
import { packageRoot } from '../../base/files/paths.js';
import { parseConfig, readFields } from '../config.js';
import { playBaseline } from '../play.js';
import { taskNamed } from './registry.js';

const columns = ['scheduler', 'learnerSeed', 'seed', 'objectiveMs', 'misses', 'boundMs'] as const;
const rows = readCsv(join(packageRoot, 'results', 'reference', 'stream', 'stream-episodes.csv'), columns);

test('the bound lies below every scheduler in every stream, and decisions that take no time are better', () => {
  expect(new Set(rows.map(({ scheduler }) => scheduler))).toContain('sac');
  const msOf = (of: string, seed: string, training: string) =>
    Number(rows.find((row) => row.scheduler === of && row.seed === seed && row.learnerSeed === training)!.objectiveMs);
  for (const { scheduler, seed, learnerSeed } of rows.filter((row) => row.scheduler === 'sac'))
    expect(msOf('sac-uncharged', seed, learnerSeed)).toBeLessThan(msOf(scheduler, seed, learnerSeed));
  for (const { scheduler, seed, objectiveMs, boundMs } of rows)
    expect(Number(objectiveMs), `${scheduler}, stream ${seed}`).toBeGreaterThanOrEqual(Number(boundMs));
});

test('baselines and the bound come to what was committed', async () => {
  const path = join(packageRoot, 'experiments', 'configs', 'stream.yaml');
  const { environment, grid, schedulers } = parseConfig(readFields(path), path);
  const task = await taskNamed(environment.id).open(
    { models: grid.models, platform: grid.platforms[0]! },
    environment.options,
  );
  const requests = Number((environment.options as { requests: number }).requests);
  const [seed] = task.episodes(1) as [number];
  for (const { name } of schedulers.filter(({ use }) => task.baselines.has(use))) {
    const committed = rows.find((row) => row.scheduler === name && Number(row.seed) === seed)!;
    const { responseMs } = task.metrics(playBaseline(task, name, task.baselines.get(name)!, seed, 0));
    expect((responseMs! * requests) / Number(committed.objectiveMs), name).toBeCloseTo(1, 9);
    expect((task.bound(seed)!.objective * requests) / Number(committed.boundMs)).toBeCloseTo(1, 9);
  }
  task.close();
});
