// The Python that tests and examples run the client with, and why there is none.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../base/files/paths.js';
import { mainScript } from './command-line.js';

export const python = process.env.SPAROA_GYM_PYTHON || 'python3';

/** For the client: its package as it stands here, and the compiled command line as the server. */
export const pythonEnvironment = {
  ...process.env,
  PYTHONPATH: join(packageRoot, 'python'),
  PYTHONDONTWRITEBYTECODE: '1',
  SPAROA_GYM_COMMAND: `"${process.execPath}" "${mainScript}"`,
};

export function runPython(args: readonly string[], options: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
  const env = { ...pythonEnvironment, ...options.env };
  return spawnSync(python, args, { encoding: 'utf8', ...options, env }) as SpawnSyncReturns<string>;
}

const missing = (() => {
  const names = ['numpy', 'gymnasium', 'stable_baselines3'];
  const code = `import importlib.util as u; print(*[n for n in ${JSON.stringify(names)} if u.find_spec(n) is None])`;
  const { status, stdout, error } = spawnSync(python, ['-c', code], { encoding: 'utf8' });
  return status === 0 ? stdout.trim().split(' ') : `${python} does not run: ${error?.message ?? `exit code ${status}`}`;
})();

function whyNot(...packages: readonly string[]): string | null {
  if (typeof missing === 'string') return missing;
  const absent = packages.filter((name) => missing.includes(name));
  return absent.length > 0 ? `${python} has no ${absent.join(', ')}` : null;
}

/** Why tests of the client are skipped; null where they run. */
export const clientMissing = whyNot('numpy', 'gymnasium');
export const baselinesMissing = whyNot('numpy', 'gymnasium', 'stable_baselines3');
