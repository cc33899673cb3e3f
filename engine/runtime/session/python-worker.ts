// The thread that owns the Python process of the executor `python`, and passes requests on to it. A process that dies
// loses its sessions, and one that does not answer in time is ended. Either way the caller gets an error, and the next
// request starts a new process.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { workerData } from 'node:worker_threads';
import { InputError } from '../../../base/errors/input-error.js';
import { temporaryName } from '../../../base/files/atomic.js';
import { packageRoot } from '../../../base/files/paths.js';
import { type Frame, readFrames, writeFrame } from './frames.js';
import type { OutputBytes, Request } from './protocol.js';
import { pythonCommand, pythonLimitMs, pythonSettings } from './python-settings.js';
import { SessionsLost, serve } from './serve.js';

const script = join(packageRoot, 'python', 'session_process.py');

/** How much of Python's last output is read. */
const logBytes = 16_384;

/** For an answer, ms. */
const { timeLimitMs } = workerData as { timeLimitMs: number };
/** For the first, which imports onnxruntime, ms: a command that is no Python must not hold its caller. */
const startLimitMs = Math.min(timeLimitMs, pythonLimitMs(60_000));
/** After the process has ended, for what it wrote to arrive, ms. */
const afterExitMs = 200;

class PythonProcess {
  readonly #child: ChildProcess;
  /** Its output goes to a file, which can be read at once after a failure; a pipe might not have delivered it yet. */
  readonly #log: number;
  #printedBefore = 0;
  #answers = 0;
  readonly #exit: Promise<unknown>;
  #waiting: { resolve: (frame: Frame) => void; reject: (error: Error) => void } | null = null;
  /** Its last output beside its answers. */
  #noise = '';
  /** Why it ended. */
  #end: Error | null = null;

  constructor(command: string) {
    const path = temporaryName(join(tmpdir(), 'sparoa-python.log'));
    this.#log = openSync(path, 'w+');
    // It lives on until both have closed it.
    rmSync(path);
    // A group of its own, which is ended as one: the command may be a script that starts Python.
    this.#child = spawn(command, ['-u', script], { stdio: ['pipe', 'pipe', this.#log], detached: true });
    this.#exit = new Promise((resolve) => {
      this.#child.once('exit', resolve);
      this.#child.once('close', resolve);
    });
    this.#child.once('error', (error) =>
      this.#ended(new SessionsLost(`"${command}" does not start: ${error.message}`)),
    );
    const ended = (code: number | null, signal: NodeJS.Signals | null) => {
      const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
      const last = this.#end === null && (lastLine(this.printed()) || this.#noise);
      this.#ended(new SessionsLost(`the Python process ${how}${last ? `: ${last}` : ''}`));
    };
    this.#child.once('close', ended);
    // Another process may hold its pipes open.
    this.#child.once('exit', (...how) => setTimeout(ended, afterExitMs, ...how).unref());
    // The process may be gone when a request is written; 'close' handles that.
    this.#child.stdin!.on('error', () => {});
    readFrames(this.#child.stdout as Readable, {
      receive: (frame) => {
        if (!['failure', 'value', 'outputs'].some((key) => key in frame.header))
          return this.#ended(new SessionsLost('the Python process prints a message that is no answer'));
        this.#answers += 1;
        this.#waiting?.resolve(frame);
        this.#waiting = null;
      },
      noise: (text) => {
        this.#noise = lastLine(text) || this.#noise;
      },
      fail: (reason) => this.#ended(new SessionsLost(`the Python process prints ${reason}`)),
    });
  }

  get end(): Error | null {
    return this.#end;
  }

  /** The end of what it printed since it was last asked. */
  printed(): string {
    const { size } = fstatSync(this.#log);
    const buffer = Buffer.alloc(Math.min(size - this.#printedBefore, logBytes));
    return buffer.toString('utf8', 0, readSync(this.#log, buffer, 0, buffer.length, size - buffer.length));
  }

  /** @param limitMs after which it counts as hung */
  async ask(limitMs: number, header: object, parts: readonly Uint8Array[] = []): Promise<Frame> {
    if (this.#end) throw this.#end;
    const late = setTimeout(() => {
      const why = `did not answer within ${limitMs / 1000} s; SPAROA_GYM_PYTHON_TIMEOUT sets another limit`;
      this.#ended(new SessionsLost(`the Python process ${why}`));
    }, limitMs);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject };
        // What is printed while it starts belongs to the first answer.
        if (this.#answers > 0) this.#printedBefore = fstatSync(this.#log).size;
        writeFrame(this.#child.stdin as Writable, header, parts);
      });
    } finally {
      clearTimeout(late);
    }
  }

  /** Ends it, whatever it is doing, and waits until it is gone. */
  async kill(): Promise<void> {
    // Stop logging the process's output: the log file is about to be closed.
    this.#ended(new SessionsLost('the Python process was closed'));
    this.#signal('SIGKILL');
    await this.#exit;
    this.#child.stdout!.destroy();
    closeSync(this.#log);
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      // Without an id it has not started.
      if (process.platform !== 'win32' && this.#child.pid) process.kill(-this.#child.pid, signal);
      else this.#child.kill(signal);
    } catch {
      // It is gone.
    }
  }

  #ended(error: Error): void {
    this.#end ??= error;
    this.#waiting?.reject(this.#end);
    this.#waiting = null;
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)!;

let running: PythonProcess | null = null;

serve(async (request: Request): Promise<unknown> => {
  if (request.op === 'close') {
    await running?.kill();
    running = null;
    return null;
  }
  running ??= new PythonProcess(pythonCommand());
  try {
    return await answer(running, request);
  } finally {
    if (running?.end) {
      const gone = running;
      running = null;
      await gone.kill();
    }
  }
});

async function answer(python: PythonProcess, request: Exclude<Request, { op: 'close' }>): Promise<unknown> {
  const { header, parts } = await python.ask(
    request.op === 'describe' ? startLimitMs : timeLimitMs,
    ...asFrame(request),
  );
  if (typeof header.failure === 'string') {
    if (request.op === 'describe') throw notInstalled(header.failure);
    // Why a provider's library did not load is printed, not thrown.
    const library = /[\w.-]+\.so[\w.]*: cannot open shared object file/.exec(python.printed())?.[0];
    throw new Error(library ?? header.failure);
  }
  if (!header.outputs) return header.value;
  const outputs = header.outputs as { name: string; type: string }[];
  return Object.fromEntries(
    outputs.map(({ name, type }, i) => [name, { type, data: parts[i]! }]),
  ) satisfies OutputBytes;
}

function notInstalled(reason: string): InputError {
  const command = pythonCommand();
  return new InputError(
    `python: "${command}" cannot import onnxruntime and numpy: ${reason}.`,
    `Install them: "${command} -m pip install onnxruntime numpy" (on a Jetson NVIDIA's wheel, see docs/gpu.md), or name another Python in SPAROA_GYM_PYTHON.`,
  );
}

/** A request as header and byte strings. */
function asFrame(request: Exclude<Request, { op: 'close' }>): [object, Uint8Array[]] {
  if (!('settings' in request)) return [request, []];
  const translated = { ...request, settings: pythonSettings(request.settings) };
  if (translated.op !== 'reference') return [translated, []];
  const feeds = Object.entries(translated.feeds);
  return [
    { ...translated, feeds: feeds.map(([name, { type, dims }]) => ({ name, type, dims })) },
    feeds.map(([, { data }]) =>
      ArrayBuffer.isView(data)
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        : Buffer.from(JSON.stringify(data)),
    ),
  ];
}
