// Vectors of the registered environments in worker threads: for executors on hardware, whose steps block.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../base/files/paths.js';
import type { EnvSpec } from '../gym/registry.js';
import { WorkerVectorEnv, type WorkerVectorOptions } from '../gym/vector/worker-vector.js';

const ours = pathToFileURL(join(packageRoot, 'dist', 'env', 'scheduling', 'environments.js')).href;

/**
 * `makeVector` with its environments in worker threads. The caller's thread waits while they step.
 * @param options `modules`: URLs of modules that register environments and wrappers of your own; workers import them
 * @throws InputError as `makeVector` does, or when there are not between one and `count` workers
 */
export function makeWorkerVector<Action = Float32Array>(
  spec: EnvSpec,
  { modules = [], ...options }: Omit<WorkerVectorOptions, 'modules'> & Partial<Pick<WorkerVectorOptions, 'modules'>>,
): Promise<WorkerVectorEnv<Action>> {
  return WorkerVectorEnv.make(spec, { ...options, modules: [ours, ...modules] });
}
