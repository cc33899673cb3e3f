// Wrappers by name, so that a stack of them can be written down as JSON and built again.
import { didYouMean, InputError } from '../../../base/errors/input-error.js';
import type { Env } from '../env.js';
import { ClipAction, RescaleAction } from './actions.js';
import { OrderEnforcing, RecordEpisodeStatistics, TimeLimit } from './episode.js';
import { NormalizeObservation, NormalizeReward } from './normalize.js';
import { FlattenObservation, FrameStack } from './observations.js';
import { PassiveChecker } from './passive-checker.js';
import { Wrapper, type WrapperOptions } from './wrapper.js';

export interface WrapperSpec {
  readonly name: string;
  readonly options: WrapperOptions;
}

/** A class whose constructor takes the environment and its options, which are JSON, and checks both. */
type WrapperClass = new (env: never, options: never) => Env<unknown, unknown>;

const classes = new Map<string, WrapperClass>();

/** Makes a wrapper known by its class's name. @throws Error when the name is taken */
export function registerWrapper(wrapper: WrapperClass): void {
  if (classes.has(wrapper.name)) throw new Error(`wrapper "${wrapper.name}" is registered already`);
  classes.set(wrapper.name, wrapper);
}

registerWrapper(TimeLimit);
registerWrapper(OrderEnforcing);
registerWrapper(PassiveChecker);
registerWrapper(RecordEpisodeStatistics);
registerWrapper(NormalizeObservation);
registerWrapper(NormalizeReward);
registerWrapper(ClipAction);
registerWrapper(RescaleAction);
registerWrapper(FlattenObservation);
registerWrapper(FrameStack);

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
    // A spec is data: only the constructor knows whether it fits.
    return Reflect.construct(Class, [inner, options]);
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
