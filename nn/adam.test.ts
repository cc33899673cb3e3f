import { expect, test } from 'vitest';
import { Rng } from '../base/random/rng.js';
import { relativeDifference } from '../base/statistics/relative-difference.js';
import { adamState, adamStep } from './adam.js';
import { createCompiledRunner } from './compiled.js';

test("Adam follows Algorithm 1 of Kingma & Ba, with epsilon-hat as in the end of the paper's section 2", async () => {
  const size = 50;
  const [alpha, beta1, beta2, epsilon] = [0.01, 0.9, 0.999, 1e-8];
  const start = Float32Array.from({ length: size }, (_, i) => i / 10);
  const runner = await createCompiledRunner({
    inputs: { gradient: [size] },
    state: { theta: { shape: [size], values: start }, ...adamState(size) },
    build: (state) => (inputs) => ({
      theta: adamStep(state.theta!, inputs.gradient!, state as never, { learningRate: alpha }),
    }),
  });
  const random = Rng.of(0, 'adam');
  const theta = Float64Array.from(start);
  const m = new Float64Array(size);
  const v = new Float64Array(size);
  for (let t = 1; t <= 30; t++) {
    // Gradients of all magnitudes, zero among them.
    const gradient = runner.inputs.gradient!;
    for (let i = 0; i < size; i++) gradient[i] = i === 7 ? 0 : random.normal() * 10 ** ((i % 9) - 6);
    for (let i = 0; i < size; i++) {
      m[i] = beta1 * m[i]! + (1 - beta1) * gradient[i]!;
      v[i] = beta2 * v[i]! + (1 - beta2) * gradient[i]! ** 2;
      const rate = (alpha * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
      theta[i]! -= (rate * m[i]!) / (Math.sqrt(v[i]!) + epsilon);
    }
    await runner.run();
  }
  expect(relativeDifference(runner.readVariable('theta'), Float32Array.from(theta))).toBeLessThan(1e-6);
  expect(runner.readVariable('theta')[7]).toBe(start[7]);
  await runner.close();
});

test('moments of weights without gradient come to rest at normal numbers', async () => {
  const runner = await createCompiledRunner({
    inputs: { gradient: [2] },
    state: { theta: { shape: [2], values: Float32Array.of(0.5, -0.5) }, ...adamState(2) },
    build: (state) => (inputs) => ({
      theta: adamStep(state.theta!, inputs.gradient!, state as never, { learningRate: 1e-3, beta2: 0.9 }),
    }),
  });
  runner.inputs.gradient!.set([1, 1e-3]);
  await runner.run();
  runner.inputs.gradient!.fill(0);
  for (let step = 0; step < 1500; step++) await runner.run();
  const smallestNormal = 2 ** -126;
  for (const name of ['adam/m', 'adam/v']) {
    for (const moment of runner.readVariable(name)) expect(moment).toBeGreaterThan(smallestNormal);
  }
  const { theta } = runner.outputs;
  const rested = theta!.slice();
  for (let step = 0; step < 1000; step++) await runner.run();
  expect(theta).toEqual(rested);
  await runner.close();
});
