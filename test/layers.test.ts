// The floors of ARCHITECTURE.md are enforced: a planted upward import is found. The gate runs the check on the repository.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';

const sandbox = mkdtempSync(join(tmpdir(), 'sparoa-layers-'));
afterAll(() => rmSync(sandbox, { recursive: true }));

/** Runs the project's own check in `folder` and returns its exit code and output. */
function check(folder: string, targets: readonly string[]) {
  const depcruise = join(packageRoot, 'node_modules', '.bin', 'depcruise');
  const { status, stdout } = spawnSync(depcruise, ['--config', '.dependency-cruiser.cjs', ...targets], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, output: stdout };
}

/** A small project under the same rules. */
function plant(name: string, files: Readonly<Record<string, string>>) {
  const folder = join(sandbox, name);
  mkdirSync(folder);
  for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
    cpSync(join(packageRoot, file), join(folder, file));
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return check(folder, [...new Set(Object.keys(files).map((path) => path.split('/')[0]!))]);
}

describe('the layering check', () => {
  test('passes on a downward import', () => {
    expect(
      plant('downward', { 'base/a.ts': 'export const a = 1;\n', 'env/b.ts': "export { a } from '../base/a.js';\n" })
        .status,
    ).toBe(0);
  });

  test.each([
    [
      'upward',
      'floor-0-base',
      { 'env/b.ts': 'export const b = 1;\n', 'base/a.ts': "export { b } from '../env/b.js';\n" },
    ],
    [
      'sideways',
      'floor-1-models',
      { 'nn/b.ts': 'export const b = 1;\n', 'models/a.ts': "export { b } from '../nn/b.js';\n" },
    ],
    [
      'type-only upward',
      'floor-2-engine',
      { 'cli/b.ts': 'export type B = 1;\n', 'engine/a.ts': "export type { B } from '../cli/b.js';\n" },
    ],
    [
      'undeclared package',
      'declared-packages',
      { 'base/a.ts': "export { default } from 'minimist';\n", 'base/b.ts': "export * from './a.js';\n" },
    ],
  ])('fails on a planted import: %s', (name, rule, files) => {
    const { status, output } = plant(name.replace(' ', '-'), files);
    expect(status).not.toBe(0);
    expect(output).toContain(rule);
  });
});
