// A profile's precision and a model's: profiles are of fp32 or fp16, models bring types of their own.

import { narrowTypes } from '../../models/analysis/number-types.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { DeviceProfile } from './profile.js';

/**
 * The factor from bytes of the graph to bytes at the profile's precision: at fp16 one half for a float32 model. A model of
 * narrower types keeps its own bytes.
 */
export function byteScaleOf(graph: OperatorGraph, { axes }: DeviceProfile): number {
  return axes.precision === 'fp16' && narrowTypes(graph).length === 0 ? 0.5 : 1;
}

/** A caveat on simulated times if the types of the model and the precision of the profile differ. */
export function precisionNotes(
  graph: Pick<OperatorGraph, 'units' | 'tensors'>,
  { axes }: Pick<DeviceProfile, 'axes'>,
): string[] {
  const types = narrowTypes(graph);
  return [
    ...(types.includes('int8')
      ? [
          `Quantised operators are simulated with the bytes of their integers and the rates of ${axes.precision}: no profile knows int8 rates.`,
        ]
      : []),
    ...(types.includes('float16') && axes.precision === 'fp32'
      ? ['Operators in float16 are simulated at the rates of fp32: choose precision=fp16 where the profile has it.']
      : []),
  ];
}
