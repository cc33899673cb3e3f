// One update of Proximal Policy Optimisation: Schulman et al. 2017, arXiv 1707.06347; equation numbers are theirs. Details as
// "The 37 Implementation Details of PPO" (Huang et al. 2022) and CleanRL have them: orthogonal initialisation, advantages
// normalised per batch, the gradient's norm clipped, Adam's epsilon 1e-5. The value's loss is not clipped.
import type { Rng } from '../../base/random/rng.js';
import { adamState, adamStep } from '../../nn/adam.js';
import {
  initialiseOrthogonal,
  type MlpSizes,
  pack,
  parameterCount,
  parameterShapes,
  perceptron,
  unpack,
} from '../../nn/mlp.js';
import type { StepDefinition } from '../../nn/step.js';
import * as tf from '../../nn/tf.js';
import type { PpoConfig } from './config.js';

/** What is subtracted from the logit of a forbidden action: its probability becomes exactly 0 in float32. */
export const forbiddenLogit = 1e8;

/** The actions that a policy chooses from: one of `size`, or `size` numbers. */
export interface PpoActions {
  readonly kind: 'discrete' | 'box';
  readonly size: number;
}

/**
 * A batch. `action` is one-hot for a Discrete space; of a Box it is the Gaussian number u before the tanh. `allowed` is 1 where
 * an action is allowed, and not there for a Box.
 */
export type PpoInput =
  | 'observation'
  | 'action'
  | 'allowed'
  | 'advantage'
  | 'return'
  | 'logProbability'
  | 'learningRate';

export function ppoSizes(observationSize: number, actions: PpoActions, hidden: readonly number[]) {
  const policy: MlpSizes = [observationSize, ...hidden, actions.size];
  const value: MlpSizes = [observationSize, ...hidden, 1];
  return { policy, value };
}

/**
 * The update step. State: `parameters` (policy at 0, then the value network, then, for a Box, the logarithms of the standard
 * deviations, which do not depend on the observation), and Adam's moments.
 */
export function ppoStep(observationSize: number, actions: PpoActions, config: PpoConfig, random: Rng) {
  const { batchSize, clip, entropyWeight, valueWeight, gradientNorm } = config;
  const sizes = ppoSizes(observationSize, actions, config.hidden);
  const policyCount = parameterCount(sizes.policy);
  const valueCount = parameterCount(sizes.value);
  const stdCount = actions.kind === 'box' ? actions.size : 0;
  const parameters = new Float32Array(policyCount + valueCount + stdCount);
  // A small last layer of the policy: all actions begin nearly equal.
  initialiseOrthogonal(sizes.policy, random, parameters, { last: 0.01 });
  initialiseOrthogonal(sizes.value, random, parameters, { last: 1, offset: policyCount });
  parameters.fill(Math.log(config.initialStd), policyCount + valueCount);
  const policyShapes = parameterShapes(sizes.policy);
  const valueShapes = parameterShapes(sizes.value);

  /** log pi(a | s), [batch, 1], and the entropy of pi(. | s). */
  const categorical = (logits: tf.Tensor, action: tf.Tensor, allowed: tf.Tensor) => {
    const masked = tf.add(logits, tf.mul(tf.sub(allowed, 1), forbiddenLogit));
    const logAll = tf.sub(masked, tf.logSumExp(masked, 1, true));
    return {
      logProbability: tf.sum(tf.mul(logAll, action), 1, true),
      entropy: tf.neg(tf.mean(tf.sum(tf.mul(tf.exp(logAll), logAll), 1))),
    };
  };
  // The Jacobian of the tanh is the same for both policies of a ratio, so ratios are those of the Gaussians. Its entropy is
  // the Gaussian's: the squashed one has no closed form.
  const gaussian = (mean: tf.Tensor, logStd: tf.Tensor, u: tf.Tensor) => {
    const z = tf.div(tf.sub(u, mean), tf.exp(logStd));
    const constant = 0.5 * Math.log(2 * Math.PI);
    return {
      logProbability: tf.sum(tf.sub(tf.mul(tf.square(z), -0.5), tf.add(logStd, constant)), 1, true),
      entropy: tf.sum(tf.add(logStd, constant + 0.5)),
    };
  };

  const inputs = {
    observation: [batchSize, observationSize],
    action: [batchSize, actions.size],
    ...(actions.kind === 'discrete' && { allowed: [batchSize, actions.size] }),
    advantage: [batchSize, 1],
    return: [batchSize, 1],
    logProbability: [batchSize, 1],
    learningRate: [1],
  } as Record<PpoInput, readonly number[]>;
  const state = {
    parameters: { shape: [parameters.length], values: parameters },
    ...adamState(parameters.length),
  };
  const definition: StepDefinition<PpoInput, keyof typeof state> = {
    inputs,
    state,
    build: (variables) => (batch) => {
      const shapes = [...policyShapes, ...valueShapes, ...(stdCount > 0 ? [[1, stdCount]] : [])];
      const kept: tf.Tensor[] = [];
      const keep = <T extends tf.Tensor>(tensor: T): T => {
        kept.push(tf.keep(tensor));
        return tensor;
      };
      const loss = (...weights: tf.Tensor[]) => {
        const policy = weights.slice(0, policyShapes.length);
        const value = weights.slice(policyShapes.length, policyShapes.length + valueShapes.length);
        const outputs = perceptron(policy, batch.observation);
        const { logProbability, entropy } =
          actions.kind === 'discrete'
            ? categorical(outputs, batch.action, batch.allowed)
            : gaussian(outputs, weights.at(-1)!, batch.action);
        // L^CLIP (eq. 7).
        const ratio = keep(tf.exp(tf.sub(logProbability, batch.logProbability)));
        const clipped = tf.mul(tf.clipByValue(ratio, 1 - clip, 1 + clip), batch.advantage);
        const policyLoss = keep(tf.neg(tf.mean(tf.minimum(tf.mul(ratio, batch.advantage), clipped))));
        const error = tf.sub(perceptron(value, batch.observation), batch.return);
        const valueLoss = keep(tf.mul(tf.mean(tf.square(error)), 0.5));
        keep(entropy);
        // Eq. 9 with its sign turned: what is minimised.
        const bonus = tf.mul(entropy, entropyWeight);
        return tf.add(policyLoss, tf.sub(tf.mul(valueLoss, valueWeight), bonus)) as tf.Scalar;
      };
      const { grads } = tf.valueAndGrads(loss)(unpack(variables.parameters, shapes));
      const [ratio, policyLoss, valueLoss, entropy] = kept as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const gradient = pack(grads);
      const norm = tf.sqrt(tf.sum(tf.square(gradient)));
      const scale = tf.minimum(tf.div(gradientNorm, tf.add(norm, 1e-6)), 1);
      adamStep(variables.parameters, tf.mul(gradient, scale), variables, {
        learningRate: batch.learningRate,
        epsilon: 1e-5,
      });
      const moved = tf.sub(ratio, 1);
      const clipFraction = tf.mean(tf.cast(tf.greater(tf.abs(moved), clip), 'float32'));
      // Schulman's low-variance estimate of the divergence, (r - 1) - log r.
      const divergence = tf.mean(tf.sub(moved, tf.log(ratio)));
      const metrics = { policyLoss, valueLoss, entropy, clipFraction, divergence };
      const results = Object.fromEntries(Object.entries(metrics).map(([name, each]) => [name, tf.add(each, 0)]));
      for (const tensor of kept) tensor.dispose();
      return results;
    },
  };
  return { definition, sizes, policyCount, valueCount };
}
