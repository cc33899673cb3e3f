// The session of one client: its authentication and its environments. Steps are answered synchronously; making an environment
// loads a model, so it is asynchronous. Errors are answers too.
import { createHash, timingSafeEqual } from 'node:crypto';
import { InputError } from '../../base/errors/input-error.js';
import { environmentIds, makeFromSpec } from '../gym/registry.js';
import type { Space } from '../gym/spaces/space.js';
import { makeVector } from '../gym/vector/make-vector.js';
import { type Frame, frameKind, jsonFrame, protocolVersion } from './frames.js';
import type { SessionLimits } from './limits.js';
import { type MessageOf, readMessage } from './messages.js';
import { type Remote, RemoteEnv, RemoteVector } from './remote.js';
import type { LoadHandlers } from './task-handlers.js';

/** Handles are 16 bits wide. */
const mostHandles = 2 ** 16 - 1;

export class Session {
  readonly #token: string | null;
  readonly #limits: SessionLimits;
  readonly #handlers: LoadHandlers;
  readonly #remotes = new Map<number, Remote>();
  #lastHandle = 0;
  #greeted = false;

  /** @param token that the client must send first; null if the client started the server itself */
  constructor(token: string | null, limits: SessionLimits, handlers: LoadHandlers) {
    this.#token = token;
    this.#limits = limits;
    this.#handlers = handlers;
  }

  /** Whether the client has said hello, with the token. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** The answer to a frame; valid until the next one. */
  answer(frame: Frame): Uint8Array | Promise<Uint8Array> {
    try {
      if (frame.kind === frameKind.step && this.#greeted) return this.#remote(frame.handle).step(frame.payload);
      return this.#control(frame).catch((error) => errorFrame(frame.handle, error));
    } catch (error) {
      return errorFrame(frame.handle, error);
    }
  }

  /** Closes every environment. */
  close(): void {
    for (const remote of this.#remotes.values()) {
      try {
        remote.close();
      } catch (error) {
        // The client is gone; other clients go on.
        process.stderr.write(`serve: an environment did not close: ${textOf(error)}\n`);
      }
    }
    this.#remotes.clear();
  }

  async #control(frame: Frame): Promise<Uint8Array> {
    if (frame.kind !== frameKind.control)
      throw new InputError(`serve: a frame of kind ${frame.kind} was not expected.`, 'Say hello first.');
    const message = readMessage(frame);
    const { handle } = frame;
    const reply = (content: object) => jsonFrame(frameKind.control, handle, content);
    if (message.do === 'hello') return reply(this.#greet(message));
    if (!this.#greeted)
      throw new InputError('serve: the client has not said hello.', 'Send the hello, with the token.');
    switch (message.do) {
      case 'make':
        return reply(await this.#make(message));
      case 'reset':
        return this.#remote(handle).reset(message);
      case 'info':
        return reply({ info: this.#remote(handle).info() });
      case 'render':
        return reply(await this.#render(this.#remote(handle), message.mode));
      case 'snapshot':
        return reply({ state: this.#single(handle).snapshot() });
      case 'restore':
        return this.#single(handle).restore(message.state);
      case 'fork': {
        const origin = this.#single(handle);
        const fork = this.#freeHandle(1);
        this.#remotes.set(fork, origin.fork(fork));
        return reply({ handle: fork });
      }
      case 'baselines':
      case 'plan':
      case 'reference':
      case 'bound':
      case 'metrics':
      case 'row':
        return reply(await this.#ofTask(this.#single(handle), message));
      case 'close':
        this.#remote(handle).close();
        this.#remotes.delete(handle);
        return reply({});
      default:
        return message satisfies never;
    }
  }

  #greet({ protocol, token }: MessageOf<'hello'>): object {
    if (this.#token !== null && !sameText(this.#token, token ?? ''))
      throw new InputError('serve: the token is wrong.', 'Set SPAROA_GYM_TOKEN to the one that `serve` printed.');
    if (protocol !== protocolVersion) {
      throw new InputError(
        `serve: the client speaks protocol ${protocol}, the server ${protocolVersion}.`,
        'Install client and server of one version.',
      );
    }
    this.#greeted = true;
    return { protocol: protocolVersion, maxFrameBytes: this.#limits.maxFrameBytes, environments: environmentIds() };
  }

  async #make({ id, options, count, autoreset }: MessageOf<'make'>): Promise<object> {
    const handle = this.#freeHandle(count ?? 1);
    const spec = { id, options: options ?? {}, wrappers: [] };
    if (count === undefined) {
      const env = await makeFromSpec(spec);
      this.#remotes.set(handle, new RemoteEnv({ id, options: spec.options, env }, handle));
      return { handle, ...described(env.observationSpace, env.actionSpace, env.renderModes) };
    }
    if (autoreset === undefined)
      throw new InputError('serve: a vector was made without `autoreset`.', 'Give next-step, same-step or disabled.');
    const vector = await makeVector<unknown>(spec, { count, autoreset });
    this.#remotes.set(handle, new RemoteVector(vector, handle));
    const [first] = vector.envs;
    return { handle, ...described(vector.singleObservationSpace, vector.singleActionSpace, first!.renderModes) };
  }

  /** What is known above environments. */
  async #ofTask(remote: RemoteEnv, message: TaskMessage): Promise<object> {
    const { open } = remote;
    const handlers = await this.#handlers();
    switch (message.do) {
      case 'baselines':
        return { baselines: handlers.baselines(open) };
      case 'plan':
        return handlers.plan(open, message.name, seedOf(message, remote), message.randomSeed ?? 0);
      case 'reference':
        return { reference: await handlers.reference(open, seedOf(message, remote)) };
      case 'bound':
        return { bound: await handlers.bound(open, seedOf(message, remote)) };
      case 'metrics':
        return { metrics: handlers.metrics(open, remote.ended()) };
      case 'row':
        return handlers.row(open, remote.ended(), message.scheduler, message.seed ?? null);
      default:
        return message satisfies never;
    }
  }

  /** Texts, or for `rgb_array` pictures of what `svg` draws. */
  async #render(remote: Remote, mode: string): Promise<object> {
    if (mode !== 'rgb_array') return { texts: remote.render(mode) };
    const { picture } = await import('./picture.js');
    return { pictures: remote.render('svg').map(picture) };
  }

  #freeHandle(count: number): number {
    const open = [...this.#remotes.values()].reduce((sum, remote) => sum + remote.count, 0);
    const { maxEnvironments } = this.#limits;
    if (open + count > maxEnvironments || this.#remotes.size >= mostHandles)
      throw new InputError(
        `serve: ${open} environments are open; with ${count} more there are over ${maxEnvironments}.`,
        'Close those that are done, or start `serve` with --max-environments (SPAROA_GYM_MAX_ENVIRONMENTS).',
      );
    do this.#lastHandle = (this.#lastHandle % mostHandles) + 1;
    while (this.#remotes.has(this.#lastHandle));
    return this.#lastHandle;
  }

  #remote(handle: number): Remote {
    const remote = this.#remotes.get(handle);
    if (remote) return remote;
    throw new InputError(`serve: there is no environment ${handle}.`, 'It is closed; make another.');
  }

  #single(handle: number): RemoteEnv {
    const remote = this.#remote(handle);
    if (remote instanceof RemoteEnv) return remote;
    throw new InputError(
      'serve: a vector cannot be saved, put back, forked, planned or recorded.',
      'Use single environments.',
    );
  }
}

type TaskMessage = MessageOf<'baselines' | 'plan' | 'reference' | 'bound' | 'metrics' | 'row'>;

/** The seed of the episode that a message is about. @throws InputError when neither it nor the latest reset has one */
function seedOf({ do: verb, seed }: { do: string; seed?: number | null | undefined }, remote: RemoteEnv): number {
  const known = seed ?? remote.seed;
  if (known !== null) return known;
  throw new InputError(
    `serve: ${verb} of which episode? The latest reset had no seed.`,
    `Give ${verb} a seed, or reset() one.`,
  );
}

/** An environment that renders SVG can be rendered as pixels. */
function described(observationSpace: Space<unknown>, actionSpace: Space<unknown>, renderModes: readonly string[] = []) {
  const modes = renderModes.includes('svg') ? [...renderModes, 'rgb_array'] : renderModes;
  return { observationSpace, actionSpace, renderModes: modes };
}

export function errorFrame(handle: number, error: unknown): Uint8Array {
  const input = error instanceof InputError;
  return jsonFrame(frameKind.error, handle, { input, message: input ? error.message : textOf(error) });
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Compares hashes, which have one length, so that the time does not depend on where the texts differ. */
function sameText(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
