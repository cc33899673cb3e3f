// Registers SparOA/Placement-v0: the options of SparOA/Share-v0, but for `shares`.
import { register } from '../gym/registry.js';
import { PlacementEnv } from './placement-env.js';
import { openShareEnv, type ShareOptions, shareEnvOptionsSchema } from './share-options.js';

export type PlacementOptions = Omit<ShareOptions, 'shares'>;

declare module '../gym/registry.js' {
  interface Registry {
    'SparOA/Placement-v0': { options: PlacementOptions; env: PlacementEnv };
  }
}

const schema = shareEnvOptionsSchema.omit({ shares: true });

register(
  'SparOA/Placement-v0',
  async (options) => new PlacementEnv(await openShareEnv('SparOA/Placement-v0', schema, options)),
);
