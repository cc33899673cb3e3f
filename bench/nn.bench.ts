// The step compiler: updates of Soft Actor-Critic per second, compiled against the same step run eagerly by TensorFlow.js's
// fastest backend without native code. One thread each.
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import { sacConfigSchema } from '../agents/sac/config.js';
import { sacStep } from '../agents/sac/step.js';
import { Rng } from '../base/random/rng.js';
import { createCompiledRunner } from '../nn/compiled.js';
import { createEagerRunner } from '../nn/eager.js';
import type { StepRunner } from '../nn/step.js';
import type { BenchResult } from './result.js';

const OBSERVATION = 32;
const ACTION = 1;
const BATCH = 256;
/** Turns that the two take; the fastest of each counts, so that a busy moment of the machine hits neither. */
const TURNS = 7;

const cases = [
  { hidden: [64, 64], compiledCalls: 300, eagerCalls: 15, limit: 8 },
  { hidden: [256, 256], compiledCalls: 40, eagerCalls: 2, limit: 15 },
] as const;

export async function nnSuite(): Promise<BenchResult[]> {
  setThreadsCount(1);
  await tf.setBackend('wasm');
  const results: BenchResult[] = [];
  for (const { hidden, compiledCalls, eagerCalls, limit } of cases) {
    const config = sacConfigSchema.parse({ hidden, batchSize: BATCH });
    const { definition } = sacStep(OBSERVATION, ACTION, config, Rng.of(0, 'bench'));
    const compiled = await createCompiledRunner(definition);
    const eager = await createEagerRunner(definition, 'wasm');
    for (const runner of [compiled, eager]) fillInputs(runner, Rng.of(1, 'bench'));
    let compiledMs = Number.POSITIVE_INFINITY;
    let eagerMs = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < TURNS; turn++) {
      compiledMs = Math.min(compiledMs, await msPerStep(compiled, compiledCalls));
      eagerMs = Math.min(eagerMs, await msPerStep(eager, eagerCalls));
    }
    await compiled.close();
    await eager.close();
    results.push({
      suite: 'nn',
      name: `sac-step hidden ${hidden.join(',')}`,
      value: 1000 / compiledMs,
      unit: 'updates/s',
      better: 'higher',
      peer: 'eager TensorFlow.js wasm (SIMD)',
      peerValue: 1000 / eagerMs,
      ratio: eagerMs / compiledMs,
      limit,
    });
  }
  return results;
}

async function msPerStep(runner: StepRunner, calls: number): Promise<number> {
  const startMs = performance.now();
  for (let call = 0; call < calls; call++) await runner.run();
  return (performance.now() - startMs) / calls;
}

/** The same plausible batch for every runner. */
function fillInputs(runner: StepRunner, random: Rng): void {
  for (const [name, values] of Object.entries(runner.inputs)) {
    for (let i = 0; i < values.length; i++) {
      if (name === 'continues') values[i] = 1;
      else values[i] = name === 'action' ? 2 * random.uniform() - 1 : random.normal();
    }
  }
}
