// Steps as wholes: state, optimisers, what must not be in a step, and that TensorFlow.js is left as it was.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { InputError } from '../base/errors/input-error.js';
import { Rng } from '../base/random/rng.js';
import { compareBackends } from '../test/fixtures/agreement.js';
import { createCompiledRunner } from './compiled.js';
import { createEagerRunner } from './eager.js';
import { createRunner } from './runner.js';
import type { StepDefinition, StepFunction } from './step.js';

/** A step on x [4, 3] with one weight matrix w [3, 2], whose body is given. */
function stepWith(body: (w: tf.Variable) => StepFunction): StepDefinition {
  return {
    inputs: { x: [4, 3] },
    state: { w: { shape: [3, 2], values: Float32Array.of(0.1, -0.2, 0.3, -0.4, 0.5, -0.6) } },
    build: ({ w }) => body(w!),
  };
}

const product = (x: tf.Tensor, w: tf.Tensor) => tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D);
const squares = (x: tf.Tensor, w: tf.Tensor) => tf.mean(tf.square(tf.sub(product(x, w), 1))) as tf.Scalar;

const optimisers: readonly (readonly [string, () => tf.Optimizer])[] = [
  ['sgd', () => tf.train.sgd(0.1)],
  ['momentum', () => tf.train.momentum(0.1, 0.9)],
  ['adagrad', () => tf.train.adagrad(0.1)],
  ['rmsprop', () => tf.train.rmsprop(0.1)],
  ['adam', () => tf.train.adam(0.1)],
];

test.each(optimisers)(
  "TensorFlow.js's %s optimiser trains compiled as eagerly: ten steps agree to 1e-5",
  async (_, make) => {
    const definition = stepWith((w) => {
      const optimiser = make();
      return ({ x }) => ({ loss: optimiser.minimize(() => squares(x!, w), true, [w])! });
    });
    const differences = await compareBackends(definition, { steps: 10 });
    for (const [name, difference] of Object.entries(differences)) expect(difference, name).toBeLessThan(1e-5);
    expect(differences.w).toBeDefined();
  },
);

describe.each(['compiled', 'tfjs'] as const)('the %s runner', (backend) => {
  const adam = stepWith((w) => {
    const optimiser = tf.train.adam(0.1);
    return ({ x }) => ({ loss: optimiser.minimize(() => squares(x!, w), true, [w])! });
  });
  const fill = (values: Float32Array | undefined, random: Rng) => {
    for (let i = 0; i < values!.length; i++) values![i] = random.normal();
  };

  test('continues a saved state to the bit', async () => {
    const [one, other] = [await createRunner(adam, backend), await createRunner(adam, backend)];
    const random = Rng.of(1);
    for (let step = 0; step < 5; step++) {
      fill(one.inputs.x, random);
      await one.run();
    }
    other.load(one.save());
    for (let step = 0; step < 5; step++) {
      fill(one.inputs.x, random);
      other.inputs.x!.set(one.inputs.x!);
      await one.run();
      await other.run();
      expect(other.outputs.loss).toEqual(one.outputs.loss);
    }
    expect(other.save()).toEqual(one.save());
    await one.close();
    await other.close();
  });

  test('says what it is', async () => {
    const runner = await createRunner(adam, backend);
    expect(runner.backend).toMatch(backend === 'compiled' ? /^compiled$/ : /^tfjs-(cpu|tensorflow)$/);
    await runner.close();
  });

  test('starts from the initial values, and a save is a copy', async () => {
    const runner = await createRunner(adam, backend);
    const start = runner.save();
    expect(start.w).toEqual(adam.state.w!.values);
    fill(runner.inputs.x, Rng.of(2));
    await runner.run();
    expect(start.w).toEqual(adam.state.w!.values);
    expect(runner.readVariable('w')).not.toEqual(start.w);
    await runner.close();
  });

  test('refuses the state of another step, and says which variable', async () => {
    const runner = await createRunner(adam, backend);
    const state = { ...runner.save(), w: new Float32Array(7) };
    expect(() => runner.load(state)).toThrow('state variable "w" has 6 numbers in the network but 7 numbers');
    expect(() => runner.readVariable('nobody')).toThrow('no state variable "nobody"');
    await runner.close();
  });
});

test('a state saved by one backend loads in the other', async () => {
  const definition = stepWith((w) => {
    const optimiser = tf.train.momentum(0.1, 0.9);
    return ({ x }) => ({ loss: optimiser.minimize(() => squares(x!, w), true, [w])! });
  });
  const compiled = await createCompiledRunner(definition);
  const eager = await createEagerRunner(definition, 'cpu');
  compiled.inputs.x!.fill(0.5);
  await compiled.run();
  eager.load(compiled.save());
  expect(eager.save()).toEqual(compiled.save());
  await compiled.close();
  await eager.close();
});

test('an output may be an input, a state variable, or a constant', async () => {
  const definition = stepWith((w) => ({ x }) => ({ x: x!, w, constant: tf.scalar(3) }));
  for (const [name, difference] of Object.entries(await compareBackends(definition))) expect(difference, name).toBe(0);
});

test('a variable read after its assignment has the new value; two variables can change places', async () => {
  const definition: StepDefinition = {
    inputs: { x: [2] },
    state: {
      a: { shape: [2], values: Float32Array.of(1, 2) },
      b: { shape: [2], values: Float32Array.of(3, 4) },
    },
    build:
      ({ a, b }) =>
      ({ x }) => {
        const old = tf.clone(a!);
        a!.assign(tf.clone(b!));
        b!.assign(old);
        return { sum: tf.add(tf.mul(a!, 10), tf.mul(b!, x!)) };
      },
  };
  for (const [name, difference] of Object.entries(await compareBackends(definition, { steps: 3 }))) {
    expect(difference, name).toBeLessThan(1e-6);
  }
});

describe('what cannot be compiled is an error that says what to do', () => {
  const compile = (body: (w: tf.Variable) => StepFunction) => createCompiledRunner(stepWith(body));

  test('an unknown kernel is named', async () => {
    const attempt = compile(() => ({ x }) => ({ y: tf.atan(x!) }));
    await expect(attempt).rejects.toThrow('kernel "Atan"');
    await expect(attempt).rejects.toBeInstanceOf(InputError);
  });

  test('reading values inside the step', async () => {
    const read = compile(() => ({ x }) => ({ y: tf.scalar(tf.sum(x!).dataSync()[0]!) }));
    await expect(read).rejects.toThrow('reads the values of a tensor');
    const state = compile((w) => ({ x }) => ({
      y: tf.mul(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), w.dataSync()[0]!),
    }));
    await expect(state).rejects.toThrow('reads the values of a tensor');
  });

  test('a constant may be read', async () => {
    const runner = await compile(() => ({ x }) => ({ y: tf.mul(x!, tf.scalar(2).dataSync()[0]!) }));
    await runner.close();
  });

  test('random numbers made inside the step', async () => {
    const attempt = compile(() => ({ x }) => ({ y: tf.add(x!, tf.randomNormal([4, 3])) }));
    await expect(attempt).rejects.toThrow('the step is not the same twice: input "b" of kernel 0 (Add)');
    await expect(attempt).rejects.toThrow('Pass what changes from step to step as an input');
    await expect(
      compile(() => ({ x }) => ({ y: tf.dropout(x!, 0.5) })),
    ).rejects.toThrow('not the same twice');
  });

  test('a counter or a schedule kept in JavaScript', async () => {
    let count = 0;
    await expect(
      compile(() => ({ x }) => ({ y: tf.mul(x!, 1 / ++count) })),
    ).rejects.toThrow('not the same twice');
    await expect(
      compile(() => ({ x }) => ({ y: tf.clipByValue(x!, 0, ++count) })),
    ).rejects.toThrow('an attribute');
    await expect(
      compile(() => ({ x }) => ({ y: ++count % 2 ? tf.abs(x!) : x! })),
    ).rejects.toThrow('kernel 0');
  });
});

test('compiling leaves TensorFlow.js as it was, also when it fails: backend, variables, tensors, CPU kernels', async () => {
  await tf.setBackend('cpu');
  const before = { ...tf.memory() };
  const kernel = tf.getKernel('Add', 'cpu').kernelFunc;
  const good = await createCompiledRunner(
    stepWith((w) => ({ x }) => ({ loss: squares(x!, w) })),
  );
  await expect(
    createCompiledRunner(
      stepWith(() => ({ x }) => ({ y: tf.atan(x!) })),
    ),
  ).rejects.toThrow();
  await expect(
    createCompiledRunner(
      stepWith(() => ({ x }) => ({ y: tf.scalar(x!.dataSync()[0]!) })),
    ),
  ).rejects.toThrow();
  expect(tf.getBackend()).toBe('cpu');
  expect(tf.getKernel('Add', 'cpu').kernelFunc).toBe(kernel);
  expect(tf.memory().numTensors).toBe(before.numTensors);
  expect(tf.add(1, 2).dataSync()[0]).toBe(3);
  await good.close();
});

test('an eager step leaves no tensor behind', async () => {
  const runner = await createEagerRunner(
    stepWith((w) => {
      const optimiser = tf.train.adam(0.1);
      return ({ x }) => ({ loss: optimiser.minimize(() => squares(x!, w), true, [w])! });
    }),
    'cpu',
  );
  await runner.run();
  const { numTensors } = tf.memory();
  await runner.run();
  expect(tf.memory().numTensors).toBe(numTensors);
  await runner.close();
});
