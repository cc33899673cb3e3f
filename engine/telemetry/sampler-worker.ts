// The thread's side of sampler-thread.ts.
import { workerData } from 'node:worker_threads';
import { accumulatorsOf, readSource } from './energy-source.js';
import { sampleUntilStopped } from './integrate.js';
import { type SamplerTask, samplerState } from './sampler-thread.js';

const { source, periodMs, state, totals } = workerData as SamplerTask;
const word = new Int32Array(state);
const accumulators = accumulatorsOf(source);

sampleUntilStopped(accumulators, periodMs, {
  clockMs: () => performance.now(),
  read: () => readSource(source),
  sleep: (untilMs) =>
    Atomics.wait(word, 0, samplerState.running, Math.max(0, untilMs - performance.now())) !== 'timed-out',
  started: () => publish(samplerState.running),
});

const values = new Float64Array(totals);
for (const [i, { total }] of accumulators.entries()) {
  values.set([total.energyMj ?? Number.NaN, total.samples, total.longestGapMs], 3 * i);
}
publish(samplerState.done);

function publish(value: number): void {
  Atomics.store(word, 0, value);
  Atomics.notify(word, 0);
}
