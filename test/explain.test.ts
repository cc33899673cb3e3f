// `sparoa-gym explain`: what it prints, writes and refuses, and that its page documents all of its JSON.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { explain } from '../agents/explain/explain.js';
import { explanationText } from '../agents/explain/explanation-text.js';
import { packageRoot } from '../base/files/paths.js';
import { writeChain } from './fixtures/chain-model.js';
import { inProcess as here } from './fixtures/in-process.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-explain-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = writeChain(join(folder, 'chain.onnx'), 6);
const profile = 'profile://jetson-orin-nano?launch=eager&transfer=copy';

test.each(['serial', 'overlap'] as const)('%s: text, JSON and figure are those of the library', async (execution) => {
  const args = ['explain', model, '--profile', profile, '--execution', execution, '--schedule', 'greedy'];
  const explanation = await explain(model, profile, { execution, schedule: 'greedy' });
  const [json, svg] = [join(folder, `${execution}.json`), join(folder, `${execution}.svg`)];
  const text = await here([...args, '--figure', svg, '--json', json]);
  expect(text).toMatchObject({ status: 0, stderr: '', stdout: explanationText(explanation) });
  expect(JSON.parse(readFileSync(json, 'utf8'))).toEqual(explanation);
  expect(JSON.parse((await here([...args, '--json'])).stdout)).toEqual(explanation);
  const drawn = readFileSync(svg, 'utf8');
  expect(drawn).toMatch(/^<svg.*greedy.*simulated, profile [0-9a-f]{16}/s);
  await here([...args, '--figure', svg]);
  expect(readFileSync(svg, 'utf8')).toBe(drawn);
});

test('every field of the JSON is on its page', { tags: 'gate' }, async () => {
  const page = readFileSync(join(packageRoot, 'docs', 'explain.md'), 'utf8');
  const explanation = await explain(
    'model://mobilenetv2',
    'profile://jetson-agx-orin?mode=30w&launch=eager&transfer=copy',
  );
  expect(explanation.movedTogether.length).toBeGreaterThan(0);
  const keys = new Set<string>();
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(collect);
    else if (value !== null && typeof value === 'object')
      for (const [key, inner] of Object.entries(value)) {
        keys.add(key);
        collect(inner);
      }
  };
  collect(explanation);
  expect([...keys].filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
});

const noShared = () => {
  const path = join(folder, 'no-shared.json');
  const board = JSON.parse(readFileSync(join(packageRoot, 'predictor/profiles/boards/jetson-orin-nano.json'), 'utf8'));
  writeFileSync(path, JSON.stringify({ ...board, shared: undefined }));
  return path;
};

test.each([
  ['an unknown execution', 2, () => ['--execution', 'parallel'], /Allowed choices are serial, overlap/],
  ['an unknown planner', 2, () => ['--schedule', 'optimun'], /"optimun" is unknown\.\nDid you mean "optimum"/],
  ['a figure that is no SVG', 2, () => ['--figure', 'x.png'], /--figure is "x\.png"\.\nGive a file that ends in \.svg/],
  ['hardware', 1, () => ['--profile', 'lanes://cpu:1+cpu:1'], /is hardware.*\nGive a device profile/],
  ['an unknown profile', 1, () => ['--profile', 'profile://jetson'], /"jetson" is unknown\.\n/],
  ['a missing table', 1, () => ['--profile', 'table:///absent.json'], /absent\.json.*\n/],
  [
    'overlap execution where nothing says what devices share',
    1,
    () => ['--profile', noShared(), '--execution', 'overlap'],
    /does not say what its devices share.*\nAdd "shared"/,
  ],
  ['a folder to write to', 1, () => ['--json', folder], /\n/],
])('%s is refused', async (_, status, args, message) => {
  const ended = await here(['explain', model, ...args()]);
  expect(ended.status).toBe(status);
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
});

test('costs of nothing are explained too', async () => {
  const free = ['device0.launch', 'device1.launch', 'transfer0.latency', 'transfer1.latency', 'sync'];
  const fast = ['device0.bandwidth', 'device1.bandwidth', 'transfer0.bandwidth', 'transfer1.bandwidth'];
  const zero = `${profile}&${free.map((name) => `${name}=0s`).join('&')}&${fast.map((name) => `${name}=1e21B/s`).join('&')}`;
  const ended = await here(['explain', model, '--profile', zero, '--figure', join(folder, 'zero.svg')]);
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  expect(ended.stdout).not.toMatch(/NaN|Infinity|undefined/);
});
