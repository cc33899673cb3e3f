// The executor's side of a lane: sends commands to a worker thread and waits for it, synchronously. Native code cannot be
// interrupted, so a lane that does not answer in time is abandoned and another takes its place.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { InputError } from '../../../base/errors/input-error.js';
import { packageRoot } from '../../../base/files/paths.js';
import { type LaneCommand, type LaneReply, type LaneStart, nowMs, word } from './protocol.js';

/** Workers run compiled code, also when the executor itself is loaded from the sources. */
const script = join(packageRoot, 'dist', 'engine', 'runtime', 'lanes', 'worker.js');

export class LaneThread {
  readonly #lane: number;
  readonly #control: Int32Array;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #retired = new SharedArrayBuffer(4);
  #sent: number;

  /** @throws InputError when the package is not built. */
  constructor(start: Omit<LaneStart, 'retired'>) {
    if (!existsSync(script)) throw new InputError(`lanes: ${script} is missing.`, 'Build the package: npm run build.');
    this.#lane = start.lane;
    this.#control = new Int32Array(start.shared.control);
    // A lane that was abandoned may have left commands undone: the new one starts even.
    this.#sent = Atomics.load(this.#control, word.sent(this.#lane));
    Atomics.store(this.#control, word.done(this.#lane), this.#sent);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(script, {
      workerData: { ...start, retired: this.#retired, port: port2 },
      transferList: [port2],
      // Not the caller's: with --input-type, say, no file would start.
      execArgv: [],
    });
    // A program may end without closing its executor.
    this.#worker.unref();
  }

  /** Sends a command; buffers in `transfer` move to the lane. */
  send(command: LaneCommand, transfer: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(command, [...transfer]);
    this.#sent = (this.#sent + 1) | 0;
    Atomics.store(this.#control, word.sent(this.#lane), this.#sent);
    Atomics.notify(this.#control, word.sent(this.#lane));
  }

  /** Waits until every command sent is carried out; false when that does not happen before `deadlineMs` of `nowMs`. */
  settle(deadlineMs: number): boolean {
    const index = word.done(this.#lane);
    for (;;) {
      const done = Atomics.load(this.#control, index);
      if (done === this.#sent) return true;
      const leftMs = deadlineMs - nowMs();
      if (leftMs <= 0) return false;
      Atomics.wait(this.#control, index, done, leftMs);
    }
  }

  /** What the lane has answered since the last call. */
  replies(): LaneReply[] {
    const replies: LaneReply[] = [];
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port))
      replies.push(next.message as LaneReply);
    return replies;
  }

  /** Ends a thread that waits for commands. */
  end(): void {
    this.#port.close();
    void this.#worker.terminate();
  }

  /**
   * Abandons a thread that does not come back: it ends itself when native code returns, and the program waits for that.
   * Terminating it would crash the whole process when ONNX Runtime's binding returns into a dying thread.
   */
  abandon(): void {
    Atomics.store(new Int32Array(this.#retired), 0, 1);
    this.#port.close();
    this.#worker.ref();
  }
}
