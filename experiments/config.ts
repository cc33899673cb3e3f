// The experiment config: a YAML file, checked, with overrides from the command line.
import { z } from 'zod';
import { planners } from '../agents/baselines/registry.js';
import { learners } from '../agents/learners.js';
import { didYouMean, InputError } from '../base/errors/input-error.js';
import { readText } from '../base/files/json.js';
import { parseYaml } from '../base/files/yaml.js';
import { own, put } from '../base/functions/own.js';
import { executorNames, platformUri } from '../engine/platform.js';
import { shareEnvOptionsSchema } from '../env/share/share-options.js';
import { mostCount } from './limits.js';

/** Every name that a row of latency.csv can carry. */
export const schedulerNames = [...Object.keys(planners), ...Object.keys(learners)];

const schedulerSchema = z.string().refine((name) => schedulerNames.includes(name), {
  error: ({ input }) => `scheduler "${input}" is unknown. ${didYouMean(String(input), schedulerNames)}`,
});

const executorSchema = z.enum(executorNames, {
  error: ({ input }) => `executor "${input}" is unknown. ${didYouMean(String(input), executorNames)}`,
});

const mostSteps = 1e9;
const countSchema = z.int().min(1).max(mostCount);

/** A list that names each thing once. */
export const distinct = <T extends z.ZodType<string | number>>(element: T) =>
  z
    .array(element)
    .min(1)
    .max(1000)
    .refine((values) => new Set(values).size === values.length, {
      error: ({ input }) => `holds ${twice(input as readonly unknown[])} twice`,
    });

const twice = (values: readonly unknown[]) => JSON.stringify(values.find((value, at) => values.indexOf(value) < at));

export const trainingSchema = z.strictObject({
  steps: z
    .int()
    .min(1)
    .max(mostSteps)
    .default(6000)
    .describe('environment steps; training ends with the episode that reaches them'),
  evaluateEverySteps: z
    .int()
    .min(1)
    .max(mostSteps)
    .default(500)
    .describe('steps between deterministic rollouts and checkpoints'),
  rewardScalePerUnit: z
    .number()
    .positive()
    .max(1e6)
    .default(0.25)
    .describe("the agent's rewards are the environment's times this times the number of units"),
});
export type TrainingConfig = z.infer<typeof trainingSchema>;

export const cellRules = ['largest-headroom', 'as-given'] as const;

export const configSchema = z.strictObject({
  name: z
    .string()
    .max(100)
    .regex(/^[\w-]+$/, 'letters, digits, "-" and "_" only: it names the output folder'),
  models: distinct(z.string()).describe('model URIs or paths of ONNX files'),
  executor: executorSchema
    .default('simulator')
    .describe("who executes: the simulator, or one on this machine's devices"),
  profile: z
    .string()
    .optional()
    .describe('of the simulator: profile URI; axes that it leaves open are chosen by the cell rule'),
  devices: z
    .string()
    .optional()
    .describe('of the other executors: device pair; by default the CPU and the best GPU found'),
  measurements: countSchema
    .default(20)
    .describe('on devices: how often each final schedule is measured, in turn with the others'),
  cell: z
    .enum(cellRules)
    .default('as-given')
    .describe(
      "largest-headroom: each model's sourced cell of largest headroom; as-given: the profile's defaults and the model's batch",
    ),
  batches: distinct(z.int().min(1).max(65_536)).default([1]).describe('batch sizes that largest-headroom chooses from'),
  schedulers: distinct(schedulerSchema),
  seeds: countSchema.default(5).describe('seeds 0 to n - 1 for whatever is random'),
  ensemble: countSchema
    .optional()
    .describe("draws of the profile's uncertain numbers, by which every final schedule is executed too"),
  environment: shareEnvOptionsSchema.prefault({}),
  training: trainingSchema.prefault({}),
  backend: z.enum(['compiled', 'tfjs']).default('compiled').describe('what runs the learning step'),
  agent: z.record(z.string(), z.unknown()).default({}).describe("the learner's own fields"),
});
export type ExperimentConfig = z.infer<typeof configSchema>;

export interface ConfigOverrides {
  /** `path.to.field=value` settings; values are YAML. */
  readonly set?: readonly string[];
  readonly models?: readonly string[];
  readonly profile?: string;
}

/**
 * Reads and checks a config file, overrides applied.
 * @throws InputError naming the path within the config and the rule.
 */
export function readConfig(path: string, overrides: ConfigOverrides = {}): ExperimentConfig {
  return parseConfig(readFields(path, overrides), `config ${path}`);
}

/** The fields of a config file, unchecked, overrides applied. @throws InputError when it is no mapping */
export function readFields(path: string, overrides: ConfigOverrides = {}): Record<string, unknown> {
  const remedy = 'See experiments/configs/quickstart.yaml for an example.';
  const raw = parseYaml(readText(path, remedy), `config ${path}`, remedy);
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw))
    throw new InputError(`config ${path}: is not a mapping of fields.`, remedy);
  const fields = raw as Record<string, unknown>;
  applySettings(fields, overrides.set ?? []);
  if (overrides.models?.length) fields.models = [...overrides.models];
  if (overrides.profile) fields.profile = overrides.profile;
  return fields;
}

/** @throws InputError naming the path within the config and the rule */
export function parseConfig(fields: unknown, where: string): ExperimentConfig {
  const config = parseWith(configSchema, fields, where);
  checkPlatform(config);
  // The learners' own fields are theirs to check, but here and now, not in each training.
  for (const [name, learner] of Object.entries(learners)) {
    if (config.schedulers.includes(name)) parseWith(learner.config, config.agent, `${where}: agent`);
  }
  return config;
}

/** @throws InputError when profile, devices or cell are not the executor's */
function checkPlatform({ executor, profile, devices, cell, ensemble }: ExperimentConfig): void {
  if (executor !== 'simulator' && ensemble !== undefined) {
    throw new InputError(
      `config: ensemble is ${ensemble}, but the executor "${executor}" measures: nothing can be drawn.`,
      'Leave it out, or simulate.',
    );
  }
  if (executor !== 'simulator' && cell !== 'as-given') {
    throw new InputError(
      `config: cell is ${cell}, but the executor "${executor}" has no variants of a profile to choose from.`,
      'Set cell to as-given.',
    );
  }
  // Which devices there are is asked when they are needed: probing takes seconds.
  platformUri({ executor, profile, devices: executor === 'simulator' ? devices : (devices ?? 'cpu:1+cpu:1') });
}

/**
 * Sets fields by their dotted paths: `agent.gamma=0.95`.
 * @throws InputError when a setting is malformed, or a path is set twice
 */
export function applySettings(fields: Record<string, unknown>, settings: readonly string[]): void {
  const paths = settings.map((setting) => setting.split('=')[0]!);
  const twice = paths.find((path, at) => paths.indexOf(path) < at);
  if (twice !== undefined) throw new InputError(`--set ${twice}: is given twice.`, 'Set each field once.');
  for (const setting of settings) applySetting(fields, setting);
}

function applySetting(fields: Record<string, unknown>, setting: string): void {
  const [path = '', ...rest] = setting.split('=');
  if (rest.length === 0 || path === '') {
    throw new InputError(`--set ${setting}: is not of the form path=value.`, 'For example: --set agent.gamma=0.95');
  }
  const keys = path.split('.');
  const last = keys.pop()!;
  let target = fields;
  for (const key of keys) {
    const inner = own(target, key) ?? {};
    if (typeof inner !== 'object' || Array.isArray(inner)) {
      throw new InputError(`--set ${setting}: "${key}" is not a mapping.`, 'For example: --set agent.gamma=0.95');
    }
    put(target, key, inner);
    target = inner as Record<string, unknown>;
  }
  put(target, last, parseYaml(rest.join('='), `--set ${setting}`, 'For example: --set agent.gamma=0.95'));
}

/** An error stays one line that can be read. */
const mostIssues = 5;
const short = (message: string): string => (message.length > 400 ? `${message.slice(0, 400)} ...` : message);

/** Checks `value` by `schema`; the error names the path and the rule. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(
    ({ path, message }) => `${path.length > 0 ? `${path.join('.')}: ` : ''}${short(message.replace(/\.$/, ''))}`,
  );
  const more = issues.length > mostIssues ? `; and ${issues.length - mostIssues} more` : '';
  throw new InputError(
    `${where}: ${issues.slice(0, mostIssues).join('; ')}${more}.`,
    'docs/experiments.md lists every field with its rule.',
  );
}
