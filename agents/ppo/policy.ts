// The policy of PPO for one observation: what it plays, the probability of that, and how a batch of the update step holds it.
import type { Rng } from '../../base/random/rng.js';
import { forbiddenLogit, type PpoActions } from './step.js';

/** A policy's output for one observation, and where the logarithms of its standard deviations lie. */
export interface PolicyOutput {
  /** Logits, or means. */
  readonly outputs: Float64Array;
  readonly parameters: Float32Array;
  readonly logStdFrom: number;
}

/** Turns outputs of the network into actions. `action` is what the update step takes: one-hot, or u before the tanh. */
export interface PolicyHead {
  readonly actions: PpoActions;
  /** Draws an action, writes it, and gives log pi(a | s). */
  sample(output: PolicyOutput, allowed: Uint8Array, rng: Rng, action: Float32Array): number;
  /** Writes the policy's mode. */
  mode(output: PolicyOutput, allowed: Uint8Array, action: Float32Array): void;
  /** The action as the environment takes it, written at `at`. */
  play(action: Float32Array, target: Float32Array | Int32Array, at: number): void;
  /** Numbers of an environment's action. */
  readonly playedSize: number;
  /** A row of actions for so many environments. */
  rows(count: number): Float32Array | Int32Array;
}

/** One of n: the logits of forbidden actions count as minus infinity. */
export function categoricalHead(n: number, start: number): PolicyHead {
  const logits = new Float64Array(n);
  const mask = ({ outputs }: PolicyOutput, allowed: Uint8Array) => {
    for (let i = 0; i < n; i++) logits[i] = outputs[i]! + (allowed[i] === 1 ? 0 : -forbiddenLogit);
  };
  const best = () => {
    let at = 0;
    for (let i = 1; i < n; i++) if (logits[i]! > logits[at]!) at = i;
    return at;
  };
  return {
    actions: { kind: 'discrete', size: n },
    playedSize: 1,
    rows: (count) => new Int32Array(count),
    sample(output, allowed, rng, action) {
      mask(output, allowed);
      const greatest = logits[best()]!;
      let sum = 0;
      for (let i = 0; i < n; i++) sum += Math.exp(logits[i]! - greatest);
      let left = rng.uniform() * sum;
      let chosen = best();
      for (let i = 0; i < n; i++) {
        const weight = Math.exp(logits[i]! - greatest);
        if (weight === 0) continue;
        chosen = i;
        left -= weight;
        if (left < 0) break;
      }
      action.fill(0);
      action[chosen] = 1;
      return logits[chosen]! - greatest - Math.log(sum);
    },
    mode(output, allowed, action) {
      mask(output, allowed);
      action.fill(0);
      action[best()] = 1;
    },
    play: (action, target, at) => {
      target[at] = start + action.indexOf(1);
    },
  };
}

/** Numbers within bounds: middle + half tanh(u), with u from a Gaussian. Every action that is played is what was drawn. */
export function gaussianHead(low: readonly number[], high: readonly number[]): PolicyHead {
  const size = low.length;
  const middle = low.map((value, i) => (value + high[i]!) / 2);
  const half = low.map((value, i) => (high[i]! - value) / 2);
  return {
    actions: { kind: 'box', size },
    playedSize: size,
    rows: (count) => new Float32Array(count * size),
    sample({ outputs, parameters, logStdFrom }, _, rng, action) {
      let logProbability = 0;
      for (let i = 0; i < size; i++) {
        const logStd = parameters[logStdFrom + i]!;
        action[i] = outputs[i]! + Math.exp(logStd) * rng.normal();
        // Of the number as it is stored, which is rounded.
        const z = (action[i]! - outputs[i]!) / Math.exp(logStd);
        logProbability -= 0.5 * z * z + logStd + 0.5 * Math.log(2 * Math.PI);
      }
      return logProbability;
    },
    mode({ outputs }, _, action) {
      for (let i = 0; i < size; i++) action[i] = outputs[i]!;
    },
    play: (action, target, at) => {
      for (let i = 0; i < size; i++) target[at + i] = middle[i]! + half[i]! * Math.tanh(action[i]!);
    },
  };
}
