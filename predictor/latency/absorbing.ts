// Units within one session: some have no kernel of their own, because a neighbour's kernel does their work. The predictor
// first classifies whether a unit has a kernel, then predicts a time for those that do. One regression of both would
// predict a time between the two for a unit that may be absorbed, and sums over models would be too small.
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { type BoostedTreesFile, boostedTreesSchema, fitBoostedTrees, openBoostedTrees } from './boosted-trees.js';
import type { LatencyPredictor } from './latency-predictor.js';
import { type Samples, selectRows } from './samples.js';

/** The latency of an absorbed unit in samples: almost nothing, a hundredth of the shortest kernel. */
export const absorbedMs = 1e-4;

export interface AbsorbingFile<File> {
  readonly version: 1;
  readonly kind: 'absorbing';
  /** Of the label e of units with a kernel and 1 of others. */
  readonly own: BoostedTreesFile;
  readonly latency: File;
}

/** @param latency what a file may hold as predictor of units with a kernel */
export const absorbingSchema = <T extends z.ZodType>(latency: T) =>
  z.strictObject({ version: z.literal(1), kind: z.literal('absorbing'), own: boostedTreesSchema, latency });

/**
 * Fits `fitLatency` to units with a kernel of their own, and boosted trees to whether they have one: least squares on an
 * indicator estimate its probability (Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", section 4.2).
 */
export function fitAbsorbing<File>(
  samples: Samples,
  fitLatency: (samples: Samples) => LatencyPredictor<File>,
): LatencyPredictor<File | AbsorbingFile<File>> {
  const rows = [...samples.latencyMs.keys()];
  const kernels = rows.filter((row) => samples.latencyMs[row] !== absorbedMs);
  if (kernels.length === rows.length || kernels.length === 0) return fitLatency(samples);
  const labels = samples.latencyMs.map((ms) => (ms === absorbedMs ? 1 : Math.E));
  const own = fitBoostedTrees({ ...samples, latencyMs: labels }, indicatorTrees);
  return absorbing(own, fitLatency(selectRows(samples, kernels)));
}

/** Fewer and shallower trees than for times: only two values are predicted. */
const indicatorTrees = { start: 'mean', trees: 100, depth: 6 } as const;

export function openAbsorbing<File>(
  file: AbsorbingFile<File>,
  openLatency: (file: File) => LatencyPredictor<File>,
  origin: string,
): LatencyPredictor<AbsorbingFile<File>> {
  const [own, latency] = [openBoostedTrees(file.own, origin), openLatency(file.latency)];
  if (own.features.join() !== latency.features.join())
    throw new InputError(
      `${origin}: own reads the features ${own.features.join(', ')}, and latency ${latency.features.join(', ')}.`,
      'Give a predictor as it was saved.',
    );
  return absorbing(own, latency);
}

function absorbing<File>(
  own: LatencyPredictor<BoostedTreesFile>,
  latency: LatencyPredictor<File>,
): LatencyPredictor<AbsorbingFile<File>> {
  const asLikelyAsNot = Math.sqrt(Math.E);
  return {
    features: latency.features,
    predictMs: (x, offset = 0) => (own.predictMs(x, offset) > asLikelyAsNot ? latency.predictMs(x, offset) : 0),
    toJSON: () => ({ version: 1, kind: 'absorbing', own: own.toJSON(), latency: latency.toJSON() }),
  };
}
