// The executor's end of the worker thread: a question is a call that returns the answer, because the caller waits on a
// shared flag instead of an event loop.
import { join } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { packageRoot } from '../../../base/files/paths.js';
import type { Replies, Reply, Request } from './protocol.js';

/** After which a worker counts as hung, ms: native code cannot be interrupted, so the wait must end by itself. */
const defaultTimeLimitMs = 600_000;

/** The compiled worker, also when this file runs from the sources: a thread cannot load TypeScript. */
const workerFile = join(packageRoot, 'dist', 'engine', 'runtime', 'session', 'worker.js');

export class SessionClient {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #answered = new Int32Array(new SharedArrayBuffer(4));
  #usable = true;

  constructor(readonly timeLimitMs = defaultTimeLimitMs) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(workerFile, {
      workerData: { port: port2, answered: this.#answered },
      transferList: [port2],
    });
    // Neither thread nor port keeps the process alive: an executor that was not closed must not hang a command.
    this.#worker.unref();
    this.#port.unref();
  }

  /**
   * Asks and waits.
   * @throws Error with ONNX Runtime's message when the request failed, or when no answer came within the time limit
   */
  ask<Op extends Request['op']>(request: Extract<Request, { op: Op }>): Replies[Op] {
    if (!this.#usable) throw new Error('the session worker is closed');
    Atomics.store(this.#answered, 0, 0);
    this.#port.postMessage(request);
    if (Atomics.wait(this.#answered, 0, 0, this.timeLimitMs) === 'timed-out') {
      // The thread cannot be ended while native code runs; it is left alone and never asked again.
      this.#usable = false;
      throw new Error(`no answer from ONNX Runtime within ${this.timeLimitMs / 1000} s`);
    }
    const reply = receiveMessageOnPort(this.#port)!.message as Reply<Replies[Op]>;
    if ('failure' in reply) throw new Error(reply.failure.split('\n')[0]);
    return reply.value;
  }

  /** Releases the sessions and ends the thread. */
  close(): void {
    if (!this.#usable) return;
    this.ask({ op: 'close' });
    this.#usable = false;
    this.#port.close();
    void this.#worker.terminate();
  }
}
