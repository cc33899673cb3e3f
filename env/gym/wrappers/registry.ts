// Wrappers by name, so that a stack of them can be written down as JSON and built again.
import { didYouMean, InputError } from '../../../base/errors/input-error.js';
import type { Env } from '../env.js';
import { ClipAction, RescaleAction } from './actions.js';
import { OrderEnforcing, RecordEpisodeStatistics, TimeLimit } from './episode.js';
import { NormalizeObservation, NormalizeReward } from './normalize.js';
import { FlattenObservation, FrameStack } from './observations.js';
import { PassiveChecker } from './passive-checker.js';
import { Wrapper, type WrapperOptions } from './wrapper.js';

/** A wrapper's constructor takes the environment and its options, which are JSON. */
export type WrapperClass = new (env: never, options: never) => Wrapper<never, never, never, never>;

export interface WrapperSpec {
  readonly name: string;
  readonly options: WrapperOptions;
}

const classes = new Map<string, WrapperClass>();

/** Makes a wrapper known by its class's name. @throws Error when the name is taken */
export function registerWrapper(wrapper: WrapperClass): void {
  if (classes.has(wrapper.name)) throw new Error(`wrapper "${wrapper.name}" is registered already`);
  classes.set(wrapper.name, wrapper);
}

for (const wrapper of [
  TimeLimit,
  OrderEnforcing,
  PassiveChecker,
  RecordEpisodeStatistics,
  NormalizeObservation,
  NormalizeReward,
  ClipAction,
  RescaleAction,
  FlattenObservation,
  FrameStack,
])
  registerWrapper(wrapper as WrapperClass);

/** Names of the wrappers that specs can hold, sorted. */
export function wrapperNames(): string[] {
  return [...classes.keys()].sort();
}

/**
 * The environment in the wrappers, the first one innermost.
 * @throws InputError when a name is unknown, or an option is bad
 */
export function wrap(env: Env<unknown, unknown>, wrappers: readonly WrapperSpec[]): Env<unknown, unknown> {
  return wrappers.reduce((inner, { name, options }) => {
    const Class = classes.get(name);
    if (!Class) throw new InputError(`wrapper "${name}" is unknown.`, didYouMean(name, wrapperNames()));
    return new Class(inner as never, options as never) as unknown as Env<unknown, unknown>;
  }, env);
}

/** The stack of wrappers around an environment, innermost first, and the environment itself. */
export function unwrap<Observation, Action>(
  env: Env<Observation, Action>,
): { env: Env<unknown, unknown>; wrappers: WrapperSpec[] } {
  const wrappers: WrapperSpec[] = [];
  let inner: unknown = env;
  while (inner instanceof Wrapper) {
    wrappers.unshift({ name: inner.name, options: inner.options });
    inner = inner.env;
  }
  return { env: inner as Env<unknown, unknown>, wrappers };
}
