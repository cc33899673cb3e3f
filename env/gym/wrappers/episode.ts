// Wrappers that watch an episode's course: its length, its order, its statistics. Semantics of Gymnasium 1.4,
// gymnasium/wrappers/common.py.
import { z } from 'zod';
import { InputError } from '../../../base/errors/input-error.js';
import type { Env, EnvState, ResetOptions, ResetResult, StepResult } from '../env.js';
import { parseOptions } from '../options.js';
import { Wrapper } from './wrapper.js';

const timeLimitOptions = z.strictObject({ maxSteps: z.int().positive() });

/**
 * Truncates an episode at its `maxSteps`-th step. As in Gymnasium a last step can be both terminated and truncated; values
 * are bootstrapped unless it is terminated.
 */
export class TimeLimit<Observation, Action> extends Wrapper<Observation, Action> {
  readonly #maxSteps: number;
  #steps = 0;

  constructor(env: Env<Observation, Action>, options: z.input<typeof timeLimitOptions>) {
    super(env, options);
    this.#maxSteps = parseOptions('TimeLimit', timeLimitOptions, options).maxSteps;
  }

  override reset(options?: ResetOptions): ResetResult<Observation> {
    this.#steps = 0;
    return super.reset(options);
  }

  /** @throws InputError after the end: the environment itself may not know that it was truncated */
  override step(action: Action): StepResult<Observation> {
    if (this.#steps >= this.#maxSteps) {
      throw new InputError(
        `TimeLimit: step() was called after the episode was truncated at ${this.#maxSteps} steps.`,
        'Call reset() first.',
      );
    }
    const result = super.step(action);
    this.#steps += 1;
    return this.#steps >= this.#maxSteps ? { ...result, truncated: true } : result;
  }

  protected override save(): EnvState {
    return { steps: this.#steps };
  }

  protected override load({ steps }: EnvState): void {
    this.#steps = steps as number;
  }
}

/** Refuses `step` and `render` before the first `reset`. */
export class OrderEnforcing<Observation, Action> extends Wrapper<Observation, Action> {
  #begun = false;

  constructor(env: Env<Observation, Action>, options: Readonly<Record<string, never>> = {}) {
    super(env, parseOptions('OrderEnforcing', z.strictObject({}), options));
  }

  override reset(options?: ResetOptions): ResetResult<Observation> {
    this.#begun = true;
    return super.reset(options);
  }

  override step(action: Action): StepResult<Observation> {
    this.#require('step');
    return super.step(action);
  }

  override render(mode: string): string {
    this.#require('render');
    return super.render(mode);
  }

  #require(method: string): void {
    if (this.#begun) return;
    throw new InputError(`OrderEnforcing: ${method}() was called before reset().`, 'Call reset() first.');
  }

  protected override save(): EnvState {
    return { begun: this.#begun };
  }

  protected override load({ begun }: EnvState): void {
    this.#begun = begun as boolean;
  }
}

/** Of one episode, undiscounted. */
export interface EpisodeStatistics {
  readonly return: number;
  readonly length: number;
  readonly wallMs: number;
}

const statisticsOptions = z.strictObject({ episodes: z.int().positive().max(1e6).default(100) });

/**
 * Puts `episode: { return, length, wallMs }` into the last info of each episode (Gymnasium's r, l and t in seconds), and
 * keeps those of the last `episodes` (100) in `recent`, oldest first.
 */
export class RecordEpisodeStatistics<Observation, Action> extends Wrapper<Observation, Action> {
  readonly #capacity: number;
  #recent: EpisodeStatistics[] = [];
  #return = 0;
  #length = 0;
  #startMs = 0;

  constructor(env: Env<Observation, Action>, options: z.input<typeof statisticsOptions> = {}) {
    super(env, options);
    this.#capacity = parseOptions('RecordEpisodeStatistics', statisticsOptions, options).episodes;
  }

  get recent(): readonly EpisodeStatistics[] {
    return this.#recent;
  }

  override reset(options?: ResetOptions): ResetResult<Observation> {
    this.#return = 0;
    this.#length = 0;
    this.#startMs = performance.now();
    return super.reset(options);
  }

  override step(action: Action): StepResult<Observation> {
    const result = super.step(action);
    this.#return += result.reward;
    this.#length += 1;
    if (!result.terminated && !result.truncated) return result;
    const episode = { return: this.#return, length: this.#length, wallMs: performance.now() - this.#startMs };
    this.#recent.push(episode);
    if (this.#recent.length > this.#capacity) this.#recent.shift();
    return { ...result, info: { ...result.info, episode: { ...episode } } };
  }

  protected override save(): EnvState {
    const wallMs = performance.now() - this.#startMs;
    return { return: this.#return, length: this.#length, wallMs, recent: this.#recent.map((one) => ({ ...one })) };
  }

  protected override load(state: EnvState): void {
    this.#return = state.return as number;
    this.#length = state.length as number;
    this.#startMs = performance.now() - (state.wallMs as number);
    this.#recent = state.recent as EpisodeStatistics[];
  }
}
