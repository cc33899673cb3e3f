// Scheduling environments in worker threads: the simulator's bytes, and real lanes in each worker.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Rng } from '../base/random/rng.js';
import { writeChain } from '../test/fixtures/chain-model.js';
import { makeVector } from './gym/vector/make-vector.js';
import './environments.js';
import { makeWorkerVector } from './worker-vector.js';

const model = 'model://mobilenetv3-small?size=32';

test('on the simulator workers give the bytes of the vector in this thread', async () => {
  const spec = { id: 'SparOA/Placement-v0', options: { model }, wrappers: [] };
  const options = { count: 3, autoreset: 'same-step' } as const;
  const threads = await makeWorkerVector<number>(spec, { ...options, workers: 2 });
  const alone = await makeVector<number>(spec, options);
  expect(threads.reset({ seed: 5 })).toEqual(alone.reset({ seed: 5 }));
  const rng = Rng.of(0, 'worker-vector');
  for (let step = 0; step < 160; step++) {
    const actions = Uint8Array.from({ length: 3 }, () => rng.integer(2));
    if (step % 20 < 18) expect({ ...threads.stepInto(actions) }).toEqual({ ...alone.stepInto(actions) });
    else expect(threads.step(actions)).toEqual(alone.step(actions));
  }
  threads.close();
  alone.close();
});

test('on lanes each worker executes with masks and shapes of its own', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparoa-gym-workers-'));
  const platform = { executor: 'lanes', devices: 'cpu:1+cpu:1?unsupported=Tanh' };
  const options = { model: writeChain(join(folder, 'chain.onnx'), 6), ...platform };
  const spec = { id: 'SparOA/Placement-v0', options, wrappers: [] };
  const vector = await makeWorkerVector<number>(spec, { count: 2, autoreset: 'disabled' });
  const { observations, infos } = vector.reset({ seed: 0 });
  expect(observations).toHaveLength(2 * vector.singleObservationSpace.flatSize);
  let masks = infos.map(({ actionMask }) => actionMask as Uint8Array);
  const seen = new Set<string>();
  for (let over = false; !over; ) {
    expect(masks[0]).toEqual(masks[1]);
    seen.add(masks[0]!.join());
    const step = vector.step(masks.map((mask, i) => (mask[1] === 1 ? i : 0)));
    expect(step.rewards.every((reward) => reward < 0)).toBe(true);
    expect(step.observations.every((x) => Math.abs(x) <= 10)).toBe(true);
    expect(step.terminated[0]).toBe(step.terminated[1]);
    over = step.terminated[0] === 1;
    if (over)
      expect(step.finalInfos.map((info) => (info!.trace as { kind: string }).kind)).toEqual(['measured', 'measured']);
    masks = step.infos.map(({ actionMask }) => actionMask as Uint8Array);
  }
  expect([...seen].sort()).toEqual(['1,0', '1,1']);
  vector.close();
  rmSync(folder, { recursive: true });
});
