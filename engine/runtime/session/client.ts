// The executor's side of its worker thread. A request is a call that returns the answer, because the caller waits on a shared
// flag instead of an event loop.
import { join } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { InputError } from '../../../base/errors/input-error.js';
import { packageRoot } from '../../../base/files/paths.js';
import { fastestProbe } from '../measuring/slowdown.js';
import type { Replies, Reply, Request } from './protocol.js';
import { pythonLimitMs } from './python-settings.js';
import { SessionsLost } from './serve.js';

/** Time after which a thread counts as hung, ms: native code cannot be interrupted, so the wait must be limited. */
const defaultTimeLimitMs = 600_000;
/** A thread with a Python process ends that in time, and says so; should it not, the wait ends all the same. */
const graceMs = 10_000;

/** Where sessions live: in a thread of this process with onnxruntime-node, or in a Python process with its onnxruntime. */
export type SessionHost = 'node' | 'python';

/** The compiled threads, also when this file runs from the sources: a thread cannot load TypeScript. */
const workerFiles: Readonly<Record<SessionHost, string>> = { node: 'worker.js', python: 'python-worker.js' };

export class SessionClient {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #answered = new Int32Array(new SharedArrayBuffer(4));
  readonly #waitMs: number;
  #usable = true;

  /** @throws InputError when the setting of Python's time limit is no number */
  constructor(
    readonly host: SessionHost,
    readonly timeLimitMs = host === 'python' ? pythonLimitMs(defaultTimeLimitMs) : defaultTimeLimitMs,
  ) {
    this.#waitMs = timeLimitMs + (host === 'python' ? graceMs : 0);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(join(packageRoot, 'dist', 'engine', 'runtime', 'session', workerFiles[host]), {
      workerData: { port: port2, answered: this.#answered, fastestProbe, timeLimitMs },
      transferList: [port2],
      // Not this process's own: with `node --input-type=module -e ...` a thread would not start.
      execArgv: [],
    });
    // Neither thread nor port keeps the process alive: an executor that was not closed must not hang a command.
    this.#worker.unref();
    this.#port.unref();
  }

  /**
   * Asks and waits.
   * @throws InputError when what is asked for is not installed: what, and how to get it
   * @throws SessionsLost when the process with the sessions died, or was ended because it did not answer; the next question starts a new one
   * @throws Error with ONNX Runtime's message when the request failed, or when no answer came within the time limit
   */
  ask<Op extends Request['op']>(request: Extract<Request, { op: Op }>): Replies[Op] {
    if (!this.#usable) throw new Error('the session worker is closed');
    Atomics.store(this.#answered, 0, 0);
    this.#port.postMessage(request);
    if (Atomics.wait(this.#answered, 0, 0, this.#waitMs) === 'timed-out') {
      // Native code in a thread cannot be ended: that thread closes when it returns. A process is ended at once.
      this.#usable = false;
      this.#port.postMessage({ op: 'close' } satisfies Request);
      throw new Error(`no answer from ONNX Runtime within ${this.timeLimitMs / 1000} s`);
    }
    const reply = receiveMessageOnPort(this.#port)!.message as Reply<Replies[Op]>;
    if ('value' in reply) return reply.value;
    const [failure] = reply.failure.split('\n') as [string];
    if (reply.remedy) throw new InputError(failure, reply.remedy);
    throw reply.lost ? new SessionsLost(failure) : new Error(failure);
  }

  /** Releases the sessions and ends the thread, and the process behind it. */
  close(): void {
    if (!this.#usable) return;
    this.ask({ op: 'close' });
    this.#usable = false;
    this.#port.close();
    void this.#worker.terminate();
  }
}
