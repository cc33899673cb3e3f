// @module-tag gate
// Trainings on hardware whose native code dies, and whose executions fail: the command line as users call it, real lanes,
// real signals. A module loaded before the program makes the lanes do so.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';
import { readCrashes } from '../experiments/backends/crashes.js';
import { writeChain } from './fixtures/chain-model.js';
import { sparoaGym } from './fixtures/command-line.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-crashing-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the command with lanes whose runs are made by `body`, of `run` and the execution's `seed`. */
function withLanes(body: string, args: readonly string[]) {
  const lanes = pathToFileURL(join(packageRoot, 'dist', 'engine', 'runtime', 'lanes', 'executor.js')).href;
  const preload = join(folder, 'preload.mjs');
  writeFileSync(
    preload,
    `import { LanesExecutor } from ${JSON.stringify(lanes)};
const { begin } = LanesExecutor.prototype;
const made = (run, seed) => { ${body} };
LanesExecutor.prototype.begin = function (graph, conditions) {
  return made(begin.call(this, graph, conditions), conditions.seed);
};
`,
  );
  const before = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = `--import ${pathToFileURL(preload).href}`;
  try {
    return sparoaGym(args);
  } finally {
    if (before === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = before;
  }
}

const chain = writeChain(join(folder, 'chain.onnx'), 12);

const train = (out: string) =>
  'train --executor lanes --devices cpu:1+cpu:1 --steps 400 --json'
    .split(' ')
    .concat(
      '--model',
      chain,
      '--set',
      'agent.learningStarts=200',
      '--set',
      'training.evaluateEverySteps=200',
      '--out',
      out,
    );

const killedAt = (condition: string) =>
  `const decide = run.decide.bind(run);
  run.decide = (unit, share, lane) => {
    if (${condition}) process.kill(process.pid, 'SIGSEGV');
    return decide(unit, share, lane);
  };
  return run;`;

test('a training whose unit 5 crashes on device 1 is done without it, and so is its evaluation', {
  timeout: 240_000,
}, () => {
  const out = join(folder, 'unit');
  const { status, stdout, stderr } = withLanes(killedAt('unit === 5 && share === 1'), train(out));
  expect(stderr).toContain('native code crashed: SIGSEGV at unit 5 on cpu:1; recorded in');
  expect(status).toBe(0);
  expect(JSON.parse(stdout).cells).toHaveLength(1);
  const crashes = readCrashes(out);
  expect(crashes).toMatchObject([{ signal: 'SIGSEGV', unit: 5, device: 1, devices: ['cpu:1', 'cpu:1'] }]);
  expect(crashes[0]!.decisions.at(-1)).toEqual([5, 1, 0]);
  const evaluated = withLanes(killedAt('unit === 5 && share === 1'), ['evaluate', out, '--measurements', '2']);
  expect(evaluated).toMatchObject({ status: 0, stderr: '' });
  expect(readCrashes(out)).toEqual(crashes);
});

test('a model whose first unit crashes on both devices is refused in two lines', {
  timeout: 120_000,
}, () => {
  const out = join(folder, 'both');
  const { status, stderr } = withLanes(killedAt('unit === 0'), train(out));
  expect(status).toBe(1);
  expect(readCrashes(out).map(({ unit, device }) => [unit, device])).toHaveLength(2);
  expect(stderr).toMatch(/devices: neither runs unit 0 .*\nChoose another device pair\.\n$/);
  expect(stderr).not.toMatch(/\n\s+at /);
});

test('an execution that fails is an episode of return -10, and training goes on', {
  timeout: 240_000,
}, () => {
  const out = join(folder, 'failing');
  // Costs and references are measured with the seed 0, episodes have others: the first two of them fail.
  const failing = `if (seed === 0 || (globalThis.failed ??= 0) >= 2) return run;
  globalThis.failed += 1;
  run.decide = (unit) => (unit < 5 ? unit + 1 : NaN);
  run.finish = () => ({ error: 'unit 5 failed', unit: 5, device: 1 });
  return run;`;
  const { status, stderr } = withLanes(failing, train(out));
  expect(stderr).not.toMatch(/Error|failed/);
  expect(status).toBe(0);
  const rows = readFileSync(join(out, 'episodes.csv'), 'utf8').trim().split('\n');
  const episodes = rows.slice(1).map((row) => row.split(','));
  expect(episodes.map((cells) => cells[4] === '')).toEqual(episodes.map((_, i) => i < 2));
  expect(episodes.slice(0, 2).map((cells) => Number(cells[3]))).toEqual([-10, -10]);
  const trajectories = readFileSync(join(out, 'trajectories.csv'), 'utf8').trim().split('\n');
  // A row for each episode that ended well, and the final one.
  expect(trajectories).toHaveLength(1 + episodes.length - 2 + 1);
});
