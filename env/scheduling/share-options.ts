// Registers SparOA/Share-v0: from plain options (URIs and numbers) to the environment.
import { z } from 'zod';
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { register } from '../gym/registry.js';
import { executorNames, type PlatformOptions, platformUri } from './platform.js';
import { openScenario, type Scenario } from './scenario.js';
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

export interface ShareOptions extends Partial<ShareEnvOptions>, PlatformOptions {
  /** Model URI or path of an ONNX file. */
  readonly model: string;
  /** `serial` (default): one unit at a time; `overlap`: both devices at once. Real lanes go unit by unit in either. */
  readonly regime?: (typeof regimes)[number] | undefined;
}

const regimes = ['serial', 'overlap'] as const;

declare module '../gym/registry.js' {
  interface Registry {
    'SparOA/Share-v0': { options: ShareOptions; env: ShareEnv };
  }
}

export const shareEnvId = 'SparOA/Share-v0';

export function shareEnvOf({ graph, executor, costs, conditions }: Scenario, options: ShareEnvOptions): ShareEnv {
  return new ShareEnv({ graph, executor, costs, conditions, ...options });
}

register(shareEnvId, (options) => openShareEnv(shareEnvId, shareEnvOptionsSchema, options));

/**
 * The environment that options describe.
 * @param id named in errors
 * @param schema of the options that present the scenario; what it leaves out is the default
 * @throws InputError when an option is unknown or bad, or the scenario cannot be opened
 */
export async function openShareEnv(
  id: string,
  schema: z.ZodObject<z.core.$ZodShape, z.core.$strict>,
  { model, regime = 'serial', executor, profile, devices, ...rest }: ShareOptions,
): Promise<ShareEnv> {
  const options = schema.safeParse(rest);
  if (!options.success) {
    throw new InputError(
      `${id}: ${z.prettifyError(options.error).replaceAll('\n', ' ')}`,
      `Options: model, regime, executor (${executorNames.join(', ')}), profile, devices, ${Object.keys(schema.shape).join(', ')}.`,
    );
  }
  if (!regimes.includes(regime))
    throw new InputError(`${id}: the regime "${regime}" is unknown.`, didYouMean(String(regime), regimes));
  const platform = platformUri({ executor, profile, devices });
  return shareEnvOf(await openScenario(model, platform, { regime }), shareEnvOptionsSchema.parse(options.data));
}
