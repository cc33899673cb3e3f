// The Soft Actor-Critic agent: acting, the replay buffer and when to update. The update itself is in step.ts.
import type * as z from 'zod';
import { Rng, type RngState } from '../../base/random/rng.js';
import { MlpForward, parameterCount } from '../../nn/mlp.js';
import { type Backend, createRunner } from '../../nn/runner.js';
import type { StepRunner } from '../../nn/step.js';
import type { ActOptions, Agent, Checkpoint, Metrics, Rows, Transition } from '../agent.js';
import { type BatchTarget, ReplayBuffer } from '../replay-buffer.js';
import { checkBounds, checkConfig, checkSaved, prefixed, unprefixed } from '../saved-agent.js';
import { type SacConfig, sacConfigSchema } from './config.js';
import { type SacInput, type SacSizes, sacStep } from './step.js';

export interface SacOptions {
  /** Numbers in an observation. */
  readonly observationSize: number;
  /** Bounds of each action dimension, finite: those of the environment's Box. */
  readonly action: { readonly low: readonly number[]; readonly high: readonly number[] };
  readonly config?: z.input<typeof sacConfigSchema>;
  readonly seed: number;
  readonly backend?: Backend;
}

/**
 * Makes an agent with networks drawn at random from `seed`. Agents of the same options behave the same, to the bit.
 * @throws InputError when bounds are not finite, or the config is not valid.
 */
export async function createSac(options: SacOptions): Promise<Sac> {
  const { observationSize, action, seed, backend = 'compiled' } = options;
  const config = checkConfig('sac', sacConfigSchema, options.config);
  checkBounds('sac', action.low, action.high);
  const step = sacStep(observationSize, action.low.length, config, Rng.of(seed, 'sac', 'networks'));
  const runner = await createRunner(step.definition, backend);
  return new Sac(options, config, runner, step.sizes);
}

/** Streams by what they are drawn for. */
type StreamName = 'act' | 'replay' | 'noise';

/** What a checkpoint holds besides arrays. */
interface SacMeta {
  readonly agent: 'sac';
  readonly observationSize: number;
  readonly actionSize: number;
  readonly config: SacConfig;
  readonly steps: number;
  readonly updates: number;
  readonly roundsDone: number;
  readonly replayNext: number;
  readonly streams: Readonly<Record<StreamName, RngState>>;
}

export class Sac implements Agent {
  readonly config: SacConfig;
  readonly #observationSize: number;
  readonly #actionSize: number;
  /** The environment's action is middle + half * a, with the agent's a in (-1, 1). */
  readonly #middle: Float64Array;
  readonly #half: Float64Array;
  readonly #runner: StepRunner;
  readonly #inputs: BatchTarget & Readonly<Record<SacInput, Float32Array>>;
  readonly #policy: MlpForward;
  readonly #critic: MlpForward;
  readonly #criticInput: Float32Array;
  /** Parameters of the policy, and of each critic. */
  readonly #offsets: { readonly policy: number; readonly critic: number };
  readonly #replay: ReplayBuffer;
  #action: Float32Array;
  readonly #scaled: Float32Array;
  #streams: Record<StreamName, Rng>;
  #steps = 0;
  #updates = 0;
  #roundsDone = 0;

  /** Use `createSac`. */
  constructor(options: SacOptions, config: SacConfig, runner: StepRunner, sizes: SacSizes) {
    const { observationSize, action, seed } = options;
    this.config = config;
    this.#observationSize = observationSize;
    this.#actionSize = action.low.length;
    this.#middle = Float64Array.from(action.low, (low, i) => (action.high[i]! + low) / 2);
    this.#half = Float64Array.from(action.low, (low, i) => (action.high[i]! - low) / 2);
    this.#runner = runner;
    this.#inputs = runner.inputs as Record<SacInput, Float32Array>;
    this.#policy = new MlpForward(sizes.policy);
    this.#critic = new MlpForward(sizes.critic);
    this.#criticInput = new Float32Array(sizes.critic[0]!);
    this.#offsets = { policy: parameterCount(sizes.policy), critic: parameterCount(sizes.critic) };
    this.#replay = new ReplayBuffer(config.bufferSize, observationSize, this.#actionSize);
    this.#action = new Float32Array(this.#actionSize);
    this.#scaled = new Float32Array(this.#actionSize);
    this.#streams = {
      act: Rng.of(seed, 'sac', 'act'),
      replay: Rng.of(seed, 'sac', 'replay'),
      noise: Rng.of(seed, 'sac', 'noise'),
    };
  }

  /** Environment steps observed, and updates done. */
  get progress(): { readonly steps: number; readonly updates: number } {
    return { steps: this.#steps, updates: this.#updates };
  }

  act(observations: Rows, { deterministic }: ActOptions): Float32Array {
    const rows = observations.length / this.#observationSize;
    if (this.#action.length !== rows * this.#actionSize) this.#action = new Float32Array(rows * this.#actionSize);
    if (rows === 1) this.#actInto(observations, deterministic, 0);
    else
      for (let row = 0; row < rows; row++) {
        const from = row * this.#observationSize;
        this.#actInto(observations.subarray(from, from + this.#observationSize), deterministic, row * this.#actionSize);
      }
    return this.#action;
  }

  #actInto(observation: Float32Array, deterministic: boolean, at: number): void {
    const { act } = this.#streams;
    const explore = !deterministic && this.#steps < this.config.learningStarts;
    const outputs = explore ? null : this.#policy.run(this.#runner.readVariable('parameters'), observation);
    for (let i = 0; i < this.#actionSize; i++) {
      let a: number;
      if (outputs === null) a = 2 * act.uniform() - 1;
      else if (deterministic) a = Math.tanh(outputs[i]!);
      else {
        const logStd = Math.min(Math.max(outputs[this.#actionSize + i]!, -20), 2);
        a = Math.tanh(outputs[i]! + Math.exp(logStd) * act.normal());
      }
      this.#action[at + i] = this.#middle[i]! + this.#half[i]! * a;
    }
  }

  /** The critics' value of an action (in the environment's range): the lesser of the two, for scaled rewards. */
  value(observation: Float32Array, action: Float32Array): number {
    const input = this.#criticInput;
    input.set(observation);
    for (let i = 0; i < this.#actionSize; i++) {
      input[this.#observationSize + i] = (action[i]! - this.#middle[i]!) / this.#half[i]!;
    }
    const parameters = this.#runner.readVariable('parameters');
    const { policy, critic } = this.#offsets;
    const first = this.#critic.run(parameters, input, policy)[0]!;
    return Math.min(first, this.#critic.run(parameters, input, policy + critic)[0]!);
  }

  observe({ observation, action, reward, nextObservation, terminated }: Transition): void {
    for (let i = 0; i < this.#actionSize; i++) {
      this.#scaled[i] = (action[i]! - this.#middle[i]!) / this.#half[i]!;
    }
    this.#replay.add(observation, this.#scaled, reward, nextObservation, terminated);
    this.#steps++;
  }

  async learn(): Promise<Metrics | null> {
    const { learningStarts, trainEvery, updates } = this.config;
    // Rounds fall on multiples of trainEvery once learning has started.
    const roundsDue = this.#steps < learningStarts ? 0 : Math.floor((this.#steps - learningStarts) / trainEvery);
    if (this.#roundsDone >= roundsDue) return null;
    for (; this.#roundsDone < roundsDue; this.#roundsDone++) {
      for (let i = 0; i < updates; i++) await this.#update();
    }
    const { criticLoss, policyLoss, entropy, alpha } = this.#runner.outputs;
    return { criticLoss: criticLoss![0]!, policyLoss: policyLoss![0]!, entropy: entropy![0]!, alpha: alpha![0]! };
  }

  save(): Checkpoint {
    const { act, replay, noise } = this.#streams;
    const { next, rows } = this.#replay.save();
    const meta: SacMeta = {
      agent: 'sac',
      observationSize: this.#observationSize,
      actionSize: this.#actionSize,
      config: this.config,
      steps: this.#steps,
      updates: this.#updates,
      roundsDone: this.#roundsDone,
      replayNext: next,
      streams: { act: act.state(), replay: replay.state(), noise: noise.state() },
    };
    return { meta, arrays: { ...prefixed('state/', this.#runner.save()), ...prefixed('replay/', { ...rows }) } };
  }

  load({ meta, arrays }: Checkpoint): void {
    const saved = meta as SacMeta;
    const identity = { agent: 'sac', observationSize: this.#observationSize, actionSize: this.#actionSize };
    checkSaved('sac', { ...saved }, identity, this.config);
    this.#runner.load(unprefixed('state/', arrays));
    this.#replay.load({ next: saved.replayNext, rows: unprefixed('replay/', arrays) as unknown as BatchTarget });
    this.#streams = {
      act: Rng.restore(saved.streams.act),
      replay: Rng.restore(saved.streams.replay),
      noise: Rng.restore(saved.streams.noise),
    };
    this.#steps = saved.steps;
    this.#updates = saved.updates;
    this.#roundsDone = saved.roundsDone;
  }

  async close(): Promise<void> {
    await this.#runner.close();
  }

  async #update(): Promise<void> {
    const { replay, noise } = this.#streams;
    this.#replay.sampleInto(this.#inputs, replay);
    for (let i = 0; i < this.#inputs.noise.length; i++) this.#inputs.noise[i] = noise.normal();
    for (let i = 0; i < this.#inputs.nextNoise.length; i++) this.#inputs.nextNoise[i] = noise.normal();
    await this.#runner.run();
    this.#updates++;
  }
}
