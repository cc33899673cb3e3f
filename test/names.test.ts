// A run on models whose files are named in other scripts, in markup and in formulas: each has its figures and its rows.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { readCsv } from '../base/files/csv.js';
import { latencyColumns } from '../experiments/results/rows.js';
import { writeChain } from './fixtures/chain-model.js';
import { inProcess as here } from './fixtures/in-process.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-names-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const names = [
  '模型',
  '网络',
  'модель',
  'a+b',
  'a-b',
  'A-b',
  '=1+1',
  '-x',
  '@y',
  'a|b`c',
  '<b>x',
  'constructor',
  '__proto__',
];

test('every model has a row, a chart and its place in the report', { timeout: 120_000 }, async () => {
  mkdirSync(join(folder, 'models'));
  const chain = writeChain(join(folder, 'chain.onnx'), 3);
  const models = names.map((name) => join(folder, 'models', `${name}.onnx`));
  for (const path of models) copyFileSync(chain, path);
  const config = { name: 'names', models, profile: 'profile://pixel-4', schedulers: ['greedy', 'cpu-only', 'optimum'] };
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config));
  const out = join(folder, 'out');
  const { status, stderr } = await here(['run', join(folder, 'config.yaml'), '--out', out]);
  expect([status, stderr]).toEqual([0, expect.not.stringContaining('Error')]);

  const charts = readdirSync(out).filter((file) => file.startsWith('gantt-') && file.endsWith('.svg'));
  expect(new Set(charts.map((file) => file.toLowerCase())).size).toBe(names.length);
  const rows = readCsv(join(out, 'latency.csv'), latencyColumns);
  const listed = new Set(rows.map(({ model }) => model.split('?')[0]!));
  for (const path of models)
    expect([...listed].some((uri) => decodeURI(uri) === decodeURI(pathToFileURL(path).href))).toBe(true);
  const report = readFileSync(join(out, 'report.html'), 'utf8');
  expect(report).not.toContain('<b>x');
  expect(report).toContain('&lt;b&gt;x');
  const markdown = readFileSync(join(out, 'latency.md'), 'utf8');
  expect(markdown.match(/^### /gm)).toHaveLength(names.length);
  expect((await here(['validate', join(out, 'trajectories.csv')])).status).toBe(0);
});
