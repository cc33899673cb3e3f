// Every kind of latency predictor by name: fitted from samples, kept as JSON.
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { readJson } from '../../base/files/json.js';
import { absorbingSchema, openAbsorbing } from './absorbing.js';
import { boostedTreesSchema, fitBoostedTrees, openBoostedTrees } from './boosted-trees.js';
import type { LatencyPredictor } from './latency-predictor.js';
import { layerTermsSchema, openLayerTerms } from './layer-terms.js';
import { fitLinearFlops, linearFlopsSchema, openLinearFlops } from './linear-flops.js';
import { fitRoofline, openRoofline, rooflineSchema } from './roofline-features.js';
import type { Samples } from './samples.js';

const latencySchema = z.discriminatedUnion('kind', [
  boostedTreesSchema,
  rooflineSchema,
  linearFlopsSchema,
  layerTermsSchema,
]);
const predictorSchema = z.discriminatedUnion('kind', [...latencySchema.options, absorbingSchema(latencySchema)]);

/** Every kind with its fit; a name is what tables show. */
export const predictorFits = {
  'boosted-trees': (samples: Samples): LatencyPredictor => fitBoostedTrees(samples),
  roofline: (samples: Samples): LatencyPredictor => fitRoofline(samples),
  'linear-flops': (samples: Samples): LatencyPredictor => fitLinearFlops(samples),
} as const;
export type PredictorKind = keyof typeof predictorFits;
export const predictorKinds = Object.keys(predictorFits) as PredictorKind[];

/**
 * The predictor that `toJSON` wrote.
 * @param origin where it comes from, for messages
 * @throws InputError when it is none.
 */
export function openPredictor(json: unknown, origin = 'predictor'): LatencyPredictor {
  const parsed = predictorSchema.safeParse(json);
  if (!parsed.success)
    throw new InputError(
      `${origin}: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`,
      'Give a predictor that was saved by this version; docs/predictors.md shows how.',
    );
  const file = parsed.data;
  return file.kind === 'absorbing'
    ? openAbsorbing(file, (latency) => openLatency(latency, origin), origin)
    : openLatency(file, origin);
}

function openLatency(file: z.infer<typeof latencySchema>, origin: string): LatencyPredictor<typeof file> {
  switch (file.kind) {
    case 'boosted-trees':
      return openBoostedTrees(file, origin);
    case 'roofline':
      return openRoofline(file);
    case 'linear-flops':
      return openLinearFlops(file);
    case 'layer-terms':
      return openLayerTerms(file);
    default:
      return file satisfies never;
  }
}

export function savePredictor(path: string, predictor: LatencyPredictor): void {
  writeFileAtomic(path, `${JSON.stringify(predictor)}\n`);
}

/** @throws InputError when the file cannot be read or holds no predictor. */
export function loadPredictor(path: string): LatencyPredictor {
  return openPredictor(readJson(path, z.unknown(), 'Give a file that savePredictor wrote.'), path);
}
