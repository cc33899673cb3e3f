// The package as its users get it: packed, installed in another folder, imported by a small agent of their own.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('installs from its tarball and runs a custom agent and the command line', { timeout: 240_000 }, () => {
  const npm = (args: readonly string[], cwd: string) =>
    execFileSync('npm', args, {
      cwd,
      encoding: 'utf8',
      // As docs/gpu.md says: no CUDA libraries from another host.
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    });
  const [tarball] = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], packageRoot));
  const paths: string[] = tarball.files.map(({ path }: { path: string }) => path);
  expect(paths).toContain('dist/index.d.ts');
  expect(paths).toContain('engine/device/profiles/jetson-agx-orin.json');
  expect(paths).toContain('python/session_process.py');
  expect(paths).toContain('python/sparoa_gym/environments.json');
  expect(paths.filter((path) => /\.test\.|^test\/|^python\/tests|__pycache__|^models\/.*\.ts$/.test(path))).toEqual([]);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, tarball.filename)], folder);

  cpSync(join(packageRoot, 'examples', 'custom-agent.mjs'), join(folder, 'agent.mjs'));
  const output = execFileSync(process.execPath, ['agent.mjs'], { cwd: folder, encoding: 'utf8' });
  const best = Number(/best return (-[\d.]+)/.exec(output)![1]);
  expect(best).toBeGreaterThan(-1.5);

  const listing = execFileSync(join(folder, 'node_modules', '.bin', 'sparoa-gym'), ['list', 'profiles'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(listing).toContain('profile://jetson-agx-orin');
});
