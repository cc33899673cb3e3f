import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { createEagerRunner } from '../../nn/eager.js';
import { compareBackends, type FillInput } from '../../test/fixtures/agreement.js';
import { ppoConfigSchema } from './config.js';
import { type PpoActions, ppoStep } from './step.js';

const discrete: PpoActions = { kind: 'discrete', size: 4 };
const box: PpoActions = { kind: 'box', size: 2 };
const config = (given: Record<string, unknown> = {}) =>
  ppoConfigSchema.parse({ hidden: [16, 16], batchSize: 32, rolloutSteps: 32, entropyWeight: 0.01, ...given });

/** Batches as the agent makes them: one action per row, an allowed one. */
const fillFor =
  ({ kind, size }: PpoActions): FillInput =>
  (name, values, random) => {
    for (let i = 0; i < values.length; i++) values[i] = random.normal();
    if (name === 'learningRate') values[0] = 1e-3;
    if (name === 'logProbability') for (let i = 0; i < values.length; i++) values[i] = -1.4 + 0.3 * values[i]!;
    if (kind === 'box' || (name !== 'action' && name !== 'allowed')) return;
    const rows = Rng.of(1, 'rows');
    for (let row = 0; row < values.length / size; row++) {
      const chosen = rows.integer(size);
      for (let i = 0; i < size; i++)
        values[row * size + i] = Number(i === chosen || (name === 'allowed' && rows.uniform() < 0.5));
    }
  };

test.each([discrete, box])('ten compiled updates agree with TensorFlow.js to 1e-5: %o', async (actions) => {
  const { definition } = ppoStep(8, actions, config(), Rng.of(0, 'networks'));
  const differences = await compareBackends(definition, { steps: 10, fill: fillFor(actions) });
  expect(Object.keys(differences)).toEqual(
    expect.arrayContaining(['policyLoss', 'valueLoss', 'entropy', 'clipFraction', 'divergence', 'parameters']),
  );
  for (const [name, difference] of Object.entries(differences)) expect(difference, name).toBeLessThan(1e-5);
});

describe('one update with zero parameters, against sums written out here', () => {
  async function runOn(inputs: Readonly<Record<string, readonly number[]>>, actions: PpoActions, given = {}) {
    const { definition } = ppoStep(1, actions, config({ batchSize: 2, rolloutSteps: 2, ...given }), Rng.of(3));
    definition.state.parameters.values.fill(0);
    const runner = await createEagerRunner(definition, 'cpu');
    for (const [name, values] of Object.entries(inputs)) runner.inputs[name]!.set(values);
    await runner.run();
    const outputs = Object.fromEntries(Object.entries(runner.outputs).map(([name, value]) => [name, value[0]!]));
    await runner.close();
    return outputs;
  }

  test('of a Discrete space: probabilities are even among the allowed actions, the ratio is clipped', async () => {
    const outputs = await runOn(
      {
        action: [1, 0, 0, 0, 0, 1, 0, 0],
        allowed: [1, 1, 0, 0, 1, 1, 1, 1],
        // The new probabilities are 1/2 and 1/4; the old ones 0.3 and 0.5.
        logProbability: [Math.log(0.3), Math.log(0.5)],
        advantage: [2, 3],
        return: [5, 7],
        learningRate: [1e-3],
      },
      discrete,
    );
    // min(r A, clip(r) A): ratios 5/3 (clipped to 1.2) and 1/2 (not clipped, as A > 0 and r A is the lesser).
    expect(outputs.policyLoss).toBeCloseTo(-(1.2 * 2 + 0.5 * 3) / 2, 5);
    expect(outputs.valueLoss).toBeCloseTo((5 ** 2 + 7 ** 2) / 4, 4);
    expect(outputs.entropy).toBeCloseTo((Math.log(2) + Math.log(4)) / 2, 5);
    expect(outputs.clipFraction).toBe(1);
    const divergence = (r: number) => r - 1 - Math.log(r);
    expect(outputs.divergence).toBeCloseTo((divergence(5 / 3) + divergence(0.5)) / 2, 5);
  });

  test('of a Box: densities and entropy are those of a standard normal in each dimension', async () => {
    const density = (...u: number[]) => -u.reduce((sum, each) => sum + 0.5 * each * each, Math.log(2 * Math.PI));
    const outputs = await runOn(
      {
        action: [0.5, -1, 2, 0],
        logProbability: [density(0.5, -1) - 0.1, density(2, 0) + 0.1],
        advantage: [1, -1],
        return: [0, 0],
        learningRate: [1e-3],
      },
      box,
    );
    expect(outputs.policyLoss).toBeCloseTo(-(Math.exp(0.1) - Math.exp(-0.1)) / 2, 5);
    expect(outputs.entropy).toBeCloseTo(Math.log(2 * Math.PI * Math.E), 5);
    expect(outputs.clipFraction).toBe(0);
  });

  test('a learning rate of 0 moves nothing, and the gradient is no longer than its limit', async () => {
    const { definition } = ppoStep(8, discrete, config({ gradientNorm: 1e-3 }), Rng.of(0, 'networks'));
    const runner = await createEagerRunner(definition, 'cpu');
    const random = Rng.of(4);
    for (const [name, values] of Object.entries(runner.inputs)) fillFor(discrete)(name, values, random);
    runner.inputs.learningRate![0] = 0;
    const before = runner.save().parameters!;
    await runner.run();
    const { parameters, 'adam/m': moments } = runner.save();
    expect(parameters).toEqual(before);
    // Adam's first moment is the gradient: it is kept without its factor 1 - beta1.
    expect(Math.hypot(...moments!)).toBeCloseTo(1e-3, 6);
    await runner.close();
  });
});
