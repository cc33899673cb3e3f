// SparOA/Share-v0 as a vector: forks on one kernel do what separate environments do.
import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { makeVector } from '../gym/vector/make-vector.js';
import type { ShareEnv } from './share-env.js';
import './share-options.js';

const spec = {
  id: 'SparOA/Share-v0',
  options: { model: 'model://mobilenetv3-small?size=32', shares: 'split' },
  wrappers: [],
};

test('rows of one kernel give the rewards, observations and traces of separate environments', async () => {
  const vector = await makeVector(spec, { count: 4, autoreset: 'same-step' });
  const separate = await Promise.all(
    vector.envs.map(async () => (await makeVector(spec, { count: 1, autoreset: 'disabled' })).envs[0] as ShareEnv),
  );
  const [size, units] = [vector.singleObservationSpace.flatSize, separate[0]!.graph.units.length];
  const rng = Rng.of(0, 'share-vector');
  vector.reset({ seed: 20 });
  for (const [i, env] of separate.entries()) env.reset({ seed: 20 + i });
  const totals = [0, 0, 0, 0];
  for (let step = 1; step <= 2 * units; step++) {
    const actions = Float32Array.from({ length: 4 }, () => rng.uniform());
    const { rewards, terminated, observations, finalObservations, finalInfos } = vector.step(actions);
    for (const [i, env] of separate.entries()) {
      const expected = env.step(actions.slice(i, i + 1));
      expect(rewards[i]).toBe(expected.reward);
      totals[i]! += rewards[i]!;
      const row = (step % units === 0 ? finalObservations : observations).subarray(i * size, (i + 1) * size);
      expect(row).toEqual(expected.observation);
      expect(terminated[i]).toBe(Number(step % units === 0));
      if (!expected.terminated) continue;
      expect(finalInfos[i]).toEqual(expected.info);
      expect(totals[i]).toBeCloseTo(-(expected.info.objectiveMs as number) / env.referenceMs, 12);
      totals[i] = 0;
      env.reset();
    }
  }
  vector.close();
});

test('wrappers are each row’s own; what makes no vector is refused', async () => {
  const limited = { ...spec, wrappers: [{ name: 'TimeLimit', options: { maxSteps: 2 } }] };
  const vector = await makeVector(limited, { count: 2, autoreset: 'next-step' });
  vector.reset({ seed: 0 });
  const actions = new Float32Array(2);
  expect([...vector.step(actions).truncated]).toEqual([0, 0]);
  expect([...vector.step(actions).truncated]).toEqual([1, 1]);
  expect([...vector.step(actions).resets]).toEqual([1, 1]);
  await expect(makeVector(spec, { count: 0, autoreset: 'disabled' })).rejects.toThrow(/cannot be 0 environments/);
  await expect(makeVector({ ...spec, id: 'SparOA/Share-v1' }, { count: 1, autoreset: 'disabled' })).rejects.toThrow(
    /Did you mean "SparOA\/Share-v0"/,
  );
});
