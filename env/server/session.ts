// One client's conversation: who it is, and the environments it made. Steps are answered at once; making an environment
// loads a model, which takes a while. Errors are answers too.
import { createHash, timingSafeEqual } from 'node:crypto';
import { InputError } from '../../base/errors/input-error.js';
import { environmentIds, makeFromSpec } from '../gym/registry.js';
import type { Space } from '../gym/spaces/space.js';
import { makeVector } from '../gym/vector/make-vector.js';
import type { AutoresetMode } from '../gym/vector/vector-env.js';
import { type Frame, frameKind, jsonFrame, protocolVersion, readJson } from './frames.js';
import { type Remote, RemoteEnv, RemoteVector } from './remote.js';

type Message = Readonly<Record<string, unknown>>;

/** Handles are 16 bits wide. */
const mostHandles = 2 ** 16 - 1;

export class Session {
  readonly #token: string | null;
  readonly #remotes = new Map<number, Remote>();
  #lastHandle = 0;
  #greeted = false;

  /** @param token what the client must say first; null where the client started the server itself */
  constructor(token: string | null) {
    this.#token = token;
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
    for (const remote of this.#remotes.values()) remote.close();
    this.#remotes.clear();
  }

  async #control(frame: Frame): Promise<Uint8Array> {
    if (frame.kind !== frameKind.control)
      throw new InputError(`serve: a frame of kind ${frame.kind} was not expected.`, 'Say hello first.');
    const message = readJson(frame);
    if (message.do === 'hello') return jsonFrame(frameKind.control, 0, this.#greet(message));
    if (!this.#greeted)
      throw new InputError('serve: the client has not said hello.', 'Send the hello, with the token.');
    switch (message.do) {
      case 'make':
        return jsonFrame(frameKind.control, 0, await this.#make(message));
      case 'reset':
        return this.#remote(frame.handle).reset(message);
      case 'info':
        return jsonFrame(frameKind.control, frame.handle, { info: this.#remote(frame.handle).info() });
      case 'render':
        return jsonFrame(frameKind.control, frame.handle, {
          text: this.#remote(frame.handle).render(String(message.mode)),
        });
      case 'close':
        this.#remote(frame.handle).close();
        this.#remotes.delete(frame.handle);
        return jsonFrame(frameKind.control, frame.handle, {});
      default:
        throw new InputError(
          `serve: "${message.do}" is no control message.`,
          'Known: hello, make, reset, info, render, close.',
        );
    }
  }

  #greet({ protocol, token }: Message): Message {
    if (this.#token !== null && !sameText(this.#token, String(token)))
      throw new InputError('serve: the token is wrong.', 'Set SPAROA_GYM_TOKEN to the one that `serve` printed.');
    if (protocol !== protocolVersion) {
      throw new InputError(
        `serve: the client speaks protocol ${protocol}, the server ${protocolVersion}.`,
        'Install client and server of one version.',
      );
    }
    this.#greeted = true;
    return { protocol: protocolVersion, environments: environmentIds() };
  }

  /** With a `count` a vector, in the `autoreset` mode; without it one environment. */
  async #make({ id, options, count, autoreset }: Message): Promise<Message> {
    const handle = this.#freeHandle();
    const spec = { id: String(id), options: (options ?? {}) as Message, wrappers: [] };
    if (count === undefined) {
      const env = await makeFromSpec(spec);
      this.#remotes.set(handle, new RemoteEnv(env, handle));
      return { handle, ...told(env.observationSpace, env.actionSpace, env.renderModes) };
    }
    const vector = await makeVector<unknown>(spec, {
      count: count as number,
      autoreset: autoreset as AutoresetMode,
    });
    this.#remotes.set(handle, new RemoteVector(vector, handle));
    return { handle, ...told(vector.singleObservationSpace, vector.singleActionSpace, vector.envs[0]!.renderModes) };
  }

  #freeHandle(): number {
    if (this.#remotes.size >= mostHandles)
      throw new InputError(`serve: ${mostHandles} environments are open.`, 'Close those that are done.');
    do this.#lastHandle = (this.#lastHandle % mostHandles) + 1;
    while (this.#remotes.has(this.#lastHandle));
    return this.#lastHandle;
  }

  #remote(handle: number): Remote {
    const remote = this.#remotes.get(handle);
    if (remote) return remote;
    throw new InputError(`serve: there is no environment ${handle}.`, 'It is closed; make another.');
  }
}

function told(observationSpace: Space<unknown>, actionSpace: Space<unknown>, renderModes: readonly string[] = []) {
  return { observationSpace, actionSpace, renderModes };
}

export function errorFrame(handle: number, error: unknown): Uint8Array {
  const input = error instanceof InputError;
  const message = input ? error.message : ((error as Error).stack ?? String(error));
  return jsonFrame(frameKind.error, handle, { input, message });
}

/** In a time that does not depend on where two texts differ: hashes have one length. */
function sameText(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
