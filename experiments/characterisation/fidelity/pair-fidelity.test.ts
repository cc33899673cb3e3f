// Pairs whose throughput follows a known rule are predicted when left out.
import { expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import type { PairThroughput } from '../../../predictor/measurements/openvino.js';
import { pairFidelity } from './pair-fidelity.js';

/** Models on chips; `both` is what the pair does together. */
function made(both: (cpuPerS: number, gpuPerS: number, chip: number) => number): PairThroughput[] {
  const rng = Rng.of(0, 'pairs');
  return [0, 1, 2].flatMap((chip) =>
    Array.from({ length: 8 }, (_, model) => {
      const [cpuPerS, gpuPerS] = [10 + 90 * rng.uniform(), 10 + 190 * rng.uniform()];
      const bothPerS = both(cpuPerS, gpuPerS, chip);
      return { model: `m${model}`, chip: `c${chip}`, tdpW: 15, cpuPerS, gpuPerS, bothPerS };
    }),
  );
}
const errorOf = (pairs: readonly PairThroughput[], leftOut: string, predictor: string): number =>
  pairFidelity(pairs).find((row) => row.chip === 'all' && row.leftOut === leftOut && row.predictor === predictor)!
    .errorMedian;

test('rates of each chip, one rate, and a budget of power, each by the predictor that has it', () => {
  const chips = made((cpu, gpu, chip) => (0.4 + 0.1 * chip) * cpu + (0.9 - 0.2 * chip) * gpu);
  expect(errorOf(chips, 'model', 'chip-rates')).toBeLessThan(1e-9);
  const one = made((cpu, gpu) => 0.7 * (cpu + gpu));
  expect(errorOf(one, 'chip', 'rate')).toBeLessThan(1e-9);
  expect(errorOf(one, 'model', 'chip-rate')).toBeLessThan(1e-9);
  // Power as the square of the rate: the best split gives the root of the sum of squares.
  expect(
    errorOf(
      made((cpu, gpu) => Math.hypot(cpu, gpu)),
      'chip',
      'budget',
    ),
  ).toBeLessThan(1e-9);
  expect(
    errorOf(
      made((cpu, gpu) => Math.max(cpu, gpu)),
      'chip',
      'better',
    ),
  ).toBe(0);
});

test('the budget is the best split by brute force', () => {
  // Either alone draws all of the budget at its rate, and power grows with the cube of it: n = 1.5.
  const [cpu, gpu] = [30, 50];
  let best = 0;
  for (let x = 0; x <= 1; x += 1e-5) best = Math.max(best, cpu * x ** (1 / 3) + gpu * (1 - x) ** (1 / 3));
  expect(best).toBeCloseTo((cpu ** 1.5 + gpu ** 1.5) ** (1 / 1.5), 4);
});

test('one chip has no chip to leave out, one model none', () => {
  const [first] = made((cpu, gpu) => cpu + gpu) as [PairThroughput];
  expect(pairFidelity([first]).map(({ predictor }) => predictor)).toEqual(expect.not.arrayContaining(['rate']));
});
