// Runs the compiled command line as a user would.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../base/files/paths.js';

export const mainScript = join(packageRoot, 'dist', 'cli', 'main.js');

export function sparoaGym(args: readonly string[], cwd = packageRoot) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [mainScript, ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return { status, stdout, stderr };
}

export function spawnSparoaGym(args: readonly string[], cwd = packageRoot) {
  return spawn(process.execPath, [mainScript, ...args], { cwd, stdio: 'ignore' });
}
