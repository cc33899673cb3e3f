// A thread that samples one energy source while the caller's thread is busy or blocked, as executors' threads are: a
// timer would never fire there. Both sides wait on shared memory, so starting and stopping are synchronous.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '../../base/files/paths.js';
import { type EnergySource, railNames } from './energy-source.js';
import type { RailEnergy } from './integrate.js';

/** Values of the state word. */
export const samplerState = { starting: 0, running: 1, stopping: 2, done: 3 } as const;

/** What the thread is given. */
export interface SamplerTask {
  readonly source: EnergySource;
  readonly periodMs: number;
  /** One Int32: a value of `samplerState`. */
  readonly state: SharedArrayBuffer;
  /** Three doubles per rail: energyMj (NaN for none), samples, longestGapMs. */
  readonly totals: SharedArrayBuffer;
}

/** A sampler of one source. */
export interface Sampler {
  /** Ends sampling; one entry per rail, or null when the sampler did not answer. */
  stop(): RailEnergy[] | null;
}

/** Longer than a slow nvidia-smi may take, twice. */
const answerLimitMs = 25_000;

/** Threads run compiled code, whether or not the caller does. */
const script = join(packageRoot, 'dist', 'engine', 'telemetry', 'sampler-worker.js');

/** Starts sampling and returns once the first sample is taken: about 50 ms. */
export function startSamplerThread(source: EnergySource, periodMs: number): Sampler {
  if (!existsSync(script)) throw new Error(`${script} is missing: the package was not built`);
  const state = new SharedArrayBuffer(4);
  const totals = new SharedArrayBuffer(24 * railNames(source).length);
  const word = new Int32Array(state);
  const task: SamplerTask = { source, periodMs, state, totals };
  const worker = new Worker(script, { workerData: task });
  // A thread that dies leaves the state word behind: its rails then have no total.
  worker.on('error', () => {});
  worker.unref();
  Atomics.wait(word, 0, samplerState.starting, answerLimitMs);
  return {
    stop() {
      const running = Atomics.compareExchange(word, 0, samplerState.running, samplerState.stopping);
      Atomics.notify(word, 0);
      if (running === samplerState.running) Atomics.wait(word, 0, samplerState.stopping, answerLimitMs);
      if (Atomics.load(word, 0) !== samplerState.done) {
        void worker.terminate();
        return null;
      }
      const values = new Float64Array(totals);
      return railNames(source).map((_, i) => ({
        energyMj: Number.isNaN(values[3 * i]!) ? null : values[3 * i]!,
        samples: values[3 * i + 1]!,
        longestGapMs: values[3 * i + 2]!,
      }));
    },
  };
}
