// The agent of Proximal Policy Optimisation: acting, the rollout and when to update. The update itself is in step.ts. It learns
// from what it played, under the mask that it played it under, in any number of environments at once.
import type * as z from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { Rng, type RngState } from '../../base/random/rng.js';
import { MlpForward } from '../../nn/mlp.js';
import { type Backend, createRunner } from '../../nn/runner.js';
import type { StepRunner } from '../../nn/step.js';
import {
  type Actions,
  type ActOptions,
  type Agent,
  type Checkpoint,
  type Metrics,
  meanMetrics,
  type Rows,
  type Transition,
} from '../agent.js';
import { checkBounds, checkConfig, checkSaved, prefixed, unprefixed } from '../saved-agent.js';
import { advantagesInto } from './advantages.js';
import { type PpoConfig, ppoConfigSchema } from './config.js';
import { categoricalHead, gaussianHead, type PolicyHead } from './policy.js';
import { type Decision, fillBatch, Rollout } from './rollout.js';
import { type PpoInput, ppoStep } from './step.js';

export interface PpoOptions {
  /** Numbers in an observation. */
  readonly observationSize: number;
  /** Bounds of a Box, finite; or how many choices a Discrete space has, and its first number. */
  readonly action:
    | { readonly low: readonly number[]; readonly high: readonly number[] }
    | { readonly n: number; readonly start?: number };
  readonly config?: z.input<typeof ppoConfigSchema>;
  readonly seed: number;
  readonly backend?: Backend;
  /** Environments that it acts for at once; default 1. */
  readonly envs?: number;
  /** Environment steps of the whole training, over which the learning rate decays; null: unknown, no decay. */
  readonly steps?: number | null;
}

/**
 * Makes an agent with networks drawn at random from `seed`. Agents of the same options behave the same, to the bit.
 * @throws InputError when bounds are not finite, or the config is not valid.
 */
export async function createPpo(options: PpoOptions): Promise<Ppo> {
  const { observationSize, action, seed, backend = 'compiled' } = options;
  const config = checkConfig('ppo', ppoConfigSchema, options.config);
  const head = 'n' in action ? categoricalHead(action.n, action.start ?? 0) : boundedHead(action);
  const step = ppoStep(observationSize, head.actions, config, Rng.of(seed, 'ppo', 'networks'));
  return new Ppo(options, config, head, await createRunner(step.definition, backend), step);
}

function boundedHead({ low, high }: { readonly low: readonly number[]; readonly high: readonly number[] }): PolicyHead {
  checkBounds('ppo', low, high);
  return gaussianHead(low, high);
}

/** What a checkpoint holds besides arrays. */
interface PpoMeta {
  readonly agent: 'ppo';
  readonly observationSize: number;
  readonly actions: number;
  readonly envs: number;
  readonly config: PpoConfig;
  readonly steps: number;
  readonly updates: number;
  readonly act: RngState;
  readonly shuffle: RngState;
}

export class Ppo implements Agent {
  readonly config: PpoConfig;
  readonly #observationSize: number;
  readonly #head: PolicyHead;
  readonly #envs: number;
  readonly #totalSteps: number | null;
  readonly #runner: StepRunner;
  readonly #inputs: Readonly<Record<PpoInput, Float32Array>>;
  readonly #policy: MlpForward;
  readonly #value: MlpForward;
  /** Where the value network and the standard deviations begin. */
  readonly #offsets: { readonly value: number; readonly logStd: number };
  readonly #rollout: Rollout;
  /** The latest decision of each environment. */
  readonly #decisions: readonly Decision[];
  readonly #played: Actions;
  /** Steps of the rollout after which an environment may go on; -1: none. */
  readonly #open: Int32Array;
  readonly #openObservation: Float32Array;
  readonly #everything: Uint8Array;
  readonly #scratch: Float32Array;
  #answer: Actions;
  #act: Rng;
  #shuffle: Rng;
  #steps = 0;
  #updates = 0;

  /** Use `createPpo`. */
  constructor(
    { observationSize, seed, envs = 1, steps = null }: PpoOptions,
    config: PpoConfig,
    head: PolicyHead,
    runner: StepRunner,
    { sizes, policyCount, valueCount }: ReturnType<typeof ppoStep>,
  ) {
    const { kind, size } = head.actions;
    this.config = config;
    this.#observationSize = observationSize;
    this.#head = head;
    this.#envs = envs;
    this.#totalSteps = steps;
    this.#runner = runner;
    this.#inputs = runner.inputs as Record<PpoInput, Float32Array>;
    this.#policy = new MlpForward(sizes.policy);
    this.#value = new MlpForward(sizes.value);
    this.#offsets = { value: policyCount, logStd: policyCount + valueCount };
    const allowed = kind === 'discrete' ? size : 0;
    this.#rollout = new Rollout({ observation: observationSize, action: size, allowed }, config.rolloutSteps);
    this.#decisions = Array.from({ length: envs }, () => ({
      observation: new Float32Array(observationSize),
      action: new Float32Array(size),
      allowed: new Uint8Array(allowed),
      logProbability: Number.NaN,
      value: 0,
    }));
    this.#played = head.rows(envs);
    this.#open = new Int32Array(envs).fill(-1);
    this.#openObservation = new Float32Array(envs * observationSize);
    this.#everything = new Uint8Array(allowed).fill(1);
    this.#scratch = new Float32Array(size);
    this.#answer = head.rows(envs);
    this.#act = Rng.of(seed, 'ppo', 'act');
    this.#shuffle = Rng.of(seed, 'ppo', 'shuffle');
  }

  /** Environment steps observed, and updates done. */
  get progress(): { readonly steps: number; readonly updates: number } {
    return { steps: this.#steps, updates: this.#updates };
  }

  act(observations: Rows, { deterministic, masks }: ActOptions): Actions {
    const size = this.#observationSize;
    const count = observations.length / size;
    const { playedSize, actions } = this.#head;
    if (!deterministic && count > this.#envs)
      throw new InputError(
        `ppo: ${count} observations, but the agent was made for ${this.#envs} environments.`,
        'Make it with as many `envs`.',
      );
    if (this.#answer.length !== count * playedSize) this.#answer = this.#head.rows(count);
    const parameters = this.#runner.readVariable('parameters');
    for (let row = 0; row < count; row++) {
      const observation = observations.subarray(row * size, (row + 1) * size);
      const mask = masks?.subarray(row * actions.size, (row + 1) * actions.size) ?? this.#everything;
      const outputs = this.#policy.run(parameters, observation);
      const output = { outputs, parameters, logStdFrom: this.#offsets.logStd };
      let action = this.#scratch;
      if (deterministic) this.#head.mode(output, mask, action);
      else {
        const decision = this.#decisions[row]!;
        ({ action } = decision);
        decision.observation.set(observation);
        decision.allowed.set(mask);
        decision.logProbability = this.#head.sample(output, mask, this.#act, action);
        decision.value = this.value(observation);
        this.#head.play(action, this.#played, row * playedSize);
      }
      this.#head.play(action, this.#answer, row * playedSize);
    }
    return this.#answer;
  }

  /** V(s), for scaled rewards. */
  value(observation: Float32Array): number {
    return this.#value.run(this.#runner.readVariable('parameters'), observation, this.#offsets.value)[0]!;
  }

  /** @throws InputError when the action is not the one that `act` gave last for this environment */
  observe({ env, observation, action, reward, nextObservation, terminated, truncated }: Transition): void {
    const decision = this.#decisions[env]!;
    const { playedSize } = this.#head;
    const from = env * playedSize;
    const own = action.length === playedSize && action.every((value, i) => value === this.#played[from + i]);
    if (Number.isNaN(decision.logProbability) || !own || !same(observation, decision.observation))
      throw new InputError(
        `ppo: environment ${env} was not played by what the agent gave last.`,
        'Step each environment by what `act` gives and observe each step once: PPO learns from its own actions.',
      );
    const at = this.#rollout.add(decision, {
      env,
      reward: reward * this.config.rewardScale,
      terminated,
      truncated: truncated && !terminated,
    });
    decision.logProbability = Number.NaN;
    if (truncated && !terminated) this.#rollout.rows.lastValue[at] = this.value(nextObservation);
    this.#open[env] = terminated || truncated ? -1 : at;
    this.#openObservation.set(nextObservation, env * this.#observationSize);
    this.#steps++;
  }

  async learn(): Promise<Metrics | null> {
    const { rolloutSteps, epochs, batchSize, learningRate, learningRateDecay } = this.config;
    const { length: count, rows } = this.#rollout;
    if (count < rolloutSteps) return null;
    for (const [env, at] of this.#open.entries()) {
      if (at < 0) continue;
      const from = env * this.#observationSize;
      rows.lastValue[at] = this.value(this.#openObservation.subarray(from, from + this.#observationSize));
    }
    const advantages = new Float32Array(count);
    advantagesInto(advantages, rows, count, this.#envs, this.config);
    const begun = this.#steps - count;
    const left = learningRateDecay && this.#totalSteps !== null ? Math.max(0, 1 - begun / this.#totalSteps) : 1;
    this.#inputs.learningRate[0] = learningRate * left;
    const order = Array.from({ length: count }, (_, i) => i);
    const metrics: Metrics[] = [];
    for (let epoch = 0; epoch < epochs; epoch++) {
      const shuffled = this.#shuffle.shuffle(order);
      // Steps that fill no batch are others in each epoch.
      for (let from = 0; from + batchSize <= count; from += batchSize) {
        fillBatch(this.#inputs, this.#rollout, shuffled, from, advantages, batchSize);
        await this.#runner.run();
        this.#updates++;
        if (epoch === epochs - 1) metrics.push(this.#metrics());
      }
    }
    this.#rollout.clear();
    this.#open.fill(-1);
    return meanMetrics(metrics);
  }

  #metrics(): Metrics {
    return Object.fromEntries(Object.entries(this.#runner.outputs).map(([name, value]) => [name, value[0]!]));
  }

  save(): Checkpoint {
    const meta: PpoMeta = {
      ...this.#identity(),
      config: this.config,
      steps: this.#steps,
      updates: this.#updates,
      act: this.#act.state(),
      shuffle: this.#shuffle.state(),
    };
    const arrays = { ...this.#rollout.save(), open: Float32Array.from(this.#open) };
    const open = { openObservation: this.#openObservation.slice() };
    return {
      meta,
      arrays: { ...prefixed('state/', this.#runner.save()), ...prefixed('rollout/', { ...arrays, ...open }) },
    };
  }

  load({ meta, arrays }: Checkpoint): void {
    const saved = meta as PpoMeta;
    checkSaved('ppo', { ...saved }, this.#identity(), this.config);
    this.#runner.load(unprefixed('state/', arrays));
    const { open, openObservation, ...rollout } = unprefixed('rollout/', arrays);
    this.#rollout.load(rollout);
    this.#open.set(open!);
    this.#openObservation.set(openObservation!);
    this.#act = Rng.restore(saved.act);
    this.#shuffle = Rng.restore(saved.shuffle);
    this.#steps = saved.steps;
    this.#updates = saved.updates;
    for (const decision of this.#decisions) decision.logProbability = Number.NaN;
  }

  async close(): Promise<void> {
    await this.#runner.close();
  }

  #identity() {
    const { size } = this.#head.actions;
    return { agent: 'ppo', observationSize: this.#observationSize, actions: size, envs: this.#envs } as const;
  }
}

const same = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);
