// Registers SparOA/Share-v0: from plain options (URIs and numbers) to the environment.
import { z } from 'zod';
import type { Scenario } from '../../engine/scenario.js';
import { type ObservationName, observationSpaces } from '../observations/observation-spaces.js';
import type { ModelChoice } from '../randomisation/model-choice.js';
import { registerScheduling, type SchedulingOptions, type WithModels } from '../register.js';
import { type RewardName, type RewardTerm, rewards, rewardTerms } from '../rewards/rewards.js';
import { ShareEnv } from './share-env.js';

/** Lists and records may also be given as text, as trajectories.csv holds them: `units,residency`, `latency:1,deadline:0.5`. */
const listSchema = z
  .union([z.string().transform((text) => text.split(',')), z.array(z.string())])
  .transform((names) => names as readonly ObservationName[]);
const weightsSchema = z
  .union([
    z.string().transform((text) => Object.fromEntries(text.split(',').map((each) => weightOf(each)))),
    z.record(z.string(), z.number()),
  ])
  .transform((weights) => weights as Readonly<Partial<Record<RewardTerm, number>>>);

function weightOf(text: string): [term: string, weight: number] {
  const [term = '', weight = ''] = text.split(':');
  return [term, weight === '' ? Number.NaN : Number(weight)];
}

const listed = (names: readonly string[]) => names.join(', ');

/** How the environment presents a scenario; part of every replayable row. */
export const shareEnvOptionsSchema = z.strictObject({
  shares: z
    .enum(['binary', 'split'])
    .default('binary')
    .describe('binary: 0.5 or more is device 1; split: shares where a unit can split'),
  lookahead: z.int().min(0).max(64).default(4).describe('units after the current one that the observation describes'),
  observation: listSchema.optional().describe(`a list of: ${listed(Object.keys(observationSpaces))}`),
  reward: z
    .custom<RewardName>((name) => typeof name === 'string')
    .optional()
    .describe(listed(Object.keys(rewards))),
  deadline: z.number().optional().describe('of rewards that have one, in units of the better single device'),
  weights: weightsSchema.optional().describe(`of the reward "weighted": ${listed(rewardTerms)}`),
});
export type ShareEnvOptions = z.infer<typeof shareEnvOptionsSchema>;

export interface ShareOptions extends Partial<ShareEnvOptions>, SchedulingOptions {}

declare module '../gym/registry.js' {
  interface Registry {
    'SparOA/Share-v0':
      | { options: ShareOptions; env: ShareEnv }
      | { options: WithModels<ShareOptions>; env: ModelChoice<Float32Array> };
  }
}

export const shareEnvId = 'SparOA/Share-v0';

export function shareEnvOf(scenario: Scenario, options: ShareEnvOptions): ShareEnv {
  const { graph, executor, costs, conditions } = scenario;
  return new ShareEnv({ graph, executor, costs, conditions, scenario, ...options });
}

registerScheduling(shareEnvId, {
  summary: 'one inference, unit by unit: the share of each that the GPU takes',
  schema: shareEnvOptionsSchema,
  build: shareEnvOf,
});
