// Boosted trees against scikit-learn's on frozen samples, and what follows from how they are made.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../base/errors/input-error.js';
import { readCsv } from '../../base/files/csv.js';
import { packageRoot } from '../../base/files/paths.js';
import { fitBoostedTrees } from './boosted-trees.js';
import type { LatencyPredictor } from './latency-predictor.js';
import { openPredictor } from './predictor.js';
import { type Samples, samplesOf, selectRows } from './samples.js';

const golden = join(packageRoot, 'predictor', 'latency', 'golden');
const features = ['class', 'flops', 'bytes', 'kernelSize', 'channels'];
const frozen = samplesOf(
  features,
  readCsv(join(golden, 'samples.csv'), [...features, 'latencyMs']).map((row) => ({
    x: features.map((name) => Number(row[name])),
    latencyMs: Number(row.latencyMs),
  })),
);
/** Every feature and every row, from the mean: the algorithm that scikit-learn has too. */
const plain = { start: 'mean', rowShare: 1, featureShare: 1 } as const;

describe('predictions equal those of scikit-learn', () => {
  const reference = JSON.parse(readFileSync(join(golden, 'reference.json'), 'utf8')) as {
    fitted: number;
    cases: {
      options: { n_estimators: number; learning_rate: number; max_depth: number; min_samples_leaf: number };
      logMs: number[];
    }[];
  };
  const known = selectRows(frozen, [...Array(reference.fitted).keys()]);

  test.each(reference.cases.map((one) => [JSON.stringify(one.options), one] as const))(
    '%s',
    (_, { options, logMs }) => {
      const trees = fitBoostedTrees(known, {
        ...plain,
        trees: options.n_estimators,
        learningRate: options.learning_rate,
        depth: options.max_depth,
        leafRows: options.min_samples_leaf,
      });
      logMs.forEach((expected, at) => {
        const row = reference.fitted + at;
        expect(Math.log(trees.predictMs(frozen.x, row * features.length)), `row ${row}`).toBeCloseTo(expected, 9);
      });
    },
  );
});

test('a step is found where it lies, and each side predicts its geometric mean', () => {
  const rows = [1, 2, 3, 10, 11, 12].map((x) => ({ x: [x], latencyMs: x < 5 ? 2 : 8 }));
  rows[0]!.latencyMs = 1; // 1, 2, 2 on the left
  const tree = fitBoostedTrees(samplesOf(['size'], rows), {
    ...plain,
    trees: 1,
    learningRate: 1,
    depth: 1,
    leafRows: 1,
  });
  expect(tree.predictMs(Float64Array.of(6.5))).toBeCloseTo(4 ** (1 / 3), 12); // halfway from 3 to 10 goes left
  expect(tree.predictMs(Float64Array.of(6.6))).toBeCloseTo(8, 12);
});

test('no leaf holds fewer rows than it must', () => {
  const outlier = [1, 1, 1, 1, 1, 1, 1, 100].map((latencyMs, x) => ({ x: [x], latencyMs }));
  const trees = fitBoostedTrees(samplesOf(['size'], outlier), { ...plain, trees: 1, learningRate: 1, leafRows: 4 });
  expect(trees.predictMs(Float64Array.of(7))).toBeCloseTo(100 ** (1 / 4), 12); // with rows 4, 5 and 6
});

test('with the roofline as start, sizes beyond the samples follow its slope; from the mean they do not', () => {
  const line = samplesOf(
    ['class', 'flops', 'bytes'],
    Array.from({ length: 40 }, (_, i) => ({ x: [0, 1000 * (i + 1), 8], latencyMs: 0.5 + 0.001 * (i + 1) * 1000 })),
  );
  const beyond = Float64Array.of(0, 400_000, 8);
  expect(fitBoostedTrees(line).predictMs(beyond)).toBeCloseTo(400.5, 3);
  expect(fitBoostedTrees(line, { start: 'mean' }).predictMs(beyond)).toBeLessThan(45);
});

test('trees begin with the mean where more than a tenth of the units have no work counted', () => {
  const startOf = (unknown: number) => {
    const rows = Array.from({ length: 100 }, (_, i) => ({
      x: [0, i < unknown ? 0 : 1e6, i < unknown ? 0 : 8],
      latencyMs: 1 + i,
    }));
    return fitBoostedTrees(samplesOf(['class', 'flops', 'bytes'], rows), { trees: 1 }).toJSON().roofline;
  };
  expect(startOf(10)).not.toBeNull();
  expect(startOf(11)).toBeNull();
});

test('a column of more than 256 values is split to within one of 256 parts of the rows', () => {
  const many = Array.from({ length: 2000 }, (_, i) => ({ x: [i * i], latencyMs: i < 1234 ? 1 : 3 }));
  const tree = fitBoostedTrees(samplesOf(['size'], many), { ...plain, trees: 1, learningRate: 1, depth: 1 });
  const wrong = many.filter(({ x, latencyMs }) => Math.abs(tree.predictMs(Float64Array.from(x)) - latencyMs) > 0.1);
  expect(wrong.length).toBeLessThanOrEqual(2000 / 256);
});

test('the same seed gives the same trees, another seed others', () => {
  const trees = (seed: number) =>
    JSON.stringify(fitBoostedTrees(frozen, { trees: 5, rowShare: 0.5, featureShare: 0.5, seed }));
  expect(trees(1)).toBe(trees(1));
  expect(trees(1)).not.toBe(trees(2));
});

test('what was saved predicts the same to the bit', () => {
  const trees = fitBoostedTrees(frozen, { trees: 20 });
  const again = openPredictor(JSON.parse(JSON.stringify(trees)));
  const predictions = (of: LatencyPredictor, { x, latencyMs }: Samples) =>
    [...latencyMs.keys()].map((row) => of.predictMs(x, row * features.length));
  expect(predictions(again, frozen)).toEqual(predictions(trees, frozen));
});

describe('a file whose nodes are no trees is refused:', () => {
  const file = fitBoostedTrees(frozen, { ...plain, trees: 1, depth: 1 }).toJSON() as {
    right: number[];
    feature: number[];
  };
  test.each([
    ['a node that leads back', { ...file, right: file.right.map(() => 0) }, 'node 0 leads to node 0 of 3'],
    ['a feature there is not', { ...file, feature: [7, -1, -1] }, 'node 0 asks for feature 7 of 5'],
    ['arrays of different length', { ...file, value: [0] }, 'differ in length'],
    ['a tree without a node', { ...file, roots: [3] }, 'a tree begins at node 3 of 3'],
    ['a tree before the one that it follows', { ...file, roots: [2, 0] }, 'a tree begins at node 2 of 3'],
    ['leaves that no clock counts', { ...file, value: [0, 800, -800] }, 'add up to 8'],
    ['a base that no clock counts', { ...file, base: -1e9 }, 'add up to'],
    ['a floor of 0', { ...file, floorMs: 0 }, 'floorMs'],
    ['an unknown kind', { ...file, kind: 'forest' }, 'kind'],
  ])('%s', (_, json, message) => {
    expect(() => openPredictor(json, 'mine.json')).toThrow(InputError);
    expect(() => openPredictor(json, 'mine.json')).toThrow(message);
    expect(() => openPredictor(json, 'mine.json')).toThrow('mine.json: ');
  });
});
