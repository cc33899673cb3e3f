// The experiment config: a YAML file, checked as a whole, with overrides from the command line.
import { dirname, resolve } from 'node:path';
import { learnerNamed, learnerNames } from '../agents/learners.js';
import { didYouMean, InputError } from '../base/errors/input-error.js';
import { readText } from '../base/files/json.js';
import { parseYaml } from '../base/files/yaml.js';
import { platformUri } from '../engine/platform.js';
import { parseHardwareUri } from '../engine/runtime/hardware.js';
import { type ConfigFields, configSchema } from './config-schema.js';
import { checkCosts } from './given-costs.js';
import { parseWith } from './parse-with.js';
import { applySettings, type Fields } from './settings.js';
import { taskNamed } from './tasks/registry.js';

/** A scheduler of a config. */
export interface SchedulerSpec {
  /** Its name in results. */
  readonly name: string;
  /** A baseline or a learner. */
  readonly use: string;
  /** All settings of a learner. */
  readonly agent: Readonly<Record<string, unknown>> | null;
  /** Costs that a planner is given: a profile's URI or a kind of predictor; missing: the true ones. */
  readonly costs?: string;
  /** What a baseline that searches may try; missing: its own number. */
  readonly evaluations?: number;
}

/** Models and platforms whose product is a list of cells. */
export interface CellGrid {
  readonly models: readonly string[];
  /** Profile URIs, or hardware's; null: the executor on the devices that are found. */
  readonly platforms: readonly (string | null)[];
}

export interface ExperimentConfig
  extends Omit<ConfigFields, 'environment' | 'schedulers' | 'train' | 'evaluate' | 'profiles' | 'profile' | 'models'> {
  readonly environment: { readonly id: string; readonly options: Readonly<Record<string, unknown>> };
  readonly schedulers: readonly SchedulerSpec[];
  /** What is evaluated. */
  readonly grid: CellGrid;
  /** The cells that one policy learns on; null: one policy per evaluated cell. */
  readonly train: CellGrid | null;
}

export interface ConfigOverrides {
  /** `path.to.field=value` settings; values are YAML. */
  readonly set?: readonly string[];
  readonly models?: readonly string[];
  readonly profile?: string;
  readonly plugins?: readonly string[];
}

const example = 'See experiments/configs/quickstart.yaml for an example.';

/** The fields of a config file, unchecked, overrides applied. @throws InputError when it is no mapping */
export function readFields(path: string, overrides: ConfigOverrides = {}): Fields {
  const raw = parseYaml(readText(path, example), `config ${path}`, example);
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw))
    throw new InputError(`config ${path}: is not a mapping of fields.`, example);
  const fields = raw as Fields;
  applySettings(fields, overrides.set ?? []);
  if (overrides.models?.length) fields.models = [...overrides.models];
  if (overrides.profile) {
    delete fields.profile;
    fields.profiles = [overrides.profile];
  }
  // Relative to the config; those of the command line are relative to the current folder.
  if (Array.isArray(fields.plugins))
    fields.plugins = fields.plugins.map((each) => resolve(dirname(path), String(each)));
  if (overrides.plugins?.length) fields.plugins = [...((fields.plugins as string[]) ?? []), ...overrides.plugins];
  return fields;
}

/** @throws InputError naming the path within the config and the rule */
export function parseConfig(given: unknown, where: string): ExperimentConfig {
  const { environment, schedulers, train, evaluate, profiles, profile, models, ...fields } = parseWith(
    configSchema,
    given,
    where,
  );
  const { id, ...options } = environment;
  const task = taskNamed(id);
  if (models.length === 0 && task.cells !== 'none')
    throw new InputError(`${where}: models is empty.`, 'Name model URIs or paths of ONNX files.');
  if (profile !== undefined && profiles !== undefined)
    throw new InputError(`${where}: profile and profiles are given.`, 'Name them in one place.');
  checkExecutor(fields, where);
  const own = { models, platforms: platformsOf(fields, profiles ?? (profile === undefined ? undefined : [profile])) };
  const gridOf = (cells: typeof train): CellGrid | null =>
    cells
      ? {
          models: cells.models ?? own.models,
          platforms: cells.profiles ? platformsOf(fields, cells.profiles) : own.platforms,
        }
      : null;
  const grid = gridOf(evaluate) ?? own;
  return {
    ...fields,
    environment: { id, options: parseWith(task.options, options, `${where}: environment`) as Fields },
    schedulers: schedulersOf(schedulers, id, fields.agent, grid.models, where),
    grid,
    train: gridOf(train),
  };
}

/** @throws InputError when a name is unknown or stands twice, or a field is not the learner's */
function schedulersOf(
  given: ConfigFields['schedulers'],
  environment: string,
  agent: Fields,
  models: readonly string[],
  where: string,
): SchedulerSpec[] {
  const baselines = taskNamed(environment).baselines();
  const known = [...baselines.keys(), ...learnerNames()];
  const specs = given.map((each): SchedulerSpec => {
    const { use, as = use, agent: own = {}, evaluations, costs } = each;
    if (!known.includes(use))
      throw new InputError(`${where}: scheduler "${use}" is unknown in ${environment}.`, didYouMean(use, known));
    const learns = learnerNames().includes(use);
    if (!learns && Object.keys(own).length > 0)
      throw new InputError(
        `${where}: scheduler "${as}" has agent fields, but "${use}" does not learn.`,
        'Leave them out.',
      );
    if (evaluations !== undefined && !baselines.get(use)?.searches)
      throw new InputError(
        `${where}: scheduler "${as}" has evaluations, but "${use}" does not search.`,
        'Leave them out.',
      );
    if (costs !== undefined) {
      if (!baselines.get(use)?.plans)
        throw new InputError(
          `${where}: scheduler "${as}" has costs, but "${use}" is no planner of ${environment}.`,
          'Leave them out.',
        );
      checkCosts(costs, models, where);
    }
    // Learners' settings are checked here, before any training. Defaults are filled in, because other defaults of a later version
    // make another training.
    const fields = learns ? parseWith(learnerNamed(use).config, { ...agent, ...own }, `${where}: agent`) : null;
    return {
      name: as,
      use,
      agent: fields,
      ...(costs !== undefined && { costs }),
      ...(evaluations !== undefined && { evaluations }),
    };
  });
  const twice = specs.find(({ name }, i) => specs.findIndex((other) => other.name === name) !== i);
  if (twice) throw new InputError(`${where}: schedulers: holds "${twice.name}" twice.`, 'Name one of them with `as`.');
  return specs;
}

/** @throws InputError when cell or ensemble are not the executor's */
function checkExecutor(
  { executor, cell, ensemble }: Pick<ConfigFields, 'executor' | 'cell' | 'ensemble'>,
  where: string,
): void {
  if (executor === 'simulator') return;
  if (ensemble !== undefined) {
    throw new InputError(
      `${where}: ensemble is ${ensemble}, but the executor "${executor}" measures: nothing can be drawn.`,
      'Leave it out, or simulate.',
    );
  }
  if (cell !== 'as-given') {
    throw new InputError(
      `${where}: cell is ${cell}, but the executor "${executor}" has no variants of a profile to choose from.`,
      'Set cell to as-given.',
    );
  }
}

/** URIs of what executes. Hardware may stand among profiles. @throws InputError when an option is not the executor's */
function platformsOf(
  { executor, devices }: Pick<ConfigFields, 'executor' | 'devices'>,
  profiles: readonly string[] | undefined,
): (string | null)[] {
  const uriOf = (profile: string | undefined): string | null => {
    if (profile !== undefined && executor === 'simulator' && parseHardwareUri(profile)) return profile;
    // Devices are probed when they are needed, because probing takes seconds.
    const found = executor !== 'simulator' && devices === undefined;
    const uri = platformUri({ executor, profile, devices: found ? 'cpu:1+cpu:1' : devices });
    return found ? null : uri;
  };
  return profiles ? profiles.map(uriOf) : [uriOf(undefined)];
}

/** Whether an experiment executes on devices of this machine. */
export function runsOnHardware({ executor, grid }: ExperimentConfig): boolean {
  return (
    executor !== 'simulator' ||
    grid.platforms.some((platform) => platform !== null && parseHardwareUri(platform) !== null)
  );
}
