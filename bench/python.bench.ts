// The Python client, for the suite `env`: steps a second through Gymnasium's interface, on the PATH's python3; with
// Stable-Baselines3 there also while its PPO learns.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../base/files/paths.js';
import type { BenchResult } from './result.js';

const python = 'python3';

/** None where the python3 of the PATH lacks what the client imports: stderr says so. */
export function pythonRows(): BenchResult[] {
  const imports = spawnSync(python, ['-c', 'import gymnasium, numpy'], { encoding: 'utf8' });
  if (imports.status !== 0) {
    const reason = imports.error?.message ?? imports.stderr.trim().split('\n').at(-1);
    process.stderr.write(`env: no rows "python ...": ${reason}. Put a python3 with gymnasium and numpy on the PATH.\n`);
    return [];
  }
  const output = execFileSync(python, [join(packageRoot, 'bench', 'python_steps.py')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PYTHONPATH: join(packageRoot, 'python'),
      SPAROA_GYM_COMMAND: `"${process.execPath}" "${join(packageRoot, 'dist', 'cli', 'main.js')}"`,
    },
  });
  const { scalar, vector, ppo, ppoOfScalars } = JSON.parse(output) as Measured;
  return [
    row('python scalar', scalar, 20_000),
    row('python vector 64', vector, 150_000),
    ...(ppo && ppoOfScalars ? [ppoRow(ppo, ppoOfScalars)] : []),
  ];
}

/** Steps a second; the last two only with Stable-Baselines3. */
interface Measured {
  readonly scalar: number;
  readonly vector: number;
  readonly ppo?: number;
  readonly ppoOfScalars?: number;
}

function ppoRow(value: number, peerValue: number): BenchResult {
  const peer = 'PPO on make_vec_env of 64';
  return { ...row('python PPO on SparoaVecEnv of 64', value, 1.5), peer, peerValue, ratio: value / peerValue };
}

function row(name: string, value: number, limit: number): BenchResult {
  return {
    suite: 'env',
    name,
    value,
    unit: 'steps/s',
    better: 'higher',
    peer: null,
    peerValue: null,
    ratio: null,
    limit,
  };
}
