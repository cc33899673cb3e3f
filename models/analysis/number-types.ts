// The number types of a graph besides single precision.
import type { OperatorGraph } from '../graph.js';

export type NumberType = 'float16' | 'int8';

const quantised = /Quantize|QLinear|Integer|^QGemm$|^QAttention$|NBits$/;

/** Narrower numbers than float32 that units of the graph compute with; none of a float32 model. */
export function narrowTypes({ units, tensors }: Pick<OperatorGraph, 'units' | 'tensors'>): NumberType[] {
  const isHalf = tensors.some(({ type }) => type === 'float16' || type === 'bfloat16');
  const isQuantised = units.some(({ opTypes }) => opTypes.some((opType) => quantised.test(opType)));
  return [...(isHalf ? (['float16'] as const) : []), ...(isQuantised ? (['int8'] as const) : [])];
}
