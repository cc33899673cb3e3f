// Vectors of the registered environments in worker threads: for executors on hardware, whose steps block.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkOptions } from '../base/errors/options.js';
import { packageRoot } from '../base/files/paths.js';
import type { EnvSpec } from './gym/registry.js';
import { WorkerVectorEnv, type WorkerVectorOptions } from './gym/vector/worker-vector.js';

const ours = pathToFileURL(join(packageRoot, 'dist', 'env', 'environments.js')).href;

/**
 * `makeVector` with its environments in worker threads. The caller's thread waits while they step.
 * @param given `modules`: URLs of modules that register environments and wrappers of your own; workers import them
 * @throws InputError as `makeVector` does, or when there are not between one and `count` workers
 */
export function makeWorkerVector<Action = Float32Array>(
  spec: EnvSpec,
  given: Omit<WorkerVectorOptions, 'modules'> & Partial<Pick<WorkerVectorOptions, 'modules'>>,
): Promise<WorkerVectorEnv<Action>> {
  checkOptions('makeWorkerVector', given, { count: true, autoreset: true, workers: true, modules: true });
  const { modules = [], ...options } = given;
  return WorkerVectorEnv.make(spec, { ...options, modules: [ours, ...modules] });
}
