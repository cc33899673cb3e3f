import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { compileStep } from '../../nn/compiled.js';
import { createEagerRunner } from '../../nn/eager.js';
import { compareBackends } from '../../test/fixtures/agreement.js';
import { sacConfigSchema } from './config.js';
import { sacStep } from './step.js';

const config = (overrides: Parameters<typeof sacConfigSchema.parse>[0] = {}) =>
  sacConfigSchema.parse({ hidden: [32, 32], batchSize: 32, ...(overrides as object) });

const fill = (name: string, values: Float32Array, random: Rng) => {
  for (let i = 0; i < values.length; i++) {
    if (name === 'continues') values[i] = random.uniform() < 0.9 ? 1 : 0;
    else if (name === 'action') values[i] = Math.tanh(random.normal());
    else values[i] = random.normal();
  }
};

test.each([1, 3])(
  'ten compiled updates agree with TensorFlow.js to 1e-5, with %i action dimensions',
  async (actions) => {
    const { definition } = sacStep(8, actions, config(), Rng.of(0, 'networks'));
    const differences = await compareBackends(definition, { steps: 10, fill });
    expect(Object.keys(differences)).toEqual(
      expect.arrayContaining(['criticLoss', 'policyLoss', 'entropy', 'alpha', 'parameters', 'targets', 'adam/v']),
    );
    for (const [name, difference] of Object.entries(differences)) expect(difference, name).toBeLessThan(1e-5);
  },
);

test('the update compiles to fewer than 260 operators, its dense layers fused and its masks from outputs', () => {
  const { nodes } = compileStep(sacStep(32, 1, config(), Rng.of(0)).definition).graph;
  expect(nodes.length).toBeLessThan(260);
  expect(nodes.filter(({ op }) => op === 'HardSigmoid').length).toBe(10);
  expect(nodes.filter(({ op }) => op === 'MatMul').length).toBe(0);
});

describe('one eager update, against sums written out here', () => {
  const observationSize = 2;

  test('targets move by tau towards the critics; both start equal', async () => {
    const settings = config({ tau: 0.25 });
    const { definition, policyCount } = sacStep(observationSize, 1, settings, Rng.of(3));
    const runner = await createEagerRunner(definition, 'cpu');
    const before = runner.save();
    const critics = (state: Record<string, Float32Array>) => state.parameters!.slice(policyCount, -1);
    expect(before.targets).toEqual(critics(before));
    for (const [name, values] of Object.entries(runner.inputs)) fill(name, values, Rng.of(4, name));
    await runner.run();
    const after = runner.save();
    for (const [i, target] of after.targets!.entries()) {
      expect(target).toBeCloseTo(0.75 * before.targets![i]! + 0.25 * critics(after)[i]!, 6);
    }
    await runner.close();
  });

  test('the entropy is that of the squashed Gaussian', async () => {
    const { definition } = sacStep(observationSize, 1, config({ batchSize: 4 }), Rng.of(3));
    // Zero parameters: mean 0 and log std 0 everywhere, alpha 1.
    definition.state.parameters.values.fill(0);
    const runner = await createEagerRunner(definition, 'cpu');
    const noise = [-1.5, 0, 0.5, 20];
    runner.inputs.noise!.set(noise);
    await runner.run();
    // -log p(tanh u) = u^2 / 2 + log(2 pi) / 2 + log(1 - tanh(u)^2), the last term by its asymptote for large u.
    const negativeLog = noise.map((u) => {
      const squash = Math.abs(u) > 15 ? 2 * (Math.LN2 - Math.abs(u)) : Math.log(1 - Math.tanh(u) ** 2);
      return u ** 2 / 2 + Math.log(2 * Math.PI) / 2 + squash;
    });
    const mean = negativeLog.reduce((sum, value) => sum + value, 0) / noise.length;
    expect(runner.outputs.entropy![0]).toBeCloseTo(mean, 4);
    expect(runner.outputs.alpha![0]).toBe(1);
    // Both critics say 0: what is left of J_pi is log p.
    expect(runner.outputs.policyLoss![0]).toBeCloseTo(-mean, 4);
    await runner.close();
  });

  test('a terminal transition is worth its reward; a truncated one bootstraps', async () => {
    const { definition } = sacStep(observationSize, 1, config({ batchSize: 2, rewardScale: 3 }), Rng.of(3));
    definition.state.parameters.values.fill(0);
    const runner = await createEagerRunner(definition, 'cpu');
    // nextNoise is 0: a' = tanh(0), where -log p = log(2 pi) / 2.
    const nextEntropy = Math.log(2 * Math.PI) / 2;
    const start = runner.save();
    start.targets!.fill(0);
    const lossFor = async (continues: number) => {
      runner.load(start);
      runner.inputs.reward!.fill(2);
      runner.inputs.continues!.fill(continues);
      await runner.run();
      return runner.outputs.criticLoss![0]!;
    };
    // Both critics say 0, so the loss is y^2.
    expect(await lossFor(0)).toBeCloseTo(6 ** 2, 4);
    expect(await lossFor(1)).toBeCloseTo((6 + 0.99 * nextEntropy) ** 2, 3);
    await runner.close();
  });
});

test('an eager update leaves no tensor behind', async () => {
  const runner = await createEagerRunner(sacStep(2, 1, config(), Rng.of(0)).definition, 'cpu');
  await runner.run();
  const { numTensors } = tf.memory();
  await runner.run();
  expect(tf.memory().numTensors).toBe(numTensors);
  await runner.close();
});
