// What the GPU checks refuse; on a machine without a GPU that is everything.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';

function gpuChecks(flags: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return spawnSync(process.execPath, [join(packageRoot, 'dist', 'bench', 'gpu-checks.js'), ...flags], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
}

test('an unknown flag is refused before anything runs', () => {
  expect(gpuChecks(['--sofware'])).toMatchObject({
    status: 1,
    stdout: '',
    stderr: 'gpu-checks: "--sofware" is unknown.\nKnown: --software.\n',
  });
});

test('without a driver there is no GPU: why, and where to read on', () => {
  // No Vulkan driver, no CUDA library: hidden on machines that have them.
  const { status, stderr } = gpuChecks([], {
    VK_ICD_FILENAMES: '/nonexistent.json',
    VK_DRIVER_FILES: '/nonexistent.json',
    CUDA_VISIBLE_DEVICES: '',
  });
  expect(stderr).toMatch(
    /gpu-checks: no GPU runs here: webgpu: .*; cuda:0: .*\ndocs\/gpu\.md says what to install\.\n/,
  );
  expect(status).toBe(1);
});

const software = process.env.VK_ICD_FILENAMES?.includes('swiftshader') ?? false;
test.skipIf(!software)('a software device is no GPU (needs VK_ICD_FILENAMES to name SwiftShader)', () => {
  const { status, stderr } = gpuChecks([], { CUDA_VISIBLE_DEVICES: '' });
  expect(stderr).toMatch(/webgpu \(.*swiftshader.*\) computes in software, which is no GPU\.\n.*--software/i);
  expect(status).toBe(1);
});
