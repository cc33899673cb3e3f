// A small experiment end to end, through the command line: results, replay, byte-identity, interruption.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../base/onnx/proto.js';
import { sparoaGym, spawnSparoaGym } from './fixtures/command-line.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = join(folder, 'small.yaml');
writeFileSync(
  config,
  `name: small
models: [model://mobilenetv3-small?size=96]
profile: profile://jetson-orin-nano
cell: largest-headroom
batches: [1]
schedulers: [cpu-only, gpu-only, random, greedy, static-threshold, static-threshold-tuned, optimum, sac]
seeds: 2
training: { steps: 600, evaluateEverySteps: 200 }
agent: { learningStarts: 150, hidden: [32, 32], batchSize: 64 }
`,
);

type Row = Record<string, string>;
const rowsOf = (path: string): Row[] => parse(readFileSync(path), { columns: true });

/** Every CSV under a run's folder, wall-clock columns left out. */
function resultFiles(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.csv'))
    .sort();
  return Object.fromEntries(
    files.map((path) => {
      const rows = rowsOf(join(directory, path)).map((row) =>
        Object.fromEntries(Object.entries(row).filter(([column]) => !/Wall(Ms|S)$/.test(column))),
      );
      return [path, JSON.stringify(rows)];
    }),
  );
}

const first = join(folder, 'first');

beforeAll(() => {
  const { status, stderr } = sparoaGym(['run', config, '--out', first]);
  expect(stderr).not.toMatch(/Error/);
  expect(status).toBe(0);
}, 180_000);

describe('sparoa-gym run', () => {
  test('leaves a row for every scheduler, the optimum below all and no commas in cells', () => {
    const rows = rowsOf(join(first, 'latency.csv'));
    expect(rows.map((row) => row.scheduler)).toEqual(
      'cpu-only gpu-only random greedy static-threshold static-threshold-tuned optimum sac'.split(' '),
    );
    const optimum = Number(rows.find((row) => row.scheduler === 'optimum')!.latencyMs);
    for (const row of rows) {
      expect(Number(row.latencyMs)).toBeGreaterThanOrEqual(optimum * (1 - 1e-12));
      expect(Number(row.gapPercent)).toBeCloseTo(100 * (Number(row.latencyMs) / optimum - 1), 9);
      expect(Object.values(row).join('')).not.toContain(',');
      expect(row).toMatchObject({
        kind: 'simulated',
        execution: 'serial',
        profileHash: expect.stringMatching(/^[0-9a-f]{16}$/),
      });
    }
    expect(rows.at(-1)).toMatchObject({ scheduler: 'sac', seeds: '2' });
    expect(Number(rows.at(-1)!.trainingWallS)).toBeGreaterThan(0);
  });

  test('chose the sourced cell of largest headroom', () => {
    const atlas = rowsOf(join(first, 'atlas.csv'));
    const sourced = atlas.filter((row) => row.sourced === 'true');
    expect(sourced.length).toBeGreaterThan(0);
    expect(atlas.length).toBeGreaterThan(sourced.length);
    const largest = Math.max(...sourced.map((row) => Number(row.headroomPercent)));
    const chosen = rowsOf(join(first, 'latency.csv'))[0]!;
    const cell = sourced.find((row) => row.profile === chosen.profile && row.model === chosen.model)!;
    expect(Number(cell.headroomPercent)).toBe(largest);
  });

  test('the optimum can be recomputed from `inspect --profile` alone, and bounds every scheduler', () => {
    const { model, profile } = rowsOf(join(first, 'latency.csv'))[0] as { model: string; profile: string };
    const { stdout } = sparoaGym(['inspect', model, '--profile', profile, '--json']);
    const { units, tensors, costs } = JSON.parse(stdout);
    const latencyOf = (placement: readonly number[]) => {
      let total = 0;
      for (const unit of units) total += costs.unitMs[unit.id][placement[unit.id]!];
      for (const tensor of tensors) {
        const from = tensor.producer === null ? 0 : placement[tensor.producer]!;
        const readers = new Set([
          ...tensor.consumers.map((id: number) => placement[id]!),
          ...(tensor.graphOutput ? [0] : []),
        ]);
        if (readers.has(1 - from)) total += costs.transferMs[tensor.id][1 - from];
      }
      return total;
    };
    for (const row of rowsOf(join(first, 'trajectories.csv')).filter(({ phase }) => phase === 'final')) {
      const bytes = Buffer.from(row.actions!, 'base64');
      const actions = Array.from({ length: bytes.length / 4 }, (_, i) => Number(bytes.readFloatLE(4 * i) >= 0.5));
      expect(latencyOf(actions) / Number(row.latencyMs)).toBeCloseTo(1, 9);
    }
  });

  test('every episode replays, and a changed one is found', () => {
    const path = join(first, 'trajectories.csv');
    const valid = sparoaGym(['validate', path]);
    expect(valid.stdout).toMatch(/\d+ rows replayed, all equal/);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const header = lines[0]!.split(',');
    const change = (column: string, value: string) => {
      const cells = lines[1]!.split(',');
      cells[header.indexOf(column)] = value;
      const copy = join(folder, `${column}.csv`);
      writeFileSync(copy, [lines[0], cells.join(','), ...lines.slice(2)].join('\n'));
      return sparoaGym(['validate', copy]);
    };
    expect(change('latencyMs', '1.25')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/:2: result differs: latency 1.25/),
    });
    expect(change('profileHash', '0000')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/profile changed/),
    });
    expect(change('modelHash', '0000')).toMatchObject({ status: 1, stderr: expect.stringMatching(/model changed/) });
  });

  test('figures, tables and a self-contained report stand beside the CSVs', () => {
    const files = readdirSync(first);
    for (const figure of ['latency', 'learning-curves', 'atlas', 'gantt']) {
      expect(files.filter((file) => file.startsWith(figure) && file.endsWith('.svg')).length, figure).toBeGreaterThan(
        0,
      );
      expect(files.filter((file) => file.startsWith(figure) && file.endsWith('.png')).length, figure).toBeGreaterThan(
        0,
      );
    }
    expect(readFileSync(join(first, 'latency.md'), 'utf8')).toMatch(/simulated/i);
    const report = readFileSync(join(first, 'report.html'), 'utf8');
    expect(report).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(report).toMatch(/<svg/);
    expect(JSON.parse(readFileSync(join(first, 'status.json'), 'utf8'))).toEqual({ state: 'done' });
  });

  const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find(
    (name) => spawnSync(name, ['--version']).status === 0,
  );
  test.skipIf(!chromium)('the report opens in a browser without a network (needs chromium on the PATH)', () => {
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--host-resolver-rules=MAP * ~NOTFOUND',
      '--window-size=1200,900',
    ];
    const picture = join(folder, 'report.png');
    const page = `file://${join(first, 'report.html')}`;
    const { stdout } = spawnSync(chromium!, [...flags, '--dump-dom', page], { encoding: 'utf8', maxBuffer: 2 ** 28 });
    expect(stdout).toMatch(/<h1[^>]*>[^<]*small/);
    expect(stdout.match(/<table/g)!.length).toBeGreaterThanOrEqual(1);
    expect(stdout).toContain('static-threshold-tuned');
    spawnSync(chromium!, [...flags, `--screenshot=${picture}`, page]);
    const { width, height, data } = PNG.sync.read(readFileSync(picture));
    expect([width, height]).toEqual([1200, 900]);
    // Something is drawn: many colours, not a blank page.
    const colours = new Set<number>();
    for (let i = 0; i < data.length; i += 4) colours.add((data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!);
    expect(colours.size).toBeGreaterThan(50);
  });

  test('a second run of the same config and seeds gives the same bytes', { tags: 'gate', timeout: 180_000 }, () => {
    const second = join(folder, 'second');
    expect(sparoaGym(['run', config, '--out', second, '--parallel', '1']).status).toBe(0);
    expect(resultFiles(second)).toEqual(resultFiles(first));
  });

  test('a killed run continues from its checkpoints, to the byte, and does nothing twice', {
    tags: 'gate',
    timeout: 240_000,
  }, async () => {
    const third = join(folder, 'third');
    const child = spawnSparoaGym(['run', config, '--out', third, '--parallel', '1']);
    const exited = once(child, 'exit');
    const checkpoints = () =>
      existsSync(third)
        ? readdirSync(third, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.safetensors'))
        : [];
    while (checkpoints().length === 0 && child.exitCode === null) await sleep(20);
    child.kill('SIGKILL');
    await exited;
    await sleep(200);
    const results = () =>
      readdirSync(third, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('result.json'));
    expect(results().length).toBeLessThan(2);
    expect(sparoaGym(['run', config, '--out', third]).status).toBe(0);
    expect(resultFiles(third)).toEqual(resultFiles(first));
    // Everything is finished now: a further run trains nothing.
    const again = sparoaGym(['run', config, '--out', third]);
    expect(again.status).toBe(0);
    expect(again.stderr).not.toMatch(/training/);
  });
});

describe('a results folder', () => {
  const workplace = join(folder, 'my work, #1');
  const model = (side: string) => join(workplace, side, 'net.onnx');
  /** x [1, 64] -> Relu -> ... -> y, a chain of `length`. */
  const writeChain = (path: string, length: number) => {
    const name = (i: number) => (i === length ? 'y' : `x${i}`);
    const nodes = Array.from({ length }, (_, i) => makeNode('Relu', [i === 0 ? 'x' : name(i)], [name(i + 1)]));
    const value = (tensor: string) => makeValueInfo(tensor, DataType.FLOAT, [1, 64]);
    const graph = { name: 'chain', nodes, inputs: [value('x')], outputs: [value('y')], initializers: [] };
    writeFileSync(path, encodeModel(makeModel(graph, { '': 17 }, 8)));
  };
  const runChains = (...extra: string[]) =>
    sparoaGym(['run', 'chains.yaml', '--out', 'out', '--parallel', '1', ...extra], workplace);

  beforeAll(() => {
    mkdirSync(join(workplace, 'a'), { recursive: true });
    mkdirSync(join(workplace, 'b'), { recursive: true });
    writeChain(model('a'), 4);
    writeChain(model('b'), 6);
    writeFileSync(
      join(workplace, 'chains.yaml'),
      `name: chains
models: [a/net.onnx, b/net.onnx]
profile: profile://jetson-orin-nano
schedulers: [cpu-only, optimum, sac]
seeds: 1
training: { steps: 24, evaluateEverySteps: 12 }
agent: { hidden: [8, 8] }
`,
    );
  });

  test('distinguishes models of one file name', { tags: 'gate' }, () => {
    expect(runChains()).toMatchObject({ status: 0 });
    expect(readdirSync(join(workplace, 'out', 'jobs'))).toHaveLength(2);
    const files = readdirSync(join(workplace, 'out'));
    expect(files.filter((file) => file.startsWith('gantt') && file.endsWith('.svg'))).toHaveLength(2);
    expect(sparoaGym(['validate', 'out/trajectories.csv'], workplace).status).toBe(0);
  });

  test('takes other settings beside those that it has', { tags: 'gate' }, () => {
    expect(runChains('--set', 'agent.gamma=0.9')).toMatchObject({ status: 0 });
    expect(readdirSync(join(workplace, 'out', 'jobs'))).toHaveLength(4);
    expect(runChains().stderr).not.toMatch(/training/);
  });

  test('trains anew on a model that was edited', { tags: 'gate' }, () => {
    writeChain(model('a'), 5);
    const { status, stderr } = runChains();
    expect(stderr).toMatch(/training 1 agent\b/);
    expect(status).toBe(0);
    expect(sparoaGym(['validate', 'out/trajectories.csv'], workplace).stdout).toMatch(/all equal/);
  });

  test('refuses one model under two names', () => {
    const { status, stderr } = runChains('--model', 'a/net.onnx', '--model', './a/net.onnx?batch=1');
    expect(status).toBe(1);
    expect(stderr).toMatch(/are the same model/);
  });
});
