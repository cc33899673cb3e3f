import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DataType, decodeModel, encodeModel, makeValueInfo } from '../../base/onnx/proto.js';
import { OrtTensor, openSession } from '../../base/onnx/session.js';
import { Rng } from '../../base/random/rng.js';
import { seededFeeds } from '../analysis/feeds.js';
import { rewrite } from '../analysis/optimize.js';
import { loadModel } from '../load.js';
import { builderNames } from './registry.js';
import { swinT } from './swin.js';
import { prune, uniformWeights } from './weights.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparoa-builders-'));
  process.env.SPAROA_GYM_CACHE = folder;
});
afterAll(() => {
  delete process.env.SPAROA_GYM_CACHE;
  rmSync(folder, { recursive: true });
});

// GMACs and parameters as torchvision's documentation gives them for 224 x 224; MobileNetV1: its paper's 569 M
// multiply-adds, and the trainable parameters of Keras; ResNet50_vd: PaddleClas, 8.67 GFLOPs and 25.58 M parameters;
// YOLOX-S: 26.8 GFLOPs at 640 x 640, 8.97 M parameters; YuNet: its paper's 75,856 parameters and 149 MFLOPs at 320 x 320, which
// count one for each multiply-add, bias, normalised and rectified element: the convolutions alone are a tenth less. Biases of a single
// element, 3 of YOLOX-S and 12 of YuNet, are not counted here. SqueezeNet: torchvision's squeezenet1_1. ShuffleNet: its paper has
// no such variant; the ONNX model zoo's file has 5.3 MB of parameters, and models/real-files.test.ts compares the graphs.
const published = {
  mobilenetv1: [0.569, 4_231_976],
  'mobilenetv3-small': [0.057, 2_542_856],
  mobilenetv2: [0.301, 3_504_872],
  resnet18: [1.814, 11_689_512],
  'resnet50-vd': [4.335, 25_576_264],
  'vit-b16': [17.56, 86_567_656],
  'swin-t': [4.49, 28_288_354],
  // A quarter of the pixels, and of the multiply-accumulates.
  'yolox-s': [13.4 / 4, 8_968_255 - 3, 'size=320'],
  squeezenet: [0.349, 1_235_496],
  shufflenet: [0.1247, 1_393_320],
  yunet: [0.149, 75_856 - 12],
} as const satisfies Record<string, readonly [gmacs: number, parameters: number, query?: string]>;

test('every built-in model has published totals to be tested against', () => {
  expect(Object.keys(published).sort()).toEqual([...builderNames].sort());
});

/** Small models that `npm test` checks; the gate checks all. */
const everywhere: readonly string[] = ['mobilenetv3-small', 'resnet18', 'yunet'] satisfies (keyof typeof published)[];

/** Networks that end in a softmax, as the published files do. */
const probabilities: readonly string[] = ['squeezenet', 'shufflenet'] satisfies (keyof typeof published)[];
const toLogit = (probability: number, index: number, all: number[]): void => {
  all[index] = Math.log(probability);
};

for (const [name, [gmacs, parameters, query]] of Object.entries(published))
  describe(name, { tags: everywhere.includes(name) ? [] : 'gate' }, () => {
    const model = `model://${name}${query ? `?${query}` : ''}`;

    test('has the published multiply-accumulates and parameters', async () => {
      const { totals, uri, randomWeights } = await loadModel(model);
      expect(Math.abs(totals.macs / 1e9 / gmacs - 1)).toBeLessThan(name === 'yunet' ? 0.1 : 0.02);
      expect(totals.parameters).toBe(parameters);
      expect(uri).toBe(`model://${name}?batch=1&seed=0${query ? `&${query}` : ''}`);
      expect(randomWeights).toBe(true);
    });

    test('gives finite outputs that differ among classes and inputs', async () => {
      const loaded = await loadModel(model);
      const session = await openSession(loaded.basicPath, { level: 'all' });
      const [first, second] = await Promise.all([0, 1].map((seed) => run(session, seededFeeds(loaded.inputs, seed))));
      await session.release();
      expect(first!.every(Number.isFinite)).toBe(true);
      if (probabilities.includes(name)) for (const output of [first!, second!]) output.forEach(toLogit);
      expect(deviation(first!)).toBeGreaterThan(0.1);
      expect(deviation(first!)).toBeLessThan(100);
      expect(deviation(first!.map((value, i) => value - second![i]!))).toBeGreaterThan(0.01);
    });

    test('fused units are the kernels of the extended graph, and part the operators', async () => {
      const loaded = await loadModel(model);
      const [operators, fused] = [loaded.graph('operator'), loaded.graph('fused')];
      const nodes = fused.units.flatMap((unit) => unit.nodes);
      expect([...nodes].sort()).toEqual(operators.units.map((unit) => unit.name).sort());
      const extended = decodeModel(await rewrite(readFileSync(loaded.basicPath), 'extended'));
      expect(fused.units).toHaveLength(extended.graph!.node.length);
      expect(fused.units.length).toBeLessThan(operators.units.length);
      const flops = (graph: typeof fused): number => graph.units.reduce((sum, unit) => sum + unit.flops, 0);
      expect(flops(fused)).toBe(flops(operators));
    });
  });

async function run(session: Awaited<ReturnType<typeof openSession>>, feeds: ReturnType<typeof seededFeeds>) {
  const outputs = await session.run(feeds);
  return [...(outputs[session.outputNames[0]!]!.data as Float32Array)];
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

describe('parameters of a built-in model', () => {
  test('batch scales the work and leaves the file alone', { tags: 'gate' }, async () => {
    const [one, four] = await Promise.all(
      [1, 4].map((batch) => loadModel(`model://mobilenetv2?size=32&batch=${batch}`)),
    );
    expect(four!.totals.macs).toBe(4 * one!.totals.macs);
    expect(four!.modelHash).toBe(one!.modelHash);
    expect(four!.uri).toBe('model://mobilenetv2?batch=4&seed=0&size=32');
  });

  test('sparsity prunes that fraction of the weights', { tags: 'gate' }, async () => {
    const { units } = (await loadModel('model://resnet18?size=32&sparsity=0.75')).graph('operator');
    // Biases, which stay, are next to nothing in these.
    for (const unit of units.filter((candidate) => candidate.weightBytes > 2e5)) {
      expect(unit.weightSparsity, unit.name).toBeCloseTo(0.75, 2);
    }
  });

  test('the seed decides the weights: the same file for the same seed', async () => {
    const hash = async (seed: number) => (await loadModel(`model://mobilenetv3-small?size=32&seed=${seed}`)).modelHash;
    const first = await hash(1);
    expect(await hash(2)).not.toBe(first);
    rmSync(join(folder, 'models'), { recursive: true });
    expect(await hash(1)).toBe(first);
  });

  test('Swin-T pads images that its windows do not divide', { tags: 'gate' }, async () => {
    const swin = await loadModel('model://swin-t?size=96');
    expect(swin.graph('operator').units.some((unit) => unit.opTypes.includes('Pad'))).toBe(true);
    expect(swin.totals.parameters).toBe(published['swin-t'][1]);
  });

  test.each([
    ['model://resnet19', /no built-in model "resnet19"\.\nDid you mean "resnet18"\?/],
    ['model://resnet18?size=100', /size is 100\.\nGive a multiple of 32/],
    ['model://resnet18?sparsity=1', /sparsity is 1\.\nGive a fraction from 0/],
    ['model://resnet18?seed=-1', /seed is -1\.\nGive a whole number/],
  ])('error: %s', async (uri, message) => {
    await expect(loadModel(uri)).rejects.toThrow(message);
  });
});

test('Swin-T passes information within windows, then across shifted ones, and not around the border', {
  tags: 'gate',
}, async () => {
  // The only tokens that a change in the first patch may reach: its window of 7 x 7 after the first block; after the
  // second, whose windows lie 3 further, those that end at 10. The roll brings the opposite border into the first
  // window, and the mask must keep it out.
  const model = swinT({ name: 'swin-t', seed: 0, sparsity: 0 }, 224);
  model.graph!.output = ['features.1.0.add2', 'features.1.1.add2'].map((name) => makeValueInfo(name, DataType.FLOAT));
  const session = await openSession(encodeModel(model), { level: 'basic' });
  const pixels = new Float32Array(3 * 224 * 224).fill(0.5);
  const before = await session.run({ input: new OrtTensor('float32', pixels.slice(), [1, 3, 224, 224]) });
  pixels[0] = 10;
  const after = await session.run({ input: new OrtTensor('float32', pixels, [1, 3, 224, 224]) });
  const reached = (name: string): number[] => {
    const [a, b] = [before, after].map((outputs) => outputs[name]!.data as Float32Array);
    return Array.from({ length: 56 * 56 }, (_, token) => token).filter((token) =>
      a!.subarray(token * 96, token * 96 + 96).some((value, i) => Math.abs(value - b![token * 96 + i]!) > 1e-6),
    );
  };
  await session.release();
  const square = (extent: number): number[] =>
    Array.from({ length: extent * extent }, (_, i) => 56 * Math.floor(i / extent) + (i % extent));
  expect(reached('features.1.0.add2')).toEqual(square(7));
  expect(reached('features.1.1.add2')).toEqual(square(10));
});

test('uniform weights have the mean and deviation asked for', () => {
  const weights = uniformWeights(Rng.of(0, 'weights'), 100_000, 2, 0.5);
  const mean = weights.reduce((sum, value) => sum + value, 0) / weights.length;
  expect(mean).toBeCloseTo(2, 2);
  expect(deviation([...weights])).toBeCloseTo(0.5, 2);
});

test('pruning zeroes the smallest magnitudes, as many as asked, ties included', () => {
  const weights = Float32Array.of(3, -1, 2, -4, 1, 1);
  prune(weights, 1 / 3);
  expect([...weights]).toEqual([3, 0, 2, -4, 0, 1]);
});
