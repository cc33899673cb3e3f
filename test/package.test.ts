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
  const npm = (args: readonly string[], cwd: string) => execFileSync('npm', args, { cwd, encoding: 'utf8' });
  const [tarball] = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], packageRoot));
  const paths: string[] = tarball.files.map(({ path }: { path: string }) => path);
  expect(paths).toContain('dist/index.d.ts');
  expect(paths).toContain('engine/device/profiles/jetson-agx-orin.json');
  expect(paths).toContain('python/session_process.py');
  expect(paths).toContain('python/sparoa_gym/environments.json');
  expect(paths.filter((path) => /\.test\.|^test\/|^python\/tests|__pycache__|^models\/.*\.ts$/.test(path))).toEqual([]);
  // Two packages are nine tenths of what an installation writes, half a minute of it: these are linked, the others installed.
  const linked = ['onnxruntime-node', '@tensorflow/tfjs'];
  const dependencies = Object.fromEntries(
    linked.map((name) => [name, `file:${join(packageRoot, 'node_modules', name)}`]),
  );
  const user = { name: 'user', private: true, type: 'module', dependencies };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(user));
  // Linked packages would be built, and onnxruntime-node would download the CUDA libraries that docs/gpu.md speaks of.
  const options = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  npm(['install', ...options, join(folder, tarball.filename)], folder);

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
