// Latency of a layer as a sum of few terms, each with one constant of the device: as many as the times of whole networks can tell
// apart. A network's terms are the sums over its layers. Split units count their share of work, weights and output.
import { z } from 'zod';
import { opClasses } from '../../models/graph.js';
import { knownOperators, operatorFeatures } from '../features/unit-features.js';
import { coefficientSchema } from './classes.js';
import type { LatencyPredictor } from './latency-predictor.js';

const at = Object.fromEntries(operatorFeatures.map((name, column) => [name, column])) as Record<
  (typeof operatorFeatures)[number],
  number
>;
const [conv, gemm] = [opClasses.indexOf('conv'), opClasses.indexOf('gemm')];
const bytesPerElement = 4;

/** A convolution that reads all channels through a window of 3 x 3: most libraries have a kernel of its own for it. */
const isDense3x3 = (x: Float64Array, row: number): boolean => x[row + at.class] === conv && x[row + at.window] === 9;

type Term = (x: Float64Array, row: number) => number;

/** Terms of one layer, from its `operatorFeatures` at `row` of `x`. */
const terms = {
  /** One for each layer. */
  layers: () => 1,
  /** Dense 3 x 3 convolutions: multiply-accumulates to the power 0.85, as larger layers run better. */
  conv3x3: (x, row) => (isDense3x3(x, row) ? x[row + at.macs]! ** 0.85 : 0),
  /** Multiply-accumulates of all other layers that are not fully connected. */
  otherMacs: (x, row) => (isDense3x3(x, row) || x[row + at.class] === gemm ? 0 : x[row + at.macs]!),
  /** Weights of fully connected layers. */
  connectedWeights: (x, row) => (x[row + at.class] === gemm ? x[row + at.weightBytes]! / bytesPerElement : 0),
  /** Elements read and written. */
  activations: (x, row) => (x[row + at.activationBytes]! + x[row + at.outputBytes]!) / bytesPerElement,
  /** Multiply-accumulates to the power 0.9. */
  macs: (x, row) => x[row + at.macs]! ** 0.9,
  weights: (x, row) => x[row + at.weightBytes]! / bytesPerElement,
} as const satisfies Record<string, Term>;
export type LayerTerm = keyof typeof terms;

/** The terms that times of networks on each kind of device can tell apart. */
export const deviceTerms = {
  cpu: ['layers', 'conv3x3', 'otherMacs', 'connectedWeights', 'activations'],
  gpu: ['layers', 'macs', 'weights'],
} as const satisfies Record<'cpu' | 'gpu', readonly LayerTerm[]>;

/** Operators that give a tensor another shape and do nothing: they take no time. */
const views = new Set(
  ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity'].map((name) => knownOperators.indexOf(name)),
);

/** The value of a term for one layer. @param row where its `operatorFeatures` begin in `x` */
export function layerTerm(name: LayerTerm, x: Float64Array, row = 0): number {
  return views.has(x[row + at.operator]!) ? 0 : terms[name](x, row);
}

export const layerTermsSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('layer-terms'),
  /** ms for each unit of a term. */
  constants: z.partialRecord(z.enum(Object.keys(terms) as [LayerTerm, ...LayerTerm[]]), coefficientSchema),
});
export type LayerTermsFile = z.infer<typeof layerTermsSchema>;

export function openLayerTerms(file: LayerTermsFile): LatencyPredictor<LayerTermsFile> {
  const constants = Object.entries(file.constants) as [LayerTerm, number][];
  return {
    features: operatorFeatures,
    predictMs(x, offset = 0) {
      let ms = 0;
      for (let i = 0; i < constants.length; i++) ms += constants[i]![1] * layerTerm(constants[i]![0], x, offset);
      return ms;
    },
    toJSON: () => file,
  };
}
