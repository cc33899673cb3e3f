// Adam (Kingma & Ba 2015, arXiv 1412.6980) on one parameter vector, in the order of operations of the end of its section 2,
// which corrects the bias of both moments in one scalar instead of two vectors.
import type { Initial } from './step.js';
import * as tf from './tf.js';

export interface AdamSettings {
  /** alpha in the paper; a tensor [1] where it changes from step to step. */
  readonly learningRate: number | tf.Tensor;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/** The optimiser's state (its moments up to a constant factor) for a vector of `size` parameters; names begin with `adam/`. */
export function adamState(size: number) {
  return {
    'adam/m': { shape: [size], values: new Float32Array(size) },
    'adam/v': { shape: [size], values: new Float32Array(size) },
    /** beta1^t and beta2^t. */
    'adam/powers': { shape: [2], values: Float32Array.of(1, 1) },
  } satisfies Record<string, Initial>;
}

export type AdamVariables = Readonly<Record<keyof ReturnType<typeof adamState>, tf.Variable>>;

/**
 * Added to every gradient. Weights behind dead units have none, and their moments would decay into the denormal numbers,
 * with which processors are up to a hundred times slower (one SAC run had 1,500 of them). The weights do not feel it: at a
 * learning rate of 1e-3 it moves them by 1e-12 a step.
 */
const NOT_DENORMAL = 1e-17;

/** One update of `parameters` against `gradient`, in place. Gives the new parameters. */
export function adamStep(
  parameters: tf.Variable,
  gradient: tf.Tensor,
  state: AdamVariables,
  { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamSettings,
): tf.Tensor {
  const powers = tf.mul(state['adam/powers'], tf.tensor1d([beta1, beta2]));
  const [power1, power2] = tf.split(powers, 2) as [tf.Tensor, tf.Tensor];
  // m and v without their constant factors 1 - beta1 and 1 - beta2, which the rate and epsilon make up for: two
  // operations on the whole vector less.
  const g = tf.add(gradient, NOT_DENORMAL);
  const m = tf.add(tf.mul(state['adam/m'], beta1), g);
  const v = tf.add(tf.mul(state['adam/v'], beta2), tf.square(g));
  // alpha_t = alpha sqrt(1 - beta2^t) / (1 - beta1^t), theta_t = theta_(t-1) - alpha_t m_t / (sqrt(v_t) + epsilon-hat)
  const spread = Math.sqrt(1 - beta2);
  const factor = (1 - beta1) / spread;
  const alpha = typeof learningRate === 'number' ? learningRate * factor : tf.mul(learningRate, factor);
  const rate = tf.div(tf.mul(tf.sqrt(tf.sub(1, power2)), alpha), tf.sub(1, power1));
  const next = tf.sub(parameters, tf.div(tf.mul(m, rate), tf.add(tf.sqrt(v), epsilon / spread)));
  parameters.assign(next);
  state['adam/m'].assign(m);
  state['adam/v'].assign(v);
  state['adam/powers'].assign(powers);
  return next;
}
