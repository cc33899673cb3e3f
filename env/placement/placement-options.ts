// Registers SparOA/Placement-v0: the options of SparOA/Share-v0 without `shares`.
import type { ModelChoice } from '../randomisation/model-choice.js';
import { registerScheduling, type WithModels } from '../register.js';
import { type ShareOptions, shareEnvOf, shareEnvOptionsSchema } from '../share/share-options.js';
import { PlacementEnv } from './placement-env.js';

export type PlacementOptions = Omit<ShareOptions, 'shares'>;

declare module '../gym/registry.js' {
  interface Registry {
    'SparOA/Placement-v0':
      | { options: PlacementOptions; env: PlacementEnv }
      | { options: WithModels<PlacementOptions>; env: ModelChoice<number> };
  }
}

registerScheduling('SparOA/Placement-v0', {
  summary: 'one inference, unit by unit: the device of each',
  schema: shareEnvOptionsSchema.omit({ shares: true }),
  build: (scenario, options) => new PlacementEnv(shareEnvOf(scenario, { ...options, shares: 'binary' })),
});
