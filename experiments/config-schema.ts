// The fields of an experiment config, each with its rule. Fields of environments, learners and variants are checked by their
// own schemas, with the config as a whole (config.ts).
import { z } from 'zod';
import { didYouMean } from '../base/errors/input-error.js';
import { executorNames } from '../engine/platform.js';
import { mostCount } from './limits.js';

const mostSteps = 1e9;
const countSchema = z.int().min(1).max(mostCount);

/** A list without duplicates. */
const distinct = <T extends z.ZodType<string | number>>(element: T) =>
  z
    .array(element)
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
    .describe("the agent's rewards are the environment's times this times the number of decisions of an episode"),
});
export type TrainingConfig = z.infer<typeof trainingSchema>;

export const cellRules = ['largest-room', 'largest-headroom', 'as-given'] as const;

/** A mapping whose fields are checked elsewhere; it is kept unchanged. */
const fieldsSchema = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'is not a mapping of fields',
);

const nameSchema = z.string().regex(/^[\w.=-]+$/, 'letters, digits and "-_.=" only: it stands in names of files');

/** A scheduler by its name, or with fields of its own under a name of its own. */
export const schedulerSchema = z.preprocess(
  (value) => (typeof value === 'string' ? { use: value } : value),
  z.strictObject({
    use: z.string().describe('a baseline or a learner'),
    as: nameSchema.optional().describe('what results call it'),
    agent: fieldsSchema.optional().describe("the learner's fields, over those of the config"),
    costs: z
      .string()
      .optional()
      .describe(
        'what a planner is given in place of the true costs: those of a profile, or of a kind of predictor, fitted to the other models',
      ),
    evaluations: countSchema.optional().describe('how many schedules or episodes a baseline that searches may try'),
  }),
);

const cellsSchema = z.strictObject({
  models: distinct(z.string()).min(1).optional(),
  profiles: distinct(z.string()).min(1).optional(),
});

export const configSchema = z.strictObject({
  name: z.string().regex(/^[\w-]+$/, 'letters, digits, "-" and "_" only: it names the output folder'),
  environment: z
    .looseObject({ id: z.string().default('SparOA/Share-v0') })
    .prefault({})
    .describe("an environment's id, `execution` and its own options"),
  models: distinct(z.string()).default([]).describe('model URIs or paths of ONNX files'),
  executor: z
    .enum(executorNames, {
      error: ({ input }) => `executor "${input}" is unknown. ${didYouMean(String(input), executorNames)}`,
    })
    .default('simulator')
    .describe("who executes: the simulator, or one on this machine's devices"),
  profiles: distinct(z.string())
    .min(1)
    .optional()
    .describe('of the simulator: profile URIs; axes that they leave open are chosen by the cell rule'),
  profile: z.string().optional().describe('short for a list of one profile'),
  devices: z
    .string()
    .optional()
    .describe('of the other executors: device pair; by default the CPU and the best GPU found'),
  measurements: countSchema
    .default(20)
    .describe('on devices: how often each final schedule is measured, in turn with the others'),
  meter: z
    .boolean()
    .default(false)
    .describe('on devices: measure the energy of each final schedule, which takes up to 6 s each'),
  cell: z
    .enum(cellRules)
    .default('as-given')
    .describe(
      "largest-room, largest-headroom: each model's sourced cell with most room or headroom; as-given: the profile's defaults and the model's batch",
    ),
  batches: distinct(z.int().min(1).max(1024))
    .min(1)
    .default([1])
    .describe('batch sizes that the cell rules choose from'),
  schedulers: z.array(schedulerSchema).min(1).max(1000),
  variants: z
    .record(nameSchema, z.record(z.string(), z.unknown()))
    .default({})
    .describe('by name, fields to set by their dotted paths; the first variant is what the others are compared with'),
  plugins: distinct(z.string()).default([]).describe('modules that register environments, learners, baselines, ...'),
  train: cellsSchema.optional().describe('one policy learns on all of these'),
  evaluate: cellsSchema.optional().describe('and is evaluated on these, which it has not seen'),
  seeds: countSchema.default(5).describe('seeds 0 to n - 1 for whatever is random'),
  episodes: countSchema
    .optional()
    .describe("episodes that everyone is evaluated on; default the environment's: 1, of streams 20"),
  ensemble: countSchema
    .optional()
    .describe("draws of the profile's uncertain numbers, by which every final schedule is executed too"),
  training: trainingSchema.prefault({}),
  compute: z.enum(['compiled', 'tfjs']).default('compiled').describe('what runs the learning step'),
  backend: z
    .strictObject({
      kind: z.enum(['local']).default('local').describe('where trainings run'),
      parallel: z.int().min(1).max(1024).optional().describe('processes side by side; default: one per core'),
    })
    .prefault({}),
  agent: fieldsSchema.default({}).describe("the learner's own fields"),
});
export type ConfigFields = z.infer<typeof configSchema>;
