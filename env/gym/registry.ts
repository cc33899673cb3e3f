// Environments by versioned id: register once, make anywhere. A spec is JSON: the arguments of `make`, and the wrappers
// put around the environment since. `makeFromSpec` makes the environment again from it.
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { checkOptions } from '../../base/errors/options.js';
import type { Env } from './env.js';
import { unwrap, type WrapperSpec, wrap } from './wrappers/registry.js';

/**
 * Ids with the options and types of their environments; scheduling environments add theirs by declaration merging. If the
 * options decide the environment's type, an id has a union of such pairs.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled where environments are registered
export interface Registry {}

/** How to make an environment from the options of `make`. */
export interface EnvironmentEntry<Options = Readonly<Record<string, unknown>>> {
  /** What an episode is, in one line: `sparoa-gym list environments` shows it. */
  readonly summary: string;
  /** @throws InputError when an option is bad */
  create(options: Options): Env<unknown, unknown> | Promise<Env<unknown, unknown>>;
}

/** The options that `make` takes for an id. */
export type OptionsOf<Id extends keyof Registry> = Registry[Id] extends { options: infer Options } ? Options : never;

/** The type that `make` returns for an id and options. */
export type EnvOf<Id extends keyof Registry, Given> = Pairs<Registry[Id], Given>;
type Pairs<Pair, Given> = Pair extends { options: infer Options; env: infer E }
  ? Given extends Options
    ? E
    : never
  : never;

/** How to make an environment again, wrappers included. Survives `JSON.stringify`. */
export interface EnvSpec {
  readonly id: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Innermost first. */
  /** Default: none. */
  readonly wrappers?: readonly WrapperSpec[];
}

const entries = new Map<string, EnvironmentEntry>();
const made = new WeakMap<object, Pick<EnvSpec, 'id' | 'options'>>();

/**
 * Makes an environment known by its id. Declare the id in `Registry` to have `make` typed.
 * @throws Error when the id lacks a version ("-v0") or is taken: ids never change their meaning.
 */
export function registerEnvironment<Options>(id: string, entry: EnvironmentEntry<Options>): void {
  if (!/^[\w-]+\/[\w-]+-v\d+$/.test(id)) throw new Error(`environment id "${id}" is not of the form Namespace/Name-v0`);
  if (entries.has(id)) throw new Error(`environment id "${id}" is registered already`);
  entries.set(id, { summary: entry.summary, create: (options) => entry.create(options as Options) });
}

/** Registered ids, sorted. */
export function environmentIds(): string[] {
  return [...entries.keys()].sort();
}

/** @throws InputError when the id is unknown */
export function environmentSummary(id: string): string {
  return entryOf(id).summary;
}

function entryOf(id: string): EnvironmentEntry {
  const entry = entries.get(id);
  if (!entry) throw new InputError(`environment "${id}" is unknown.`, didYouMean(id, environmentIds()));
  return entry;
}

/**
 * Makes the environment `id`: `await make('SparOA/Share-v0', { model: 'model://resnet18' })`. Each of ours can be made
 * without options.
 * @throws InputError when the id is unknown, or an option is bad.
 */
export function make<Id extends keyof Registry>(id: Id): Promise<EnvOf<Id, Record<never, never>>>;
export function make<Id extends keyof Registry, const Options extends OptionsOf<Id>>(
  id: Id,
  options: Options,
): Promise<EnvOf<Id, Options>>;
export function make(id: string, options?: object): Promise<Env<unknown, unknown>> {
  return makeFromSpec({ id, options: { ...options } });
}

/**
 * Makes the environment, with its wrappers, that a spec describes.
 * @throws InputError when the id or a wrapper is unknown, or an option is bad.
 */
export function makeFromSpec(spec: EnvSpec): Promise<Env<unknown, unknown>> {
  checkOptions('makeFromSpec', spec, { id: true, options: true, wrappers: true });
  const { id, options, wrappers = [] } = spec;
  return Promise.resolve(entryOf(id).create(options)).then((env) => {
    made.set(env, { id, options });
    return wrap(env, wrappers);
  });
}

/**
 * The spec of an environment that `make` made.
 * @throws InputError when it was made otherwise
 */
export function specOf<Observation, Action>(wrapped: Env<Observation, Action>): Required<EnvSpec> {
  const { env, wrappers } = unwrap(wrapped);
  const origin = made.get(env);
  if (origin) return { ...origin, wrappers };
  throw new InputError(
    `${env.constructor.name}: this environment has no spec.`,
    'Register it, and make it by its id with make().',
  );
}
