import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { median, quantile } from '../../base/statistics/quantile.js';
import { bootstrapInterval } from './statistics.js';

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('quantile', () => {
  // [numpy.quantile([3.1, -2.0, 7.25, 0.5, 4.0, 11.0, 2.2], q) for q in (0, 0.025, 0.1, 0.5, 0.9, 0.975, 1)]
  const golden = [
    [0, -2.0],
    [0.025, -1.625],
    [0.1, -0.4999999999999998],
    [0.5, 3.1],
    [0.9, 8.750000000000002],
    [0.975, 10.437499999999998],
    [1, 11.0],
  ] as const;

  test.each(golden)('q = %d equals numpy.quantile', (q, expected) => {
    expect(quantile([3.1, -2.0, 7.25, 0.5, 4.0, 11.0, 2.2], q)).toBeCloseTo(expected, 12);
  });

  test('refuses no values and a q outside [0, 1]', () => {
    expect(() => quantile([], 0.5)).toThrow('no values');
    expect(() => quantile([1], 1.5)).toThrow('q is 1.5');
  });
});

describe('median', () => {
  test('is the middle value, or the mean of the middle two, and leaves its input as it was', () => {
    const values = [4, 1, 3, 2];
    expect(median(values)).toBe(2.5);
    expect(values).toEqual([4, 1, 3, 2]);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([7])).toBe(7);
    // Sorted as numbers, not as text.
    expect(median([10, 9, 100])).toBe(10);
  });
});

describe('bootstrapInterval', () => {
  // The bootstrap distribution of the median of 5 values has 5^5 equally likely samples; by enumeration:
  //   medians = [numpy.median(s) for s in itertools.product([10, 11, 12, 13, 20], repeat=5)]
  //   numpy.quantile(medians, [0.025, 0.975]) -> [10, 20];  numpy.quantile(medians, [0.25, 0.75]) -> [11, 13]
  const values = [12, 20, 10, 13, 11];

  test.each([
    [0.95, { low: 10, high: 20 }],
    [0.5, { low: 11, high: 13 }],
  ])('at %d equals the exact distribution over all samples, for 20 seeds', (confidence, expected) => {
    for (let seed = 0; seed < 20; seed++) {
      expect(bootstrapInterval(values, Rng.of(seed, 'test'), { confidence }), `seed ${seed}`).toEqual(expected);
    }
  });

  test('takes another statistic: the mean of 3 values at 90 %', () => {
    // means = [numpy.mean(s) for s in itertools.product([1, 2, 4], repeat=3)]; numpy.quantile(means, [0.05, 0.95])
    const { low, high } = bootstrapInterval([1, 2, 4], Rng.of(7, 'test'), { statistic: mean, confidence: 0.9 });
    expect(low).toBeCloseTo(4 / 3, 12);
    expect(high).toBeCloseTo(10 / 3, 12);
  });

  test('of a normal sample comes close to the textbook interval of the mean', () => {
    const draw = Rng.of(3, 'normal');
    const sample = Array.from({ length: 400 }, () => 5 + 2 * draw.normal());
    const centre = mean(sample);
    const deviation = Math.sqrt(mean(sample.map((value) => (value - centre) ** 2)));
    const half = (1.959964 * deviation) / Math.sqrt(sample.length);
    const interval = bootstrapInterval(sample, Rng.of(3, 'test'), { statistic: mean });
    expect(interval.low).toBeCloseTo(centre - half, 1);
    expect(interval.high).toBeCloseTo(centre + half, 1);
  });

  test('depends on its stream alone, and has no width where nothing varies', () => {
    const sample = [1, 5, 2, 8, 3, 3.5];
    const once = bootstrapInterval(sample, Rng.of(1, 'a'), { statistic: mean });
    expect(bootstrapInterval(sample, Rng.of(1, 'a'), { statistic: mean })).toEqual(once);
    expect(bootstrapInterval(sample, Rng.of(2, 'a'), { statistic: mean })).not.toEqual(once);
    expect(bootstrapInterval([4], Rng.of(0, 'a'))).toEqual({ low: 4, high: 4 });
    expect(bootstrapInterval([4, 4, 4], Rng.of(0, 'a'))).toEqual({ low: 4, high: 4 });
  });

  test('refuses an empty sample and options without sense', () => {
    expect(() => bootstrapInterval([], Rng.of(0, 'a'))).toThrow('no values');
    expect(() => bootstrapInterval([1], Rng.of(0, 'a'), { confidence: 95 })).toThrow('confidence is 95');
    expect(() => bootstrapInterval([1], Rng.of(0, 'a'), { resamples: 0 })).toThrow('0 resamples');
  });
});
