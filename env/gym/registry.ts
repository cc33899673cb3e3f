// Environments by versioned id: register once, make anywhere.
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import type { Env } from './env.js';

/** Ids and the options of the environments they name; scheduling environments add theirs by declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: filled where environments are registered
export interface Registry {}

type Entry<Id extends keyof Registry> = Registry[Id] extends { options: infer Options; env: infer E }
  ? (options: Options) => E | Promise<E>
  : never;

const entries = new Map<string, (options: never) => Env<unknown, unknown> | Promise<Env<unknown, unknown>>>();

/** @throws Error when the id lacks a version ("-v0") or is taken: ids never change their meaning. */
export function register<Id extends keyof Registry>(id: Id, create: Entry<Id>): void {
  if (!/^[\w-]+\/[\w-]+-v\d+$/.test(id)) throw new Error(`environment id "${id}" is not of the form Namespace/Name-v0`);
  if (entries.has(id)) throw new Error(`environment id "${id}" is registered already`);
  entries.set(id, create as never);
}

/** Registered ids, sorted. */
export function environmentIds(): string[] {
  return [...entries.keys()].sort();
}

/**
 * Makes the environment `id`: `await make('SparOA/Share-v0', { model: 'model://mobilenetv3-small' })`.
 * @throws InputError when the id is unknown, or an option is bad.
 */
export function make<Id extends keyof Registry>(
  id: Id,
  ...[options]: Registry[Id] extends { options: infer Options } ? [options: Options] : never
): Registry[Id] extends { env: infer E } ? Promise<E> : never {
  const create = entries.get(id);
  if (!create)
    throw new InputError(`environment "${String(id)}" is unknown.`, didYouMean(String(id), environmentIds()));
  return Promise.resolve(create(options as never)) as never;
}
