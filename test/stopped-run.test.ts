// A run that is killed while baselines are evaluated goes on from the episodes that it had played.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-stopped-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = join(folder, 'config.yaml');
writeFileSync(
  config,
  `name: stopped
environment: { id: SparOA/Placement-v0, execution: overlap }
models: ['model://mobilenetv3-small?size=32']
profiles: [profile://jetson-orin-nano]
schedulers: [greedy, heft, { use: annealing, evaluations: 200 }, { use: random-search, evaluations: 200 }]
seeds: 3
`,
);
const command = (out: string) => [join(packageRoot, 'dist/cli/main.js'), 'run', config, '--out', join(folder, out)];
const kept = (out: string) => join(folder, out, 'episodes.jsonl');
const lines = (out: string) =>
  existsSync(kept(out)) ? readFileSync(kept(out), 'utf8').split('\n').filter(Boolean) : [];
const read = (out: string, file: string) => readFileSync(join(folder, out, file), 'utf8');

test('what was played is not planned anew, and the results are those of a run in one piece', {
  tags: 'gate',
  timeout: 240_000,
}, async () => {
  expect(spawnSync(process.execPath, command('whole')).status).toBe(0);
  expect(existsSync(kept('whole'))).toBe(false);
  const child = spawn(process.execPath, command('killed'), { stdio: 'ignore' });
  while (lines('killed').length < 5 && child.exitCode === null) await sleep(5);
  child.kill('SIGKILL');
  const before = lines('killed');
  expect(before.length).toBeGreaterThanOrEqual(5);
  // The first episode is given another time, which shows that it is taken from here; the last line is cut off.
  const first = { ...JSON.parse(before[0]!), decisionWallMs: 123_456 };
  writeFileSync(kept('killed'), [JSON.stringify(first), ...before.slice(1), before[1]!.slice(0, 30)].join('\n'));
  const again = spawnSync(process.execPath, command('killed'), { encoding: 'utf8' });
  expect(again.stderr).not.toMatch(/\n\s+at /);
  expect(again.status).toBe(0);
  for (const file of ['results.csv', 'trajectories.csv']) expect(read('killed', file)).toBe(read('whole', file));
  expect(read('killed', 'latency.csv')).toContain('123456');
  expect(existsSync(kept('killed'))).toBe(false);
});
