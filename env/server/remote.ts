// An environment, or a vector of them, behind the wire: actions come as bytes, results leave as frames.
import { InputError } from '../../base/errors/input-error.js';
import type { Env, EnvState, Info, StepOutcome } from '../gym/env.js';
import { Box } from '../gym/spaces/box.js';
import { Discrete } from '../gym/spaces/discrete.js';
import type { VectorEnv, VectorOutcome } from '../gym/vector/vector-env.js';
import { type Codec, codecOf } from './codec.js';
import { EpisodeLog } from './episode-log.js';
import type { ResetRequest } from './messages.js';
import { flag, ResultFrame } from './result-frame.js';
import type { EndedEpisode, OpenEnv } from './task-handlers.js';

export interface Remote {
  /** How many environments it is. */
  readonly count: number;
  /** @param actions begins at a multiple of 8 bytes */
  step(actions: Uint8Array<ArrayBuffer>): Uint8Array;
  reset(request: ResetRequest): Uint8Array;
  /** The full info of the latest step. */
  info(): unknown;
  /** One text for each environment. */
  render(mode: string): string[];
  close(): void;
}

export class RemoteEnv implements Remote {
  readonly count = 1;
  readonly #env: Env<unknown, unknown>;
  readonly #action: Codec;
  readonly #result: ResultFrame;
  /** The buffer of `stepInto`; null if the environment has none. */
  readonly #row: Float32Array | null;
  readonly #log = new EpisodeLog();
  #begun = false;
  /** Null until it is asked for. */
  #info: Info | null = null;
  readonly #latestInfo = (): Info => (this.#info ??= this.#env.info!());

  constructor(
    readonly open: OpenEnv,
    handle: number,
  ) {
    const { env } = open;
    this.#env = env;
    this.#action = codecOf(env.actionSpace);
    this.#result = new ResultFrame(handle, 1, codecOf(env.observationSpace), this.#action);
    this.#row = env.stepInto && env.info && env.observationSpace instanceof Box ? this.#result.boxObservations() : null;
  }

  step(actions: Uint8Array<ArrayBuffer>): Uint8Array {
    checkLength(actions, this.#action.bytes);
    const { actionSpace } = this.#env;
    let action = this.#action.read(actions.buffer, actions.byteOffset);
    if (actionSpace instanceof Discrete) {
      action = actionSpace.start + this.#result.allowed(0, (action as number) - actionSpace.start);
      this.#action.write(action, actions.buffer, actions.byteOffset);
    }
    this.#info = null;
    let outcome: StepOutcome;
    if (this.#row) outcome = this.#env.stepInto!(action, this.#row);
    else {
      const result = this.#env.step(action);
      this.#result.observation(0, result.observation);
      this.#info = result.info;
      outcome = result;
    }
    const flags = flagsOf(Number(outcome.terminated), Number(outcome.truncated), 0);
    this.#log.add(actions, outcome.reward, flags !== 0);
    this.#result.outcome(0, outcome.reward, flags);
    this.#result.mask(0, this.#env, this.#latestInfo);
    if (flags !== 0) this.#result.info(0, this.#latestInfo());
    return this.#result.take();
  }

  reset({ seed, options, only }: ResetRequest): Uint8Array {
    if (Array.isArray(seed) || only)
      throw new InputError('serve: one environment was reset with lists.', 'Give one seed; `only` is for vectors.');
    const { observation, info } = this.#env.reset({
      ...(seed === undefined || seed === null ? {} : { seed }),
      ...(options ? { options } : {}),
    });
    this.#begun = true;
    this.#log.begin(seed ?? null);
    this.#info = info;
    this.#result.observation(0, observation);
    this.#result.outcome(0, 0, flag.reset);
    this.#result.mask(0, this.#env, this.#latestInfo);
    this.#result.info(0, info);
    return this.#result.take();
  }

  info(): Info {
    if (this.#begun) return this.#latestInfo();
    throw notBegun('info');
  }

  render(mode: string): string[] {
    return [rendered(this.#env, mode)];
  }

  /** Of the latest reset; null where it had none. */
  get seed(): number | null {
    return this.#log.seed;
  }

  /** @throws InputError when no episode has ended, or it was put back on its way */
  ended(): EndedEpisode {
    const log = this.#log;
    if (!log.over)
      throw new InputError('serve: no episode has ended in this environment.', 'Play one from reset() to its end.');
    if (!log.whole)
      throw new InputError(
        'serve: not all actions of this episode are known: it was put back, or is too long.',
        'Play one from reset() to its end.',
      );
    return { seed: log.seed, actions: log.actions(this.#action), return: log.return, info: this.#latestInfo() };
  }

  /** @throws InputError when the environment cannot be saved, or has not begun */
  snapshot(): EnvState {
    if (!this.#begun) throw notBegun('snapshot');
    return restorable(this.#env).snapshot!();
  }

  /**
   * @returns a result whose mask is the state's; observation and reward are those of the latest step here
   * @throws InputError when the environment cannot be put back, or the state is no snapshot of one made alike
   */
  restore(state: EnvState): Uint8Array {
    const env = restorable(this.#env);
    this.#log.forget();
    try {
      env.restore!(state);
      this.#info = null;
      this.#result.outcome(0, 0, 0);
      this.#result.mask(0, env, this.#latestInfo);
    } catch (error) {
      if (error instanceof InputError) throw error;
      this.#begun = false;
      throw new InputError('serve: the state is no snapshot of such an environment.', 'Give what snapshot() returned.');
    }
    this.#begun = true;
    return this.#result.take();
  }

  /** @throws InputError when the environment cannot be forked */
  fork(handle: number): RemoteEnv {
    const copy = new RemoteEnv({ ...this.open, env: restorable(this.#env).fork!() }, handle);
    copy.#result.adopt(this.#result);
    copy.#log.adopt(this.#log);
    copy.#begun = this.#begun;
    copy.#info = this.#info;
    return copy;
  }

  close(): void {
    this.#env.close();
  }
}

export class RemoteVector implements Remote {
  readonly count: number;
  readonly #vector: VectorEnv<unknown>;
  readonly #action: Codec;
  readonly #result: ResultFrame;
  readonly #rows: Float32Array;

  constructor(vector: VectorEnv<unknown>, handle: number) {
    this.#vector = vector;
    this.count = vector.count;
    this.#action = codecOf(vector.singleActionSpace);
    this.#result = new ResultFrame(handle, vector.count, codecOf(vector.singleObservationSpace), this.#action);
    this.#rows = this.#result.boxObservations();
  }

  step(actions: Uint8Array<ArrayBuffer>): Uint8Array {
    const { count, envs, singleActionSpace, autoreset } = this.#vector;
    checkLength(actions, count * this.#action.bytes);
    const outcome = this.#vector.stepInto(this.#actions(actions, singleActionSpace), { finalInfos: true });
    const { infos, finalInfos } = this.#vector;
    this.#rows.set(outcome.observations);
    for (let row = 0; row < count; row++) {
      const reset = outcome.resets[row]!;
      const flags = flagsOf(outcome.terminated[row]!, outcome.truncated[row]!, reset);
      this.#result.outcome(row, outcome.rewards[row]!, flags);
      this.#result.mask(row, envs[row]!, () => this.#infoOf(row));
      const last = finalInfos[row];
      if (last || reset) this.#result.info(row, infos[row]!);
      if (last && autoreset === 'same-step') this.#result.final(row, this.#finalObservation(outcome, row), last);
    }
    return this.#result.take();
  }

  reset({ seed, options, only }: ResetRequest): Uint8Array {
    if (options) throw new InputError('serve: a vector takes no options at reset.', 'Leave them out.');
    const mask = only ? Uint8Array.from(only) : undefined;
    const { observations, infos } = this.#vector.reset({
      ...(seed === undefined || seed === null ? {} : { seed }),
      ...(mask ? { only: mask } : {}),
    });
    this.#rows.set(observations);
    infos.forEach((info, row) => {
      this.#result.outcome(row, 0, flag.reset);
      this.#result.mask(row, this.#vector.envs[row]!, () => info);
      if (!mask || mask[row] === 1) this.#result.info(row, info);
    });
    return this.#result.take();
  }

  info(): readonly Info[] {
    return this.#vector.envs.map((_, row) => this.#infoOf(row));
  }

  render(mode: string): string[] {
    return this.#vector.envs.map((env) => rendered(env, mode));
  }

  close(): void {
    this.#vector.close();
  }

  /** One array with all rows of numbers, or a list of actions. */
  #actions(bytes: Uint8Array<ArrayBuffer>, space: unknown): ArrayLike<number> | ArrayLike<unknown> {
    const { buffer, byteOffset, length } = bytes;
    if (space instanceof Box) return new Float32Array(buffer, byteOffset, length / 4);
    if (space instanceof Discrete) {
      const choices = new Int32Array(buffer, byteOffset, length / 4);
      for (let row = 0; row < choices.length; row++)
        choices[row] = space.start + this.#result.allowed(row, choices[row]! - space.start);
      return choices;
    }
    return Array.from({ length: this.#vector.count }, (_, i) =>
      this.#action.read(buffer, byteOffset + i * this.#action.bytes),
    );
  }

  /** Where `stepInto` steps, the vector's own is an older one. */
  #infoOf(row: number): Info {
    const { envs, infos } = this.#vector;
    return (envs[row]!.stepInto && envs[row]!.info?.()) || infos[row]!;
  }

  #finalObservation({ finalObservations }: VectorOutcome, row: number): Float32Array {
    const size = this.#vector.singleObservationSpace.flatSize;
    return finalObservations.subarray(row * size, (row + 1) * size);
  }
}

function flagsOf(terminated: number, truncated: number, reset: number): number {
  return terminated * flag.terminated + truncated * flag.truncated + reset * flag.reset;
}

function notBegun(what: string): InputError {
  return new InputError(`serve: ${what} was asked for before reset.`, 'Call reset() first.');
}

function restorable(env: Env<unknown, unknown>): Env<unknown, unknown> {
  if (env.snapshot && env.restore && env.fork) return env;
  throw new InputError(
    'serve: this environment cannot be saved, put back or forked.',
    'Replay the actions from reset().',
  );
}

function rendered<Action>(env: Env<unknown, Action>, mode: string): string {
  if (env.render) return env.render(mode);
  throw new InputError(`serve: this environment has no render mode "${mode}": it renders nothing.`, 'Leave it out.');
}

function checkLength(actions: Uint8Array, bytes: number): void {
  if (actions.length === bytes) return;
  throw new InputError(
    `serve: an action of ${actions.length} bytes, not ${bytes}.`,
    'Encode it as the action space says (docs/python.md).',
  );
}
