import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../../base/files/paths.js';
import { runLocally } from './local-runner.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-runner-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function script(name: string, code: string): string {
  const path = join(folder, name);
  writeFileSync(path, code);
  return path;
}

const silent = { onProgress: () => {}, onDone: () => {}, onCrash: () => {} };

test('a job that fails is reported in its own words and does not stop the others', async () => {
  const program = {
    executable: process.execPath,
    script: script(
      'jobs.mjs',
      "if (process.argv[2] === '1') { console.error('no such model'); process.exit(1); }\nconsole.log(JSON.stringify({ step: 1, steps: 1, objective: null, unit: ' ms' }));",
    ),
  };
  const done: number[] = [];
  const progress: number[] = [];
  const running = runLocally({
    ...silent,
    program,
    jobs: [['0'], ['1'], ['2']],
    parallel: 2,
    onProgress: (index) => progress.push(index),
    onDone: (index) => done.push(index),
  });
  await expect(running).rejects.toThrow(/1 of 3 jobs failed; job 1: no such model/);
  expect(done.sort()).toEqual([0, 2]);
  expect(progress.sort()).toEqual([0, 2]);
});

test('no more jobs run side by side than asked', async () => {
  const log = join(folder, 'log.txt');
  writeFileSync(log, '');
  const program = {
    executable: process.execPath,
    script: script(
      'log.mjs',
      `import { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(log)}, '+');\nawait new Promise((resolve) => setTimeout(resolve, 100));\nappendFileSync(${JSON.stringify(log)}, '-');`,
    ),
  };
  await runLocally({ program, jobs: [[], [], [], []], parallel: 1, ...silent });
  expect(readFileSync(log, 'utf8')).toBe('+-+-+-+-');
});

test('a run that is ended ends its jobs', async () => {
  const pidFile = join(folder, 'pid.txt');
  const sleeper = script(
    'sleeper.mjs',
    `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(pidFile)}, String(process.pid));\nsetInterval(() => {}, 1000);`,
  );
  const runner = pathToFileURL(join(packageRoot, 'dist', 'experiments', 'backends', 'local-runner.js')).href;
  const parent = script(
    'parent.mjs',
    `import { runLocally } from ${JSON.stringify(runner)};\nconst program = { executable: process.execPath, script: ${JSON.stringify(sleeper)} };\nawait runLocally({ program, jobs: [[]], onProgress() {}, onDone() {}, onCrash() {} });`,
  );
  const child = spawn(process.execPath, [parent], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const pid = await eventually(() => Number(readFileSync(pidFile, 'utf8')) || null);
  child.kill('SIGTERM');
  expect((await exited)[0]).toBe(143);
  await eventually(() => (isRunning(pid) ? null : true));
});

/** Waits until `probe` gives something; a missing file is nothing yet. */
async function eventually<T>(probe: () => T | null): Promise<T> {
  for (;;) {
    try {
      const value = probe();
      if (value !== null) return value;
    } catch {}
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
