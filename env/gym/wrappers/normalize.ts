// Observations and rewards scaled by what was seen so far. Semantics of Gymnasium 1.4: RunningMeanStd in
// gymnasium/wrappers/utils.py, stateful_observation.py, stateful_reward.py; in float64 where Gymnasium keeps the moments
// of observations in float32.
import { z } from 'zod';
import type { Env, EnvState, Guarantees, ResetOptions, ResetResult, StepResult } from '../env.js';
import { parseOptions } from '../options.js';
import { Box } from '../spaces/box.js';
import { Wrapper } from './wrapper.js';

/** Mean and population variance of vectors seen one by one; starts as 1e-4 observations of mean 0 and variance 1. */
class RunningMoments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  count = 1e-4;

  constructor(size: number) {
    this.mean = new Float64Array(size);
    this.variance = new Float64Array(size).fill(1);
  }

  /** Chan's parallel update (Algorithms for calculating variance) with a batch of one. */
  update(values: ArrayLike<number>): void {
    const total = this.count + 1;
    for (let i = 0; i < this.mean.length; i++) {
      const delta = values[i]! - this.mean[i]!;
      this.mean[i]! += delta / total;
      this.variance[i] = (this.variance[i]! * this.count + (delta * delta * this.count) / total) / total;
    }
    this.count = total;
  }

  save() {
    return { mean: [...this.mean], variance: [...this.variance], count: this.count };
  }

  load({ mean, variance, count }: ReturnType<RunningMoments['save']>): void {
    this.mean.set(mean);
    this.variance.set(variance);
    this.count = count;
  }
}

const observationOptions = z.strictObject({ epsilon: z.number().positive().default(1e-8) });

/**
 * Observations minus their running mean, divided by the root of their running variance plus `epsilon` (1e-8); unbounded.
 * The moments survive `reset`; with `updating = false` they stay as they are, for evaluation.
 */
export class NormalizeObservation<Action> extends Wrapper<Float32Array, Action> {
  updating = true;
  readonly #epsilon: number;
  readonly #moments: RunningMoments;

  /** @throws InputError when an option is bad */
  constructor(env: Env<Float32Array, Action>, options: z.input<typeof observationOptions> = {}) {
    const { shape, flatSize } = env.observationSpace;
    super(env, options, { observation: new Box(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, shape) });
    this.#epsilon = parseOptions('NormalizeObservation', observationOptions, options).epsilon;
    this.#moments = new RunningMoments(flatSize);
  }

  /** Not deterministic by seed: the moments survive a reset. */
  override get guarantees(): Guarantees {
    return { ...super.guarantees, deterministic: false };
  }

  override reset(options?: ResetOptions): ResetResult<Float32Array> {
    const { observation, info } = super.reset(options);
    return { observation: this.#normalized(observation), info };
  }

  override step(action: Action): StepResult<Float32Array> {
    const result = super.step(action);
    return { ...result, observation: this.#normalized(result.observation) };
  }

  #normalized(observation: Float32Array): Float32Array {
    if (this.updating) this.#moments.update(observation);
    const { mean, variance } = this.#moments;
    return observation.map((x, i) => (x - mean[i]!) / Math.sqrt(variance[i]! + this.#epsilon));
  }

  protected override save(): EnvState {
    return { moments: this.#moments.save(), updating: this.updating };
  }

  protected override load({ moments, updating }: EnvState): void {
    this.#moments.load(moments as never);
    this.updating = updating as boolean;
  }
}

const rewardOptions = z.strictObject({
  gamma: z.number().min(0).max(1).default(0.99),
  epsilon: z.number().positive().default(1e-8),
});

/**
 * Rewards divided by the root of the running variance of the discounted return plus `epsilon`; their mean stays
 * (openai/baselines#538). As in Gymnasium the discounted return forgets the past at a terminating step already, goes on
 * over truncations and resets, and its moments survive both. With `updating = false` the moments stay as they are.
 */
export class NormalizeReward<Observation, Action> extends Wrapper<Observation, Action> {
  updating = true;
  readonly #gamma: number;
  readonly #epsilon: number;
  readonly #moments = new RunningMoments(1);
  readonly #discounted = new Float64Array(1);

  /** @throws InputError when an option is bad */
  constructor(env: Env<Observation, Action>, options: z.input<typeof rewardOptions> = {}) {
    super(env, options);
    const { gamma, epsilon } = parseOptions('NormalizeReward', rewardOptions, options);
    this.#gamma = gamma;
    this.#epsilon = epsilon;
  }

  /** Signs stay; sums do not, and it is not deterministic by seed: the moments survive a reset. */
  override get guarantees(): Guarantees {
    const { returnOf: _, ...kept } = super.guarantees;
    return { ...kept, deterministic: false };
  }

  override step(action: Action): StepResult<Observation> {
    const result = super.step(action);
    this.#discounted[0] = this.#discounted[0]! * this.#gamma * Number(!result.terminated) + result.reward;
    if (this.updating) this.#moments.update(this.#discounted);
    return { ...result, reward: result.reward / Math.sqrt(this.#moments.variance[0]! + this.#epsilon) };
  }

  protected override save(): EnvState {
    return { moments: this.#moments.save(), discounted: this.#discounted[0], updating: this.updating };
  }

  protected override load({ moments, discounted, updating }: EnvState): void {
    this.#moments.load(moments as never);
    this.#discounted[0] = discounted as number;
    this.updating = updating as boolean;
  }
}
