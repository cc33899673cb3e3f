// A VectorEnv whose environments run in worker threads, for executors that block. Each worker has a VectorEnv of its rows on
// shared memory. A step writes one word for each worker and waits for all of them.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { InputError } from '../../../base/errors/input-error.js';
import { packageRoot } from '../../../base/files/paths.js';
import type { Info } from '../env.js';
import type { EnvSpec } from '../registry.js';
import { Box } from '../spaces/box.js';
import { Discrete } from '../spaces/discrete.js';
import { spaceFromJson } from '../spaces/from-json.js';
import type { Space } from '../spaces/space.js';
import type { VectorOptions } from './make-vector.js';
import type { Failure, Made, Reply, Request, WorkerStart } from './protocol.js';
import { actionsOf, command, outcomeOf, type VectorMemory, vectorMemory, word } from './shared-memory.js';
import {
  type AutoresetMode,
  boxOf,
  checkCount,
  checkMode,
  checkOver,
  checkRows,
  copyOf,
  type VectorEnv,
  type VectorOutcome,
  type VectorResetOptions,
  type VectorStep,
} from './vector-env.js';

/** Workers run compiled code, also when this is loaded from the sources. */
const script = join(packageRoot, 'dist', 'env', 'gym', 'vector', 'worker.js');

export interface WorkerVectorOptions extends VectorOptions {
  /** Threads, among which the environments are divided evenly; default one for each. */
  readonly workers?: number;
  /** URLs of modules that register the environment and the wrappers that the spec names; each worker imports them. */
  readonly modules: readonly string[];
}

/** @throws the error of a worker that could not make its environments */
function firstWord(thread: Worker): Promise<Extract<Made, { spaces: unknown }>['spaces']> {
  return new Promise((resolve, reject) => {
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`vector: a worker ended with code ${code} before it began.`)));
    thread.once('message', (made: Made) => {
      if ('spaces' in made) resolve(made.spaces);
      else reject(errorOf(made, ''));
    });
  });
}

interface Thread {
  readonly thread: Worker;
  readonly port: MessagePort;
  readonly from: number;
  readonly rows: number;
}

export class WorkerVectorEnv<Action = Float32Array>
  implements Omit<VectorEnv<Action>, 'envs' | 'infos' | 'finalInfos'>
{
  readonly #threads: readonly Thread[];
  readonly #control: Int32Array;
  readonly #outcome: VectorOutcome;
  readonly #actions: Float64Array;
  /** Numbers of one action: those of a Box or a choice as they are, any other flattened. */
  readonly #flatten: ((action: Action) => Float32Array) | null;
  readonly #infos: Info[];
  #finalInfos: (Info | null)[];
  readonly #over: Uint8Array;
  readonly #sent: Int32Array;
  #closed = false;

  /**
   * `makeVector` with its environments in worker threads.
   * @throws InputError as `makeVector` does, or when there are not between one and `count` workers
   */
  static async make<Action = Float32Array>(
    spec: EnvSpec,
    { count, autoreset, workers = count, modules }: WorkerVectorOptions,
  ): Promise<WorkerVectorEnv<Action>> {
    checkMode(autoreset);
    if (!Number.isInteger(count) || count < 1)
      throw new InputError(`vector: there cannot be ${count} environments.`, 'Give a positive whole number.');
    if (!Number.isInteger(workers) || workers < 1 || workers > count)
      throw new InputError(`vector: ${workers} workers for ${count} environments.`, `Give between 1 and ${count}.`);
    if (!existsSync(script)) throw new InputError(`vector: ${script} is missing.`, 'Build the package: npm run build.');
    const threads = Array.from({ length: workers }, (_, worker) => {
      const from = Math.floor((worker * count) / workers);
      const rows = Math.floor(((worker + 1) * count) / workers) - from;
      const { port1, port2 } = new MessageChannel();
      const start: WorkerStart = { spec, autoreset, modules, worker, from, rows, port: port2 };
      // Not the caller's arguments: with --input-type, say, no file would start.
      const thread = new Worker(script, { workerData: start, transferList: [port2], execArgv: [] });
      return { thread, port: port1, from, rows };
    });
    try {
      const made = await Promise.all(threads.map(({ thread }) => firstWord(thread)));
      const [{ observation, action }] = made as [(typeof made)[number]];
      const observationSpace = boxOf(spaceFromJson(observation));
      return new WorkerVectorEnv(threads, count, autoreset, observationSpace, spaceFromJson(action) as Space<Action>);
    } catch (error) {
      for (const { thread } of threads) void thread.terminate();
      throw error;
    }
  }

  // Private, so that the package's types do not refer to Node's.
  private constructor(
    threads: readonly Thread[],
    readonly count: number,
    readonly autoreset: AutoresetMode,
    readonly singleObservationSpace: Box,
    readonly singleActionSpace: Space<Action>,
  ) {
    this.#threads = threads;
    const space: unknown = singleActionSpace;
    const plain = space instanceof Box || space instanceof Discrete;
    const actionSize = space instanceof Discrete ? 1 : singleActionSpace.flatSize;
    const memory: VectorMemory = vectorMemory(count, singleObservationSpace.flatSize, actionSize, threads.length);
    this.#control = new Int32Array(memory.control);
    this.#outcome = outcomeOf(memory);
    this.#actions = actionsOf(memory);
    this.#flatten = plain ? null : (action) => singleActionSpace.flatten(action);
    this.#infos = Array.from({ length: count }, () => ({}));
    this.#finalInfos = Array.from({ length: count }, () => null);
    this.#over = new Uint8Array(count).fill(1);
    this.#sent = new Int32Array(threads.length);
    for (const { thread } of threads) {
      // Its exit is seen in the control words: nobody returns to the event loop while a step waits.
      thread.removeAllListeners();
      thread.on('error', () => {});
      thread.postMessage({ kind: 'memory', memory } satisfies Request);
      // A program may end without closing its vector.
      thread.unref();
    }
  }

  /** @throws InputError as VectorEnv does */
  reset({ seed, only }: VectorResetOptions = {}): Pick<VectorStep, 'observations' | 'infos'> {
    this.#requireOpen();
    checkRows(this.count, seed, only);
    for (const [worker, { port, from, rows }] of this.#threads.entries()) {
      const seeds =
        seed === undefined
          ? null
          : Array.from({ length: rows }, (_, i) => (typeof seed === 'number' ? seed + from + i : seed[from + i]!));
      const part = only ? Uint8Array.from(only.subarray(from, from + rows)) : null;
      port.postMessage({ kind: 'reset', seeds, only: part } satisfies Request);
      this.#send(worker, command.message);
    }
    this.#settle();
    for (let i = 0; i < this.count; i++) if (only === undefined || only[i] === 1) this.#over[i] = 0;
    return { observations: this.#outcome.observations.slice(), infos: [...this.#infos] };
  }

  /** As VectorEnv's; where one worker's environments refuse, those of the others have stepped. */
  step(actions: ArrayLike<number> | ArrayLike<Action>): VectorStep {
    this.#step(actions, command.step);
    return { ...copyOf(this.#outcome), infos: [...this.#infos], finalInfos: [...this.#finalInfos] };
  }

  /** As VectorEnv's; the arrays lie in shared memory. */
  stepInto(actions: ArrayLike<number> | ArrayLike<Action>): VectorOutcome {
    this.#step(actions, command.stepInto);
    return this.#outcome;
  }

  /** Closes the environments and ends the threads, once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const [worker, { port }] of this.#threads.entries()) {
      port.postMessage({ kind: 'close' } satisfies Request);
      this.#send(worker, command.message);
    }
    for (const worker of this.#threads.keys()) this.#await(worker);
    for (const { thread, port } of this.#threads) {
      port.close();
      void thread.terminate();
    }
  }

  #step(actions: ArrayLike<number> | ArrayLike<Action>, kind: number): void {
    this.#requireOpen();
    const flatten = this.#flatten;
    const expected = flatten === null ? this.#actions.length : this.count;
    checkCount(this, actions.length, expected);
    checkOver(this.autoreset, this.#over);
    if (flatten === null) for (let i = 0; i < expected; i++) this.#actions[i] = actions[i] as number;
    else {
      const size = this.#actions.length / this.count;
      for (let i = 0; i < expected; i++) {
        const problem = this.singleActionSpace.problem(actions[i]);
        if (problem !== null)
          throw new InputError(`vector: action ${i} ${problem}.`, `Give one of ${this.singleActionSpace}.`);
        this.#actions.set(flatten(actions[i] as Action), i * size);
      }
    }
    for (let worker = 0; worker < this.#threads.length; worker++) this.#send(worker, kind);
    this.#settle();
    const { terminated, truncated } = this.#outcome;
    for (let i = 0; i < this.count; i++) this.#over[i] = terminated[i]! | truncated[i]!;
  }

  #send(worker: number, kind: number): void {
    Atomics.store(this.#control, word.command(worker), kind);
    this.#sent[worker]! += 1;
    Atomics.store(this.#control, word.sent(worker), this.#sent[worker]!);
    Atomics.notify(this.#control, word.sent(worker));
  }

  /** Whether the worker is still alive after the request. */
  #await(worker: number): boolean {
    const index = word.done(worker);
    for (;;) {
      const done = Atomics.load(this.#control, index);
      if (Atomics.load(this.#control, word.ended(worker)) === 1) return false;
      if (done === this.#sent[worker]) return true;
      Atomics.wait(this.#control, index, done);
    }
  }

  /** Waits for all workers, then reads their messages. @throws the first failure */
  #settle(): void {
    let failure: Error | null = null;
    for (let worker = 0; worker < this.#threads.length; worker++) {
      const { port, from, rows } = this.#threads[worker]!;
      const where = rows === 1 ? `environment ${from}` : `environments ${from} to ${from + rows - 1}`;
      if (!this.#await(worker)) failure ??= errorOf({ message: 'their worker thread has ended.', input: false }, where);
      for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
        const reply = next.message as Reply;
        if ('message' in reply) failure ??= errorOf(reply, where);
        else
          for (let i = 0; i < rows; i++) {
            this.#infos[from + i] = reply.infos[i]!;
            this.#finalInfos[from + i] = reply.finalInfos[i] ?? null;
          }
      }
    }
    if (failure !== null) throw failure;
  }

  #requireOpen(): void {
    if (this.#closed) throw new InputError('vector: it is closed.', 'Make another one.');
  }
}

/** @param where whose failure it is; empty: everybody's */
function errorOf({ message, input }: Failure, where: string): Error {
  const text = where === '' ? message : `vector: ${where}: ${message}`;
  if (!input) return new Error(text);
  const lines = text.split('\n');
  const remedy = lines.pop()!;
  return new InputError(
    lines.map((line) => line.replace(/^- /, '')),
    remedy,
  );
}
