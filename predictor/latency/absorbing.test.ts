import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { absorbedMs, fitAbsorbing } from './absorbing.js';
import { openPredictor, predictorFits } from './predictor.js';
import { samplesOf } from './samples.js';

const random = Rng.of(0, 'absorbing');
/** Units of class 1 behind a producer of class 0 are absorbed; each other takes 1 ms for each million FLOP. */
const rows = Array.from({ length: 400 }, () => {
  const [opClass, producer] = [random.integer(2), random.integer(2)];
  const flops = 1e5 * (1 + random.integer(100));
  const absorbed = opClass === 1 && producer === 0;
  return { x: [opClass, flops, flops / 10, producer], latencyMs: absorbed ? absorbedMs : flops / 1e6 };
});
const samples = samplesOf(['class', 'flops', 'bytes', 'producerClass'], rows);
const predictor = fitAbsorbing(samples, predictorFits['boosted-trees']);

test('a unit whose work a neighbour does takes nothing, and any other what units with kernels take', () => {
  const x = new Float64Array([1, 2e6, 2e5, 0, 1, 2e6, 2e5, 1]);
  expect(predictor.predictMs(x)).toBe(0);
  expect(predictor.predictMs(x, 4)).toBeCloseTo(2, 1);
  // One regression of both gives a unit in between, and sums that are too small.
  const sums = [0, 0];
  rows.forEach(({ latencyMs }, row) => {
    sums[0]! += latencyMs;
    sums[1]! += predictor.predictMs(samples.x, row * 4);
  });
  expect(sums[1]! / sums[0]!).toBeCloseTo(1, 2);
});

test('it is kept as JSON to the bit', () => {
  const opened = openPredictor(JSON.parse(JSON.stringify(predictor)));
  for (let row = 0; row < rows.length; row++)
    expect(opened.predictMs(samples.x, row * 4)).toBe(predictor.predictMs(samples.x, row * 4));
});

test('where nothing is absorbed it is the plain fit', () => {
  const plain = samplesOf(
    samples.features,
    rows.filter(({ latencyMs }) => latencyMs !== absorbedMs),
  );
  expect(fitAbsorbing(plain, predictorFits.roofline).toJSON()).toEqual(predictorFits.roofline(plain).toJSON());
});
