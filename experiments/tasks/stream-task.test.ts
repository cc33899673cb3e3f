// The committed scenario of streams: what baselines and the bound come to there, and what was recorded of all schedulers.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCsv } from '../../base/files/csv.js';
import { packageRoot } from '../../base/files/paths.js';
import { median } from '../../base/statistics/quantile.js';
import { parseConfig, readFields } from '../config.js';
import { playBaseline } from '../play.js';
import { taskNamed } from './registry.js';

const columns = ['scheduler', 'metric', 'n', 'iqm', 'median', 'low'] as const;
const rows = readCsv(join(packageRoot, 'results', 'reference', 'stream', 'summary.csv'), columns);
const committed = (scheduler: string, metric: string) =>
  rows.find((row) => row.scheduler === scheduler && row.metric === metric)!;

test('the bound lies below every scheduler, and decisions that take no time are better', () => {
  const schedulers = [...new Set(rows.map(({ scheduler }) => scheduler))];
  expect(schedulers).toContain('sac');
  for (const scheduler of schedulers)
    expect(Number(committed(scheduler, 'gapPercent').low), scheduler).toBeGreaterThanOrEqual(0);
  const iqmMs = (scheduler: string) => Number(committed(scheduler, 'responseMs').iqm);
  expect(iqmMs('sac-uncharged')).toBeLessThan(iqmMs('sac'));
});

test('baselines and the bound come to what was committed', { tags: 'gate' }, async () => {
  const path = join(packageRoot, 'experiments', 'configs', 'stream.yaml');
  const { environment, grid, schedulers, episodes } = parseConfig(readFields(path), path);
  const task = await taskNamed(environment.id).open(
    { models: grid.models, platform: grid.platforms[0]! },
    environment.options,
  );
  const seeds = task.episodes(episodes ?? null);
  const boundsMs = seeds.map((seed) => task.bound(seed)!.objective);
  for (const { name } of schedulers.filter(({ use }) => task.baselines.has(use))) {
    expect(Number(committed(name, 'responseMs').n)).toBe(seeds.length);
    const playedMs = seeds.map(
      (seed) => task.metrics(playBaseline(task, name, task.baselines.get(name)!, seed, 0)).responseMs!,
    );
    const gapsPercent = playedMs.map((ms, i) => 100 * (ms / boundsMs[i]! - 1));
    expect(Math.min(...gapsPercent), name).toBeGreaterThanOrEqual(0);
    expect(median(playedMs) / Number(committed(name, 'responseMs').median), name).toBeCloseTo(1, 9);
    expect(median(gapsPercent), name).toBeCloseTo(Number(committed(name, 'gapPercent').median), 6);
  }
  task.close();
});
