// The networks that every executor has to run: built-in ones, published ones and trained ones.
import { join } from 'node:path';
import { type LoadedModel, loadModel } from '../models/load.js';
import { withRandomWeights } from '../models/random-weights.js';

export const realModels = process.env.SPAROA_GYM_TEST_MODELS ?? '';

export interface Network {
  readonly name: string;
  readonly load: () => Promise<LoadedModel>;
  /** Why it cannot be loaded here, or null. */
  readonly missing: string | null;
}

const missing = realModels === '' ? 'SPAROA_GYM_TEST_MODELS is unset' : null;
const real = (name: string): string => join(realModels, name);

/** @param folder for models with other weights: those of the published ones are constant, and hide what goes wrong */
export function networks(folder: string): readonly Network[] {
  return [
    ...['model://mobilenetv3-small?size=64', 'model://resnet18?size=64'].map((name) => ({
      name,
      load: () => loadModel(name),
      missing: null,
    })),
    ...['light_squeezenet.onnx', 'light_shufflenet.onnx', 'light_inception_v1.onnx'].map((name) => ({
      name,
      load: () => withRandomWeights(real(name), folder),
      missing,
    })),
    ...(
      [
        ['trained/ppocr_cls.onnx', { x: [1, 3, 48, 192] }],
        ['trained/ppocr_det.onnx', { x: [1, 3, 64, 320] }],
        ['trained/silero_vad.onnx', { input: [1, 576], state: [2, 1, 128] }],
      ] as const
    ).map(([name, shape]) => ({ name, load: () => loadModel(real(name), { shape }), missing })),
  ];
}
