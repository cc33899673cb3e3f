// Registers SparOA/Share-v0: from plain options (URIs and numbers) to the environment.
import { z } from 'zod';
import type { ModelChoice } from './model-choice.js';
import { registerScheduling, type SchedulingOptions, type WithModels } from './register.js';
import type { Scenario } from './scenario.js';
import { ShareEnv } from './share-env.js';

/** How the environment presents a scenario; part of every replayable row. */
export const shareEnvOptionsSchema = z.strictObject({
  shares: z
    .enum(['binary', 'split'])
    .default('binary')
    .describe('binary: 0.5 or more is device 1; split: shares where a unit can split'),
  lookahead: z.int().min(0).max(64).default(4).describe('units after the current one that the observation describes'),
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

registerScheduling(shareEnvId, { schema: shareEnvOptionsSchema, build: shareEnvOf });
