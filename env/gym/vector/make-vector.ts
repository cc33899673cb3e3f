// Vectors of registered environments.
import { InputError } from '../../../base/errors/input-error.js';
import { checkOptions } from '../../../base/errors/options.js';
import type { Env } from '../env.js';
import { type EnvSpec, makeFromSpec } from '../registry.js';
import { wrap } from '../wrappers/registry.js';
import { type AutoresetMode, VectorEnv } from './vector-env.js';

export interface VectorOptions {
  readonly count: number;
  readonly autoreset: AutoresetMode;
}

/**
 * `count` environments of a spec (`{ id, options, wrappers }`, or what `specOf` gives), each in wrappers of its own. Where
 * the environment can be forked, they are forks of one: on the simulator rows of one block of memory under one kernel, which
 * share the model, its costs and all that never changes.
 * @throws InputError when the count is no positive whole number, or as `makeFromSpec` and `VectorEnv` do
 */
export async function makeVector<Action = Float32Array>(
  spec: EnvSpec,
  options: VectorOptions,
): Promise<VectorEnv<Action>> {
  checkOptions('makeVector', options, { count: true, autoreset: true });
  const { count, autoreset } = options;
  return new VectorEnv(await makeEnvironments<Action>(spec, count), autoreset);
}

/** @throws InputError when the count is no positive whole number, or as `makeFromSpec` does */
export async function makeEnvironments<Action>(
  { wrappers = [], ...spec }: EnvSpec,
  count: number,
): Promise<Env<Float32Array, Action>[]> {
  if (!Number.isInteger(count) || count < 1)
    throw new InputError(`vector: there cannot be ${count} environments.`, 'Give a positive whole number.');
  const first = await makeFromSpec(spec);
  const envs = first.guarantees?.restorable && first.forks ? first.forks(count) : [first];
  while (envs.length < count) envs.push(first.guarantees?.restorable ? first.fork!() : await makeFromSpec(spec));
  return envs.map((env) => wrap(env, wrappers)) as Env<Float32Array, Action>[];
}
