// Networks of narrow types that were taken for others: the case of each, through the command line.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';
import { sparoaGym } from './fixtures/command-line.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-narrow-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fixture = (name: string) => join(packageRoot, 'test', 'fixtures', 'cases', name);

test('fp16.onnx has 6 units, and halves for elements', () => {
  const { status, stdout } = sparoaGym(['inspect', fixture('fp16.onnx'), '--json']);
  expect(status).toBe(0);
  const { units, tensors } = JSON.parse(stdout);
  expect(units).toHaveLength(6);
  const float = tensors.filter(({ type }: { type: string }) => type.startsWith('float'));
  expect(new Set(float.map(({ type }: { type: string }) => type))).toEqual(new Set(['float16']));
  for (const { shape, bytes } of float) expect(bytes).toBe(2 * shape.reduce((a: number, b: number) => a * b, 1));
});

test('tokens.onnx is deployed with a loader that feeds whole numbers', () => {
  const model = join(folder, 'tokens.onnx');
  cpSync(fixture('tokens.onnx'), model);
  const out = join(folder, 'deployed');
  const deployed = sparoaGym(['deploy', model, '--shape', 'input_ids=1,8', '--out', out]);
  expect(deployed.stderr).toBe('');
  expect(deployed.status).toBe(0);
  symlinkSync(join(packageRoot, 'node_modules'), join(out, 'node_modules'));
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(out, 'load.mjs')], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(JSON.parse(stdout).flat().every(Number.isFinite)).toBe(true);
});
