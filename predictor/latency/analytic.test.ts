// The analytic predictors recover the constants that made their samples, and keep to what a time can be.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { nonNegativeLeastSquares } from './least-squares.js';
import { fitLinearFlops } from './linear-flops.js';
import {
  loadPredictor,
  openPredictor,
  type PredictorKind,
  predictorFits,
  predictorKinds,
  savePredictor,
} from './predictor.js';
import { fitRoofline } from './roofline-features.js';
import { samplesOf } from './samples.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-predictors-'));
afterAll(() => rmSync(folder, { recursive: true }));

const names = ['class', 'flops', 'bytes'];
const constants = [
  { fixedMs: 0.02, msPerFlop: 1e-9, msPerByte: 1e-7 },
  { fixedMs: 0.05, msPerFlop: 8e-9, msPerByte: 5e-8 },
];
/** 60 units of each of two classes, on both sides of the ridge. */
function roofSamples(seed: number) {
  const random = Rng.of(seed, 'test');
  return samplesOf(
    names,
    Array.from({ length: 120 }, (_, i) => {
      const { fixedMs, msPerFlop, msPerByte } = constants[i % 2]!;
      const [flops, bytes] = [10 ** (5 + 4 * random.uniform()), 10 ** (4 + 3 * random.uniform())];
      return { x: [i % 2, flops, bytes], latencyMs: fixedMs + Math.max(msPerFlop * flops, msPerByte * bytes) };
    }),
  );
}

describe('roofline', () => {
  test.each([0, 1, 2])('finds fixed cost and both ceilings of each class (seed %i)', (seed) => {
    const file = fitRoofline(roofSamples(seed)).toJSON() as { byClass: Record<string, Record<string, number>> };
    constants.forEach((expected, code) => {
      for (const [name, value] of Object.entries(expected))
        expect(file.byClass[code]![name]! / value, `seed ${seed}: ${name}`).toBeCloseTo(1, 6);
    });
  });

  test('a class that was not measured takes the constants of all', () => {
    const roofline = fitRoofline(roofSamples(0));
    const { any } = roofline.toJSON() as { any: { fixedMs: number } };
    expect(roofline.predictMs(Float64Array.of(9, 0, 0))).toBe(any.fixedMs);
  });
});

describe('linear in FLOPs', () => {
  test('finds the line, whatever the bytes', () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ x: [0, 1e6 * i, 7 ** (i % 5)], latencyMs: 0.3 + 0.002 * i }));
    const line = fitLinearFlops(samplesOf(names, rows));
    expect(line.predictMs(Float64Array.of(0, 5e7, 0))).toBeCloseTo(0.4, 9);
  });

  test('more work never takes less time, even if the samples say so', () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ x: [0, 1e6 * i, 1], latencyMs: 1 / (1 + i) }));
    const line = fitLinearFlops(samplesOf(names, rows));
    expect(line.predictMs(Float64Array.of(0, 1e9, 1))).toBe(line.predictMs(Float64Array.of(0, 0, 1)));
  });
});

describe('non-negative least squares', () => {
  test('leaves out a column that would be negative, as the optimality conditions ask', () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = Rng.of(seed, 'nnls');
      const column = () => Float64Array.from({ length: 12 }, () => random.normal());
      const [columns, target] = [[column(), column(), column()], column()];
      const found = nonNegativeLeastSquares(columns, target);
      const residual = target.map((value, i) => value - found.reduce((sum, c, j) => sum + c * columns[j]![i]!, 0));
      columns.forEach((one, j) => {
        const gradient = one.reduce((sum, value, i) => sum + value * residual[i]!, 0);
        expect(found[j], `seed ${seed}`).toBeGreaterThanOrEqual(0);
        if (found[j]! > 0) expect(Math.abs(gradient), `seed ${seed}`).toBeLessThan(1e-9);
        else expect(gradient, `seed ${seed}`).toBeLessThan(1e-9); // raising it from zero would not help
      });
    }
  });

  test('a column twice is used once, and zeros not at all', () => {
    const one = Float64Array.of(1, 2, 3);
    expect(nonNegativeLeastSquares([one, one, new Float64Array(3)], one)).toEqual([1, 0, 0]);
  });
});

describe.each(predictorKinds)('%s', (kind: PredictorKind) => {
  const samples = roofSamples(3);
  const predictor = predictorFits[kind](samples);

  test('comes back from its file to the bit, and reads rows at an offset', () => {
    const path = join(folder, `${kind}.json`);
    savePredictor(path, predictor);
    const again = loadPredictor(path);
    for (let row = 0; row < samples.latencyMs.length; row++)
      expect(again.predictMs(samples.x.slice(row * 3, row * 3 + 3))).toBe(predictor.predictMs(samples.x, row * 3));
  });

  test('predicts positive times', () => {
    expect(predictor.predictMs(Float64Array.of(0, 0, 0))).toBeGreaterThan(0);
  });

  test('says which feature it misses', () => {
    const few = samplesOf(['class', 'bytes'], [{ x: [0, 1], latencyMs: 1 }]);
    expect(() => predictorFits[kind](few)).toThrow('there is no feature "flops" among class, bytes');
  });
});

describe('mistakes are named:', () => {
  test.each([
    ['no rows', [], 'there is no row'],
    ['a short row', [{ x: [1], latencyMs: 1 }], 'row 0 has 1 numbers for 3 features'],
    ['no number', [{ x: [1, Number.NaN, 1], latencyMs: 1 }], 'row 0: flops is NaN, not finite'],
    ['no time', [{ x: [1, 1, 1], latencyMs: 0 }], 'row 0: the latency is 0 ms, not positive'],
  ])('%s', (_, rows, message) => {
    expect(() => samplesOf(names, rows)).toThrow(message);
  });

  test('a file that is none', () => {
    writeFileSync(join(folder, 'none.json'), 'latency');
    expect(() => loadPredictor(join(folder, 'none.json'))).toThrow('none.json: cannot be read as JSON');
  });
});

describe.each([
  ['roofline', fitRoofline(roofSamples(0)).toJSON()],
  ['linear-flops', fitLinearFlops(roofSamples(0)).toJSON()],
] as const)('a file of %s', (_, file) => {
  test.each([...Object.keys(file.any)])('whose %s no time can have is refused, in every place', (name) => {
    for (const value of [-1e-12, -5, 1e12, Number.NaN, Number.POSITIVE_INFINITY, '1', null])
      for (const changed of [
        { ...file, any: { ...file.any, [name]: value } },
        { ...file, byClass: { ...file.byClass, 1: { ...file.byClass[1], [name]: value } } },
        { ...file, byOperator: { 1: { 0: { ...file.any, [name]: value } } } },
      ])
        expect(() => openPredictor(changed, 'mine.json'), String(value)).toThrow(/^mine\.json: .*/);
  });
});
