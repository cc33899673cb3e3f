// One update of Soft Actor-Critic: Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications", arXiv 1812.05905.
// Equation numbers are theirs. Policy, twin critics and temperature lie in one vector, so that one Adam moves them all.
import type { Rng } from '../../base/random/rng.js';
import { adamState, adamStep } from '../../nn/adam.js';
import { initialise, type MlpSizes, pack, parameterCount, parameterShapes, perceptron, unpack } from '../../nn/mlp.js';
import type { StepDefinition } from '../../nn/step.js';
import * as tf from '../../nn/tf.js';
import type { SacConfig } from './config.js';

const LOG_STD_MIN = -20;
const LOG_STD_MAX = 2;

/** The architecture for observations of `observationSize` numbers and actions of `actionSize`. */
export interface SacSizes {
  /** Observation to mean and log standard deviation of each action dimension. */
  readonly policy: MlpSizes;
  /** Observation and action to a value. */
  readonly critic: MlpSizes;
}

export function sacSizes(observationSize: number, actionSize: number, hidden: readonly number[]): SacSizes {
  return {
    policy: [observationSize, ...hidden, 2 * actionSize],
    critic: [observationSize + actionSize, ...hidden, 1],
  };
}

/** A batch, and the noise that its actions are drawn with: `noise` for the policy's loss, `nextNoise` for the targets. */
export type SacInput = 'observation' | 'action' | 'reward' | 'nextObservation' | 'continues' | 'noise' | 'nextNoise';

/**
 * The update step. Actions are in (-1, 1); `continues` is 0 where the episode terminated, else 1.
 *
 * State: `parameters` (policy at 0, then both critics, then log alpha), `targets` (both target critics), Adam's moments.
 * All gradients are taken at the parameters before the step.
 */
export function sacStep(observationSize: number, actionSize: number, config: SacConfig, random: Rng) {
  const { batchSize, gamma, tau, rewardScale, learningRate } = config;
  const sizes = sacSizes(observationSize, actionSize, config.hidden);
  const policyCount = parameterCount(sizes.policy);
  const criticCount = parameterCount(sizes.critic);
  const targetEntropy = config.targetEntropy ?? -actionSize; // H-bar in the paper

  const parameters = new Float32Array(policyCount + 2 * criticCount + 1);
  initialise(sizes.policy, random, parameters);
  initialise(sizes.critic, random, parameters, policyCount);
  initialise(sizes.critic, random, parameters, policyCount + criticCount);
  parameters[parameters.length - 1] = Math.log(config.initialAlpha);
  const targets = parameters.slice(policyCount, -1);

  const policyShapes = parameterShapes(sizes.policy);
  const criticShapes = parameterShapes(sizes.critic);
  const cut = (tensors: readonly tf.Tensor[], ...counts: readonly number[]) => {
    let begin = 0;
    return counts.map((count) => tensors.slice(begin, (begin += count)));
  };

  /** An action a = tanh(u), u = mu + sigma * noise (eq. 8), and its log-probability (appendix C). */
  const sample = (policy: readonly tf.Tensor[], observation: tf.Tensor, noise: tf.Tensor) => {
    const [mean, raw] = tf.split(perceptron(policy, observation), 2, 1) as [tf.Tensor, tf.Tensor];
    const logStd = tf.clipByValue(raw, LOG_STD_MIN, LOG_STD_MAX);
    const u = tf.add(mean, tf.mul(tf.exp(logStd), noise));
    // log N(u; mu, sigma) = -noise^2 / 2 - log sigma - log(2 pi) / 2
    const gaussian = tf.sub(tf.mul(tf.square(noise), -0.5), tf.add(logStd, 0.5 * Math.log(2 * Math.PI)));
    // log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2 u)), which does not overflow
    const squash = tf.mul(tf.sub(Math.LN2, tf.add(u, tf.softplus(tf.mul(u, -2)))), 2);
    return { action: tf.tanh(u), logProbability: tf.sum(tf.sub(gaussian, squash), 1, true) };
  };

  const critic = (weights: readonly tf.Tensor[], observation: tf.Tensor, action: tf.Tensor) =>
    perceptron(weights, tf.concat([observation, action], 1));

  const inputs: Record<SacInput, readonly number[]> = {
    observation: [batchSize, observationSize],
    action: [batchSize, actionSize],
    reward: [batchSize, 1],
    nextObservation: [batchSize, observationSize],
    continues: [batchSize, 1],
    noise: [batchSize, actionSize],
    nextNoise: [batchSize, actionSize],
  };
  const state = {
    parameters: { shape: [parameters.length], values: parameters },
    targets: { shape: [targets.length], values: targets },
    ...adamState(parameters.length),
  };
  const definition: StepDefinition<SacInput, keyof typeof state> = {
    inputs,
    state,
    build: (variables) => (batch) => {
      const counts = [policyShapes.length, criticShapes.length, criticShapes.length, 1];
      const shapes = [...policyShapes, ...criticShapes, ...criticShapes, []];
      const tensors = unpack(variables.parameters, shapes);
      const [policy, critic1, critic2, [logAlpha]] = cut(tensors, ...counts) as [
        tf.Tensor[],
        tf.Tensor[],
        tf.Tensor[],
        [tf.Tensor],
      ];
      const [target1, target2] = cut(
        unpack(variables.targets, [...criticShapes, ...criticShapes]),
        criticShapes.length,
        criticShapes.length,
      ) as [tf.Tensor[], tf.Tensor[]];
      const alpha = tf.exp(logAlpha);

      // y = r + gamma (min Q'(s', a') - alpha log pi(a' | s')), the target in eq. 5; nothing follows a terminal state.
      const next = sample(policy, batch.nextObservation, batch.nextNoise);
      const nextValue = tf.sub(
        tf.minimum(
          critic(target1, batch.nextObservation, next.action),
          critic(target2, batch.nextObservation, next.action),
        ),
        tf.mul(alpha, next.logProbability),
      );
      const y = tf.add(tf.mul(batch.reward, rewardScale), tf.mul(tf.mul(batch.continues, gamma), nextValue));

      // J_Q (eq. 5), of both critics.
      const criticLoss = (...weights: tf.Tensor[]) => {
        const [first, second] = cut(weights, criticShapes.length, criticShapes.length) as [tf.Tensor[], tf.Tensor[]];
        const error1 = tf.sub(critic(first, batch.observation, batch.action), y);
        const error2 = tf.sub(critic(second, batch.observation, batch.action), y);
        return tf.mul(tf.add(tf.mean(tf.square(error1)), tf.mean(tf.square(error2))), 0.5) as tf.Scalar;
      };
      const criticStep = tf.valueAndGrads(criticLoss)([...critic1, ...critic2]);

      // J_pi (eq. 9): alpha log pi(a | s) - min Q(s, a).
      let sampled: tf.Tensor | undefined;
      const policyLoss = (...weights: tf.Tensor[]) => {
        const { action, logProbability } = sample(weights, batch.observation, batch.noise);
        const value = tf.minimum(
          critic(critic1, batch.observation, action),
          critic(critic2, batch.observation, action),
        );
        sampled = tf.keep(logProbability);
        return tf.mean(tf.sub(tf.mul(alpha, logProbability), value)) as tf.Scalar;
      };
      const policyStep = tf.valueAndGrads(policyLoss)([...policy]);
      const entropy = tf.neg(tf.mean(sampled!));
      sampled!.dispose();

      // J(alpha) (eq. 18) as a function of log alpha, as the authors' code has it: its gradient is entropy - H-bar.
      const temperatureGradient = tf.sub(entropy, targetEntropy);

      const gradient = pack([...policyStep.grads, ...criticStep.grads, temperatureGradient]);
      const moved = adamStep(variables.parameters, gradient, variables, { learningRate });
      // Polyak averaging of the targets.
      const critics = tf.slice(moved, policyCount, 2 * criticCount);
      variables.targets.assign(tf.add(tf.mul(variables.targets, 1 - tau), tf.mul(critics, tau)));
      return { criticLoss: criticStep.value, policyLoss: policyStep.value, entropy, alpha };
    },
  };
  return { definition, sizes, policyCount };
}
