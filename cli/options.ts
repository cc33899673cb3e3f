// Options that several commands share, and how their values are read.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ObjectiveName, objectiveNames } from '../agents/baselines/objective.js';
import { plannerNames, plannerNamed as registeredPlanner } from '../agents/baselines/registry.js';
import { didYouMean, UsageError } from '../base/errors/input-error.js';
import { executorNames } from '../engine/platform.js';
import { mostCount } from '../experiments/limits.js';
import { loadModel } from '../models/load.js';
import type { ModelOptions } from '../models/uri.js';

/** Collects a repeatable option. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** The name that an option had before: the help does not show it, and its new name cannot stand beside it. */
export const oldName = (flags: string, present: string): Option => new Option(flags).hideHelp().conflicts(present);

/** A reader of whole numbers within limits. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isSafeInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
    return value;
  };

export const positiveInteger = wholeNumber(1, Number.MAX_SAFE_INTEGER);
export const nonNegativeInteger = wholeNumber(0, Number.MAX_SAFE_INTEGER);
/** How often something is done, or how many there are of it. */
export const count = wholeNumber(1, mostCount);

/** `1,4,16` */
export function positiveIntegers(text: string): number[] {
  return text.split(',').map(positiveInteger);
}

/** `--shape x=1,3,48,320`, repeatable. */
function shapeOption(text: string, previous: Readonly<Record<string, readonly number[]>> = {}) {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new InvalidArgumentError('Give name=dimensions, such as x=1,3,48,320.');
  refuseTwice(text.slice(0, at), previous);
  return {
    ...previous,
    [text.slice(0, at)]: text
      .slice(at + 1)
      .split(',')
      .map(nonNegativeInteger),
  };
}

/** `--input [name=]x.npy` or `--input name=100`, repeatable. */
function inputOption(text: string, previous: Readonly<Record<string, string>> = {}) {
  const at = text.indexOf('=');
  refuseTwice(text.slice(0, Math.max(0, at)), previous);
  return { ...previous, [text.slice(0, Math.max(0, at))]: text.slice(at + 1) };
}

function refuseTwice(name: string, previous: object): void {
  if (Object.hasOwn(previous, name)) throw new InvalidArgumentError(`Input "${name}" is given twice.`);
}

/** What reads an option that may be given several times; of any other option a second value is an error. */
export const repeatable: ReadonlySet<unknown> = new Set([collect, shapeOption, inputOption]);

export interface ModelFlags {
  readonly shape?: Readonly<Record<string, readonly number[]>>;
  readonly input?: Readonly<Record<string, string>>;
}

/** Adds the options that say what a model is fed. */
export function inputOptions(command: Command): Command {
  return command
    .option('--shape <name=dims>', 'shape of an input: x=1,3,48,320 (repeatable)', shapeOption)
    .option(
      '--input <[name=]file>',
      'input values, .npy, .png or a number, instead of random ones (repeatable)',
      inputOption,
    );
}

/** The models with what `--shape` and `--input` say of them, as full URIs. @throws InputError when one cannot be loaded */
export async function modelUris(models: readonly string[], flags: ModelFlags): Promise<string[]> {
  if (!flags.shape && !flags.input) return [...models];
  const uris: string[] = [];
  for (const model of models) uris.push((await loadModel(model, modelOptions(flags))).uri);
  return uris;
}

export function modelOptions({ shape, input }: ModelFlags): ModelOptions {
  return { ...(shape && { shape }), ...(input && { inputs: input }) };
}

/** Adds the options that choose a platform; `fallback` says what holds without them. */
export function platformOptions(command: Command, fallback: string): Command {
  return command
    .option('--executor <name>', `${executorNames.join(', ')} (default: ${fallback})`)
    .option('--profile <uri>', `of the simulator: device profile (default: ${fallback})`)
    .option(
      '--devices <pair>',
      'of the others: device pair such as cpu:1+webgpu (default: the CPU and the best GPU found)',
    );
}

/** Reads `--objective`. */
export function objective(name: string): ObjectiveName {
  const found = objectiveNames.find((each) => each === name);
  if (found) return found;
  throw new InvalidArgumentError(didYouMean(name, objectiveNames));
}

/** `, 12.3 mJ`, or nothing where the energy is not known. */
export const energyText = (energyMj: number | null): string =>
  energyMj === null ? '' : `, ${energyMj.toPrecision(4)} mJ`;

/** Adds the option that loads plug-ins before anything is looked up. */
export function pluginOption(command: Command): Command {
  return command.option(
    '--plugin <module>',
    'a module that registers environments, learners, ... (repeatable)',
    collect,
  );
}

/** @throws UsageError when no planner has the name */
export function plannerNamed(name: string, command: string) {
  if (!plannerNames().includes(name))
    throw new UsageError(`${command}: the scheduler "${name}" is unknown.`, didYouMean(name, plannerNames()));
  return registeredPlanner(name);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
