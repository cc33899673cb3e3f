// Held-out evaluation on data whose answer is known; and, where the public data are, the figures that are promised.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCsv } from '../../../base/files/csv.js';
import { packageRoot } from '../../../base/files/paths.js';
import { samplesOf } from '../../../predictor/latency/samples.js';
import { foldsByModel, predictHeldOut, summarizeErrors } from './held-out.js';
import { fitNetworkTime } from './network-time.js';
import { orinData, type PredictorData, phoneData } from './predictor-data.js';
import { predictorFidelity } from './predictor-fidelity.js';
import { fidelityColumns, fidelityMarkdown, writePredictorTables } from './predictor-tables.js';

test('folds part whole models, evenly, the same for every order of rows', () => {
  const models = Array.from({ length: 12 }, (_, i) => `net${i}`);
  const folds = foldsByModel([...models, ...models], 5, 0);
  const counts = [0, 1, 2, 3, 4].map((fold) => [...folds.values()].filter((one) => one === fold).length);
  expect(counts).toEqual([3, 3, 2, 2, 2]);
  expect(foldsByModel(models.toReversed(), 5, 0)).toEqual(folds);
  expect(foldsByModel(models, 5, 1)).not.toEqual(folds);
});

test('no row is predicted by what saw its model', () => {
  const models = ['a', 'a', 'b', 'c', 'b', 'd'];
  const samples = samplesOf(
    ['class'],
    models.map((_, row) => ({ x: [row], latencyMs: 1 + row })),
  );
  const folds = foldsByModel(models, 2, 0);
  const seen: string[][] = [];
  const predicted = predictHeldOut(samples, models, folds, (training) => {
    const fold = seen.push([...new Set([...training.x].map((row) => models[row]!))]) - 1;
    return { features: ['class'], predictMs: () => fold, toJSON: () => null };
  });
  models.forEach((model, row) => {
    expect(seen[predicted[row]!]).not.toContain(model);
  });
  expect(seen.flat().sort()).toEqual(['a', 'b', 'c', 'd']);
});

test('errors are relative to what was measured', () => {
  // 10 % above, 50 % below, exact, twice
  expect(summarizeErrors([11, 5, 10, 20], [10, 10, 10, 10])).toEqual({
    medianPercent: expect.closeTo(30, 9),
    meanPercent: expect.closeTo(40, 9),
    within10Percent: 25 * [11, 10].filter((value) => 100 * Math.abs(value / 10 - 1) <= 10).length,
  });
});

test('dispatch is found where networks are made of it', () => {
  const networks = Array.from({ length: 9 }, (_, i) => ({ parts: 10 + i * i, sumMs: 5 + 3 * i }));
  const time = fitNetworkTime(
    networks.map(({ parts, sumMs }) => ({ parts, sumMs, networkMs: 2 + 0.1 * parts + 1.2 * sumMs })),
  );
  expect(time.fixedMs).toBeCloseTo(2, 6);
  expect(time.msPerPart).toBeCloseTo(0.1, 6);
  expect(time.factor).toBeCloseTo(1.2, 6);
});

/** Ten models of ten units, whose time is a line in FLOPs; bytes say nothing. */
const straight: PredictorData = {
  dataset: 'phones',
  device: 'made up',
  samples: samplesOf(
    ['class', 'flops', 'bytes'],
    Array.from({ length: 100 }, (_, i) => ({ x: [0, 1e6 * (1 + i), 1], latencyMs: 0.1 + 0.01 * (1 + i) })),
  ),
  models: Array.from({ length: 100 }, (_, i) => `net${Math.floor(i / 10)}`),
  networkMs: null,
};

test('a device that is a line is predicted by the line, and by trees that begin with it', () => {
  for (const { predictor, unitMeanPercent, networkMedianPercent } of predictorFidelity(straight)) {
    expect(unitMeanPercent, predictor).toBeLessThan(1e-6);
    expect(networkMedianPercent).toBeNull();
  }
});

test('the table has a line for each row, empty where networks were not measured', () => {
  const lines = fidelityMarkdown(predictorFidelity(straight)).trim().split('\n');
  expect(lines.slice(-3).map((line) => line.split(' | ')[2])).toEqual(['boosted-trees', 'roofline', 'linear-flops']);
  expect(lines.at(-1)).toMatch(/\|\s+\|\s+\|$/);
});

test('the figure shows each predictor of each device, and only what was measured', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparoa-predictors-'));
  try {
    const rows = predictorFidelity(straight);
    const networks = rows.map((row) => ({ ...row, device: 'other', networkMedianPercent: 5 }));
    // Units and sums of two devices, networks of one; three predictors each.
    for (const [some, points] of [
      [rows, 2 * 3],
      [[...rows, ...networks], 2 * 2 * 3 + 3],
    ] as const) {
      const { svg } = await writePredictorTables(folder, some);
      expect(svg.match(/aria-roledescription="point"/g)).toHaveLength(points);
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
    expect(readdirSync(folder).sort()).toEqual(['md', 'csv', 'png', 'svg'].map((kind) => `predictors.${kind}`).sort());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const data = process.env.SPAROA_GYM_TEST_DATA;
const reason = data ? '' : ' (skipped: SPAROA_GYM_TEST_DATA names no folder with the public measurements)';

describe.skipIf(!data)(`models left out of the public data${reason}`, () => {
  const committed = readCsv(join(packageRoot, 'results', 'reference', 'fidelity', 'predictors.csv'), fidelityColumns);

  test.each([
    ['phones', 'pixel4', { unit: 6, sum: 8 }],
    ['jetson-agx-orin', 'maxn', { unit: 18, sum: 15 }],
  ] as const)(
    '%s, %s: within the promised errors, better than analytic models, as committed',
    (dataset, device, limit) => {
      const sets = dataset === 'phones' ? phoneData(data!) : orinData(data!);
      const rows = predictorFidelity(sets.find((set) => set.device === device)!);
      const [trees, ...analytic] = rows;
      expect(trees!.unitMedianPercent).toBeLessThanOrEqual(limit.unit);
      expect(trees!.sumMedianPercent).toBeLessThanOrEqual(limit.sum);
      if (dataset === 'phones') expect(trees!.networkMedianPercent).toBeLessThanOrEqual(limit.sum);
      for (const other of analytic) {
        expect(trees!.unitMedianPercent).toBeLessThan(other.unitMedianPercent);
        expect(trees!.sumMedianPercent).toBeLessThan(other.sumMedianPercent);
      }
      const kept = committed.filter((row) => row.dataset === dataset && row.device === device);
      expect(kept.map((row) => row.predictor)).toEqual(rows.map(({ predictor }) => predictor));
      rows.forEach((row, at) => {
        for (const column of fidelityColumns.slice(3))
          if (row[column] !== null) expect(Number(kept[at]![column]), column).toBeCloseTo(row[column] as number, 6);
      });
    },
  );

  test('the committed table keeps every phone within the promised errors', () => {
    const trees = committed.filter((row) => row.dataset === 'phones' && row.predictor === 'boosted-trees');
    expect(trees).toHaveLength(6);
    for (const row of trees) {
      expect(Number(row.unitMedianPercent), row.device).toBeLessThanOrEqual(6);
      expect(Number(row.networkMedianPercent), row.device).toBeLessThanOrEqual(8);
    }
  });
});
