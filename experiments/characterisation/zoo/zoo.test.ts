// The fit against devices whose constants are known, and the promised figures where the public data are.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../../base/files/paths.js';
import { Rng } from '../../../base/random/rng.js';
import { median } from '../../../base/statistics/quantile.js';
import { dataReason, ncnnData, testData } from '../../../test/fixtures/public-data.js';
import { writeZoo } from './fit-zoo.js';
import { fitConstants, fitPrior, inverse, predictedMs, type Rows } from './shared-prior.js';
import { byMajority, byPrediction, type Pair, scoreOf } from './winners.js';
import { zooFidelity } from './zoo-fidelity.js';
import { writeZooFidelity } from './zoo-tables.js';

const folder = mkdtempSync(join(tmpdir(), 'zoo-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Devices whose logarithms of constants vary together: a fast one is fast in all. */
function devicesOf(rng: Rng, count: number, networks: number, noise: number) {
  return Array.from({ length: count }, () => {
    const speed = rng.normal();
    const log = [-3, -5, -4].map((mean) => mean + speed + 0.2 * rng.normal());
    const terms = Array.from({ length: networks }, () => [1, 2, 3].map(() => Math.exp(2 * rng.normal())));
    return { log, rows: { terms, ms: terms.map((row) => predictedMs(log, row) * Math.exp(noise * rng.normal())) } };
  });
}

describe('constants with a prior that devices share', () => {
  test('are found where measurements have no noise', () => {
    const devices = devicesOf(Rng.of(1, 'zoo'), 12, 15, 0);
    const prior = fitPrior(
      devices.map(({ rows }) => rows),
      25,
    );
    for (const { log, rows } of devices)
      for (const [at, value] of fitConstants(rows, prior).log.entries())
        expect(Math.abs(value - log[at]!)).toBeLessThan(0.1);
  });

  test('of a device with one network are nearer with the prior than without: networks that it did not run', () => {
    const rng = Rng.of(2, 'zoo');
    const devices = devicesOf(rng, 30, 15, 0.1);
    const prior = fitPrior(
      devices.map(({ rows }) => rows),
      15,
    );
    const flat = {
      ...prior,
      covariance: inverse(inverse(prior.covariance).map((row, i) => row.map((_, j) => (i === j ? 1e-2 : 0)))),
    };
    const error = (use: typeof prior) =>
      median(
        devicesOf(rng, 40, 10, 0.1).flatMap(({ rows }) => {
          const one: Rows = { terms: rows.terms.slice(0, 1), ms: rows.ms.slice(0, 1) };
          const { log } = fitConstants(one, use);
          return rows.terms.slice(1).map((row, at) => Math.abs(Math.log(predictedMs(log, row) / rows.ms[at + 1]!)));
        }),
      );
    expect(error(prior)).toBeLessThan(0.6 * error(flat));
  });

  test('have posteriors that cover the truth as often as they say', () => {
    const devices = devicesOf(Rng.of(3, 'zoo'), 60, 8, 0.2);
    const prior = fitPrior(
      devices.map(({ rows }) => rows),
      15,
    );
    const inside = devices.flatMap(({ log, rows }) => {
      const found = fitConstants(rows, prior);
      return log.map((value, at) => Math.abs(value - found.log[at]!) < 1.96 * Math.sqrt(found.covariance[at]![at]!));
    });
    expect(inside.filter(Boolean).length / inside.length).toBeGreaterThan(0.88);
  });

  test('do not follow one outlier', () => {
    const [device] = devicesOf(Rng.of(4, 'zoo'), 1, 15, 0.05);
    const prior = {
      mean: [-3, -5, -4],
      covariance: [0, 1, 2].map((i) => [0, 1, 2].map((j) => (i === j ? 1 : 0))),
      noise: 0.05,
    };
    const shift = (rows: Rows) => fitConstants(rows, prior).log;
    const wild = { ...device!.rows, ms: device!.rows.ms.map((ms, at) => (at === 3 ? 20 * ms : ms)) };
    for (const [at, value] of shift(wild).entries())
      expect(Math.abs(value - shift(device!.rows)[at]!)).toBeLessThan(0.3);
  });
});

test('the faster processor: right, and time lost, by hand', () => {
  const pair = (chip: string, measuredMs: [number, number], predictedMs: [number, number]): Pair => ({
    chip,
    model: 'm',
    measuredMs,
    predictedMs,
  });
  const pairs = [
    pair('a', [1, 2], [2, 1]),
    pair('a', [1, 3], [1, 2]),
    pair('a', [4, 1], [4, 1]),
    pair('b', [5, 1], [5, 6]),
  ];
  expect(scoreOf(pairs, byPrediction)).toEqual({ pairs: 4, accuracy: 0.5, lost: 10 ** (1 / 4) - 1 });
  expect(scoreOf(pairs, byMajority(pairs)).accuracy).toBe(0.75);
  expect(scoreOf(pairs, byMajority(pairs)).lost).toBeCloseTo(4 ** (1 / 4) - 1, 12);
});

describe.skipIf(testData === null)(`ncnn's networks left out${dataReason}`, () => {
  test('are predicted as promised', { tags: 'gate', timeout: 300_000 }, () => {
    const { errors, winner, newWinners, flagged } = zooFidelity(ncnnData());
    const over = (processor: string, of: 'leftOut' | 'known' | 'new3') =>
      median(errors.filter((row) => row.processor === processor).flatMap((row) => row[of] ?? []));
    expect(over('cpu', 'leftOut')).toBeLessThan(15);
    expect(over('gpu', 'leftOut')).toBeLessThan(24);
    expect(over('cpu', 'known')).toBeLessThan(9);
    expect(over('gpu', 'known')).toBeLessThan(18);
    expect(over('cpu', 'new3')).toBeLessThan(16);
    expect(over('gpu', 'new3')).toBeLessThan(33);
    expect(winner.accuracy).toBeGreaterThan(0.88);
    expect(winner.lost).toBeLessThan(0.04);
    expect(newWinners.find(([count]) => count === 3)![1].accuracy).toBeGreaterThan(0.79);
    expect(flagged).toEqual(['vision_transformer']);
    writeZooFidelity(ncnnData(), folder);
    for (const name of ['ncnn.csv', 'ncnn-winners.csv', 'ncnn-networks.csv', 'ncnn.md'])
      expect(readFileSync(join(folder, name), 'utf8'), name).toBe(
        readFileSync(join(packageRoot, 'results', 'reference', 'fidelity', name), 'utf8'),
      );
  });

  test('give the constants that ship', () => {
    const shipped = readFileSync(join(packageRoot, 'predictor', 'profiles', 'zoo', 'ncnn.json'), 'utf8');
    expect(JSON.parse(readFileSync(writeZoo(testData!, folder), 'utf8'))).toEqual(JSON.parse(shipped));
  });
});
