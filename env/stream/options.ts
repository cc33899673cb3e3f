// The options of SparOA/Stream-v0 with their checks and defaults. They are part of every replayable row.
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { checkLoad, type LoadProcess } from '../../engine/load-process.js';
import { defaultProfile, type ExecutorName, executorNames, platformUri } from '../../engine/platform.js';
import { parseHardwareUri } from '../../engine/runtime/hardware.js';
import { parseOptions } from '../gym/options.js';
import { loadSchema } from '../randomisation/load-schema.js';
import { shareEnvOptionsSchema } from '../share/share-options.js';

/** An assumed process: half of the time idle, else either the CPU or the GPU is busy with something else. */
export const defaultLoad: LoadProcess = {
  kind: 'markov',
  states: [
    { cpu: 0, gpu: 0, memory: 0, meanMs: 200 },
    { cpu: 0.75, gpu: 0, memory: 0.3, meanMs: 100 },
    { cpu: 0, gpu: 0.75, memory: 0.3, meanMs: 100 },
  ],
};

export const streamOptionsSchema = z.strictObject({
  models: z
    .array(z.string())
    .min(1)
    .default(['model://mobilenetv3-small'])
    .describe('model URIs or paths; each request draws one of them'),
  profile: z.string().default(defaultProfile).describe('profile URI; of an executor on hardware its own'),
  modes: z
    .array(z.string())
    .min(1)
    .nullable()
    .default(null)
    .describe("power modes of the profile that the board changes among; null: the profile URI's, for good"),
  modeMeanMs: z.number().positive().default(1000).describe('mean time in a power mode; exponential'),
  load: loadSchema.default(defaultLoad).describe('co-running load (docs/simulator.md); null: none'),
  requests: z.int().min(1).max(100_000).default(16).describe('requests of an episode'),
  arrivals: z.enum(['poisson', 'periodic']).default('poisson').describe('gaps: exponential, or all alike'),
  ratePerS: z.number().positive().default(100).describe('requests a second, on average'),
  deadlineMs: z.number().positive().nullable().default(null).describe('from arrival to answer; null: none'),
  missPenaltyMs: z.number().nonnegative().default(0).describe('what a late answer adds to the objective'),
  energyBudgetMj: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('energy of an episode for each request, waiting included, that costs nothing; null: no budget'),
  overBudgetMsPerMj: z
    .number()
    .nonnegative()
    .default(0)
    .describe('what each mJ above the budget adds to the objective'),
  batches: z
    .array(z.int().min(1).max(1024))
    .min(1)
    .default([1])
    .describe('batch sizes; waiting requests of one model run together, in the least size that holds them'),
  monitorMs: z
    .number()
    .nonnegative()
    .default(10)
    .describe('time between two readings of load and mode; 0: always exact'),
  decisionMsPerInference: z.number().nonnegative().default(0).describe('decision time charged to each inference'),
  decisionMsPerUnit: z.number().nonnegative().default(0).describe('decision time charged before each unit'),
  ...shareEnvOptionsSchema.pick({ shares: true, lookahead: true }).shape,
  executor: z
    .enum(executorNames as [ExecutorName])
    .optional()
    .describe("what runs inferences, on this machine's devices"),
  devices: z.string().optional().describe('of an executor on hardware: a device pair'),
});
/** Checked; an executor and its devices are the profile's URI: `lanes://cpu:1+cpu:1`. */
export type StreamEnvOptions = Omit<z.infer<typeof streamOptionsSchema>, 'executor' | 'devices'>;
export type StreamOptions = z.input<typeof streamOptionsSchema>;

export const streamEnvId = 'SparOA/Stream-v0';

/** @throws InputError naming the option and the rule */
export function parseStreamOptions(given: unknown): StreamEnvOptions {
  const { executor, devices, ...own } = parseOptions(streamEnvId, streamOptionsSchema, given);
  const { profile, load, modes } = given as StreamOptions;
  const options =
    executor === undefined && devices === undefined
      ? own
      : { ...own, profile: platformUri({ executor, profile, devices }) };
  if (parseHardwareUri(options.profile)) {
    for (const [name, value] of Object.entries({ load, modes })) {
      if (value === undefined || value === null) continue;
      throw new InputError(
        `${streamEnvId}: ${name} is given, but on ${options.profile} it cannot be imposed: the machine has its own.`,
        `Leave ${name} out, or simulate a profile.`,
      );
    }
    options.load = null;
  }
  if (options.load) checkLoad(options.load);
  for (const name of ['models', 'modes', 'batches'] as const) {
    const values: readonly (string | number)[] = options[name] ?? [];
    const twice = values.find((value, i) => values.indexOf(value) < i);
    if (twice !== undefined)
      throw new InputError(`${streamEnvId}: ${name} holds ${twice} twice.`, 'Name each of them once.');
  }
  if (options.missPenaltyMs > 0 && options.deadlineMs === null) {
    throw new InputError(
      `${streamEnvId}: missPenaltyMs is ${options.missPenaltyMs}, but deadlineMs is null.`,
      'Give a deadline, or no penalty.',
    );
  }
  if (options.energyBudgetMj !== null && parseHardwareUri(options.profile))
    throw new InputError(
      `${streamEnvId}: energyBudgetMj is ${options.energyBudgetMj}, but on ${options.profile} no meter follows single inferences.`,
      'Leave it out, or simulate a profile.',
    );
  if (options.overBudgetMsPerMj > 0 && options.energyBudgetMj === null)
    throw new InputError(
      `${streamEnvId}: overBudgetMsPerMj is ${options.overBudgetMsPerMj}, but energyBudgetMj is null.`,
      'Give a budget, or no price above it.',
    );
  return options;
}
