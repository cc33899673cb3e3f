// The config of an experiment on streams: a scenario of SparOA/Stream-v0, who is judged on it, and how learners train.
import { z } from 'zod';
import { type LearnerName, learners } from '../../agents/learners.js';
import { InputError } from '../../base/errors/input-error.js';
import { parseHardwareUri } from '../../engine/runtime/hardware.js';
import { parseStreamOptions, type StreamEnvOptions, streamOptionsSchema } from '../../env/stream/options.js';
import { parseWith, trainingSchema } from '../config.js';
import { mostCount } from '../limits.js';

export const streamConfigSchema = z.strictObject({
  name: z
    .string()
    .max(100)
    .regex(/^[\w-]+$/, 'letters, digits, "-" and "_" only: it names the output folder'),
  stream: streamOptionsSchema
    .omit({ decisionMsPerInference: true, decisionMsPerUnit: true, executor: true, devices: true })
    .describe('options of SparOA/Stream-v0; decision time is what each scheduler needs'),
  tables: z
    .array(z.int().min(1).max(1000))
    .max(100)
    .default([2])
    .describe('sizes k of the tables of pre-solved schedules'),
  learners: z.array(z.enum(Object.keys(learners) as [LearnerName])).default(['sac']),
  learnerSeeds: z.int().min(1).max(mostCount).default(3).describe('trainings of each learner'),
  seeds: z
    .int()
    .min(2)
    .max(mostCount)
    .default(20)
    .describe('streams that everyone is judged on; none of them is trained on'),
  training: trainingSchema.prefault({}),
  backend: z.enum(['compiled', 'tfjs']).default('compiled').describe('what runs the learning step'),
  agent: z.record(z.string(), z.unknown()).default({}).describe("the learner's own fields"),
});
export interface StreamConfig extends Omit<z.infer<typeof streamConfigSchema>, 'stream'> {
  readonly stream: StreamEnvOptions;
}

/** @throws InputError naming the path within the config and the rule */
export function parseStreamConfig(fields: unknown, where: string): StreamConfig {
  const { stream, ...config } = parseWith(streamConfigSchema, fields, where);
  if (parseHardwareUri(stream.profile)) {
    throw new InputError(
      `${where}: stream runs on ${stream.profile}, where neither the clairvoyant bound nor the best fixed schedule is known.`,
      'Give a profile; on hardware make the environment, and record its episodes.',
    );
  }
  for (const name of config.learners) parseWith(learners[name].config, config.agent, `${where}: agent`);
  return { ...config, stream: parseStreamOptions(stream) };
}
