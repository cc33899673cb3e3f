// Finds faults in the results of reset() and step(), for the passive checker and for `checkEnv`.
import type { Env } from '../env.js';
import { describeValue } from '../spaces/space.js';

/** Why `result` is no result of `reset()`, as a sentence; null when it is one. */
export function resetProblem(env: Env<unknown, unknown>, result: unknown): string | null {
  if (!isRecord(result)) return `reset() returns ${describeValue(result)}, not { observation, info }.`;
  return partsProblem('reset', env, result);
}

/** Why `result` is no result of `step()`, as a sentence; null when it is one. */
export function stepProblem(env: Env<unknown, unknown>, result: unknown): string | null {
  if (!isRecord(result))
    return `step() returns ${describeValue(result)}, not { observation, reward, terminated, truncated, info }.`;
  const { reward } = result;
  if (typeof reward !== 'number' || !Number.isFinite(reward))
    return `step() returns the reward ${describeValue(reward)}, not a finite number.`;
  for (const flag of ['terminated', 'truncated'] as const)
    if (typeof result[flag] !== 'boolean')
      return `step() returns ${flag} = ${describeValue(result[flag])}, not true or false.`;
  return partsProblem('step', env, result);
}

function partsProblem(method: string, env: Env<unknown, unknown>, result: Record<string, unknown>): string | null {
  const problem = env.observationSpace.problem(result.observation);
  if (problem !== null)
    return `${method}() returns an observation outside the observation space ${env.observationSpace}: it ${problem}.`;
  return isRecord(result.info) ? null : `${method}() returns the info ${describeValue(result.info)}, not an object.`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** Path to the first array or object that two returned values share, where changing one changes the other; null: none. */
export function sharedObject(a: unknown, b: unknown, path: string): string | null {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Object.isFrozen(a)) return null;
  if (a === b) return path;
  if (ArrayBuffer.isView(a)) return ArrayBuffer.isView(b) && overlap(a, b) ? path : null;
  for (const key of Object.keys(a)) {
    const shared = sharedObject(a[key as never], b[key as never], `${path}.${key}`);
    if (shared !== null) return shared;
  }
  return null;
}

function overlap(a: ArrayBufferView, b: ArrayBufferView): boolean {
  return (
    a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength
  );
}
