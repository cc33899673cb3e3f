// Registers SparOA/Stream-v0: from plain options (URIs and numbers) to the environment.
import { registerEnvironment } from '../gym/registry.js';
import { StreamEnv } from './env.js';
import { parseStreamOptions, type StreamOptions, streamEnvId } from './options.js';
import { openStreamSetting } from './setting.js';

declare module '../gym/registry.js' {
  interface Registry {
    'SparOA/Stream-v0': { options: StreamOptions; env: StreamEnv };
  }
}

registerEnvironment(streamEnvId, {
  summary: 'a stream of inferences under changing load and power mode',
  create: async (options: StreamOptions) => new StreamEnv(await openStreamSetting(parseStreamOptions(options))),
});
