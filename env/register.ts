// Registers environments of scheduling: a schema of their options and a function of the scenario. `make` opens the scenario
// that the user names; `environmentOf` makes the environment that replays a recorded episode.
import type { z } from 'zod';
import { didYouMean, InputError } from '../base/errors/input-error.js';
import type { Conditions } from '../engine/conditions.js';
import { executorNames, type PlatformOptions, platformUri } from '../engine/platform.js';
import { executions, openScenario, type Scenario, type ScenarioOptions } from '../engine/scenario.js';
import { parseOptions } from './gym/options.js';
import { registerEnvironment } from './gym/registry.js';
import { ModelChoice, type ModelEnv } from './randomisation/model-choice.js';

/** Options of every environment of scheduling. */
export interface SchedulingOptions extends PlatformOptions {
  /** Model URI or path of an ONNX file; default `model://mobilenetv3-small`. */
  readonly model?: string;
  /** `serial` (default): one unit at a time; `overlap`: both devices at once. Real lanes go unit by unit in either. */
  readonly execution?: Conditions['execution'];
}

/** The default model: the built-in one with the largest headroom. */
export const defaultModel = 'model://mobilenetv3-small';

/** An environment's options with a list of models; each episode draws one. */
export type WithModels<Options extends SchedulingOptions> = Omit<Options, 'model'> & {
  readonly model: readonly string[];
};

/** As errors list them. */
const schedulingOptions = ['model', 'execution', `executor (${executorNames.join(', ')})`, 'profile', 'devices'];

interface Entry<Options, Action> {
  /** One line on an episode. */
  readonly summary: string;
  /** Schema of the options that present the scenario, with their defaults. */
  readonly schema: z.ZodObject & z.ZodType<Options>;
  build(scenario: Scenario, options: Options): ModelEnv<Action>;
  /** The only execution that the environment supports, if there is only one. */
  readonly execution?: Conditions['execution'];
  /** The options to open the scenario with. */
  opening?(options: Options): ScenarioOptions;
}

type AnyEntry = Entry<unknown, Float32Array | number>;

const entries = new Map<string, AnyEntry>();

/** Registers an environment of scheduling. @throws Error as `registerEnvironment` does */
export function registerScheduling<Options, Action extends Float32Array | number>(
  id: string,
  entry: Entry<Options, Action>,
): void {
  entries.set(id, entry);
  registerEnvironment(id, {
    summary: entry.summary,
    create: (options: SchedulingOptions | WithModels<SchedulingOptions>) => open(id, entry, options),
  });
}

/** Ids of environments of scheduling, sorted. */
export function schedulingIds(): string[] {
  return [...entries.keys()].sort();
}

/**
 * The environment `id` of an open scenario.
 * @throws InputError when the id is unknown or an option is bad
 */
export function environmentOf(id: string, scenario: Scenario, options: unknown): ModelEnv<Float32Array | number> {
  const entry = entryOf(id);
  return entry.build(scenario, parseOptions(id, entry.schema, options, schedulingOptions));
}

/**
 * The schema of an environment's options.
 * @throws InputError when the id is unknown
 */
export function optionsSchemaOf(id: string): z.ZodObject {
  return entryOf(id).schema;
}

/**
 * The options to open a scenario with, for an environment.
 * @param options checked
 * @throws InputError when the id is unknown, or the environment does not know the execution
 */
export function openingOf(
  id: string,
  options: unknown,
  execution: Conditions['execution'] | undefined,
): ScenarioOptions {
  const entry = entryOf(id);
  if (execution !== undefined && !(entry.execution ? [entry.execution] : executions).includes(execution)) {
    throw new InputError(
      `${id}: the execution is ${JSON.stringify(execution)}.`,
      entry.execution
        ? `It has one, "${entry.execution}": leave the option out.`
        : didYouMean(String(execution), executions),
    );
  }
  return { ...entry.opening?.(options), execution: entry.execution ?? execution ?? 'serial' };
}

function entryOf(id: string): AnyEntry {
  const entry = entries.get(id);
  if (!entry) throw new InputError(`environment "${id}" is unknown.`, didYouMean(id, schedulingIds()));
  return entry;
}

async function open<Options, Action>(
  id: string,
  entry: Entry<Options, Action>,
  {
    model = defaultModel,
    execution,
    executor,
    profile,
    devices,
    ...rest
  }: SchedulingOptions | WithModels<SchedulingOptions>,
): Promise<ModelEnv<Action> | ModelChoice<Action>> {
  const options = parseOptions(id, entry.schema, rest, schedulingOptions);
  const models = typeof model === 'string' ? [model] : model;
  if (!Array.isArray(models) || models.length === 0 || !models.every((each) => typeof each === 'string'))
    throw new InputError(`${id}: model is ${JSON.stringify(model)}.`, 'Give a model URI, a path, or a list of them.');
  const opening = openingOf(id, options, execution);
  const platform = platformUri({ executor, profile, devices });
  const envs: ModelEnv<Action>[] = [];
  try {
    for (const each of models) envs.push(entry.build(await openScenario(each, platform, opening), options));
    return typeof model === 'string' ? envs[0]! : new ModelChoice(envs);
  } catch (error) {
    for (const env of envs) env.close();
    throw error;
  }
}
