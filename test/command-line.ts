// Runs the compiled command line as a user would.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { vi } from 'vitest';
import { packageRoot } from '../base/files/paths.js';
import { runCommandLine } from '../cli/program.js';

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

/** The command line without a process of its own, which would take half a second to start. */
export async function here(args: readonly string[]) {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += chunk;
      return true;
    }),
  );
  const status = await runCommandLine(args).finally(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return { status, ...written };
}
