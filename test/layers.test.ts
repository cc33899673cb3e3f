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

  test('fails on planted imports: upward, sideways, upward of a type alone, and of a package not declared', () => {
    const { status, output } = plant('faults', {
      'base/upward.ts': "export { b } from '../env/b.js';\n",
      'env/b.ts': 'export const b = 1;\n',
      'models/sideways.ts': "export { c } from '../nn/c.js';\n",
      'nn/c.ts': 'export const c = 1;\n',
      'engine/typed.ts': "export type { D } from '../cli/d.js';\n",
      'cli/d.ts': 'export type D = 1;\n',
      'base/undeclared.ts': "export { default } from 'minimist';\n",
    });
    expect(status).not.toBe(0);
    const found = [...output.matchAll(/error (\S+): (\S+) /g)].map(([, rule, file]) => `${rule} ${file}`);
    // A package that is not declared is on no floor either.
    expect(found.sort()).toEqual([
      'declared-packages base/undeclared.ts',
      'floor-0-base base/undeclared.ts',
      'floor-0-base base/upward.ts',
      'floor-1-models models/sideways.ts',
      'floor-3-engine engine/typed.ts',
    ]);
  });
});
