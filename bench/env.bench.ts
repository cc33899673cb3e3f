// Environments on the simulator, one thread: steps per second of SparOA/Placement-v0 on MobileNetV3-small, and whether a
// million of them make garbage. For scale beside them: other environments on machines of this class, as published.
import { PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { make } from '../env/gym/registry.js';
import { makeVector } from '../env/gym/vector/make-vector.js';
import type { PlacementEnv } from '../env/placement/placement-env.js';
import '../env/placement/placement-options.js';
import { fastestMs } from './measure.js';
import { pythonRows } from './python.bench.js';
import type { BenchResult } from './result.js';

const id = 'SparOA/Placement-v0';
const options = { model: 'model://mobilenetv3-small' };
const steps = 1_000_000;
const environments = 256;

const row = { suite: 'env', unit: 'steps/s', better: 'higher', ratio: null } as const;
/** Published for one thread on a machine of this class; none of them schedules, but for JSSEnv. */
const scale = {
  scalar: { peer: 'Gymnasium CartPole-v1 (published, for scale)', peerValue: 151_000 },
  step: { peer: 'JSSEnv, a scheduling gym (published, for scale)', peerValue: 15_000 },
  vector: { peer: 'Gymnasium CartPole-v1, NumPy vector form (published, for scale)', peerValue: 5_100_000 },
} as const;

export async function envSuite(): Promise<BenchResult[]> {
  const env = await make(id, options);
  const actions = Uint8Array.from(env.graph.units, ({ id: unit, onlyOn }) => onlyOn ?? Number(unit % 3 === 0));
  const observation = new Float32Array(env.observationSpace.flatSize);
  // In functions of their own, so that each is compiled for its own kind of step.
  const scalarMs = fastestMs(() => stepsInto(env, actions, observation, steps), { batches: 5 });
  const collections = await collectionsIn(() => stepsInto(env, actions, observation, steps));
  const stepMs = fastestMs(() => freshSteps(env, actions, steps / 10), { batches: 5 });
  return [
    { ...row, name: 'placement scalar', value: (1000 * steps) / scalarMs, ...scale.scalar, limit: 1_000_000 },
    {
      ...row,
      name: 'placement scalar, garbage collections',
      value: collections,
      unit: 'collections in a million steps',
      better: 'lower',
      peer: null,
      peerValue: null,
      limit: 0,
    },
    { ...row, name: 'placement step', value: (100 * steps) / stepMs, ...scale.step, limit: null },
    { ...row, name: 'placement vector', value: await vectorSteps(actions), ...scale.vector, limit: 3_000_000 },
    ...pythonRows(),
  ];
}

/** So many steps, episode after episode, into one buffer. */
function stepsInto(env: PlacementEnv, actions: Uint8Array, observation: Float32Array, count: number): void {
  for (let step = 0; step < count; ) {
    env.resetInto(observation);
    for (let unit = 0; unit < actions.length && step < count; unit++, step++) env.stepInto(actions[unit]!, observation);
  }
}

/** The same with fresh observations, results and infos; the last info of each episode holds a trace. */
function freshSteps(env: PlacementEnv, actions: Uint8Array, count: number): void {
  for (let step = 0; step < count; ) {
    env.reset();
    for (let unit = 0; unit < actions.length && step < count; unit++, step++) env.step(actions[unit]!);
  }
}

async function vectorSteps(actions: Uint8Array): Promise<number> {
  const vector = await makeVector<number>(
    { id, options, wrappers: [] },
    { count: environments, autoreset: 'same-step' },
  );
  vector.reset({ seed: 0 });
  const batch = new Uint8Array(environments);
  const episode = () => {
    for (let unit = 0; unit < actions.length; unit++) {
      batch.fill(actions[unit]!);
      vector.stepInto(batch);
    }
  };
  const ms = fastestMs(episode, { batches: 40, callsPerBatch: 6 });
  return (1000 * environments * actions.length) / ms;
}

/** Garbage collections while `run` runs, memory being swept before. */
async function collectionsIn(run: () => void): Promise<number> {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    count += list.getEntries().length;
  });
  const entriesArrive = () => new Promise((resolve) => setTimeout(resolve, 50));
  await entriesArrive();
  observer.observe({ entryTypes: ['gc'] });
  run();
  await entriesArrive();
  observer.disconnect();
  return count;
}
