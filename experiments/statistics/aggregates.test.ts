// Against rliable 1.2 (google-research): values of its functions on scores that are frozen here, tasks in rows.
//   scores = numpy.random.RandomState(7): a = rand(5, 4) * 1.2, b = rand(7, 4), runs x tasks
import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import {
  aggregates,
  performanceProfile,
  probabilityOfImprovement,
  type Scores,
  stratifiedInterval,
} from './aggregates.js';

const a: Scores = [
  [0.0915699472487486, 1.173587414395923, 0.3221267761222454, 0.45712935977824604, 0.2560624242958986],
  [0.9359025506881375, 0.6461950444925204, 0.5998590009906719, 0.07912361628708613, 0.5425487541812197],
  [0.5260910777290722, 0.6013445563919254, 0.8150759953451285, 0.34577471916959224, 1.117447223626826],
  [0.8681582133971294, 0.08646136003171385, 0.9644868433252505, 1.0915122332635363, 0.029879073060417614],
];
const b: Scores = [
  [
    0.6005489174641225, 0.9091283748867313, 0.6690132408839138, 0.372384689385059, 0.7686475065195093,
    0.4528429325464004, 0.45909297789143144,
  ],
  [
    0.9501295004136456, 0.13316944575925016, 0.4677528597449807, 0.4774011548515884, 0.31399467721266217,
    0.3529783659443947, 0.7193241225090415,
  ],
  [
    0.2303028790209648, 0.5234125806737658, 0.20484909029779508, 0.36589038578059296, 0.572625332643954,
    0.6573994627797582, 0.4129918291138346,
  ],
  [
    0.5484899192360304, 0.7504098591020348, 0.49076588909107044, 0.8379179943092606, 0.2760490483306951,
    0.3703510829880352, 0.9064232691643387,
  ],
];

test.each([
  ['iqm', a, 0.5724303497597751],
  ['iqm', b, 0.5053623478067103],
  ['median', a, 0.5844126689717684],
  ['median', b, 0.5425112277612163],
  ['mean', a, 0.5775168091910645],
  ['mean', b, 0.528367406733745],
  ['optimalityGap', a, 0.4416105343732498],
  ['optimalityGap', b, 0.47163259326625495],
] as const)('%s equals rliable.metrics.aggregate_*', (name, scores, expected) => {
  expect(Math.abs(aggregates[name](scores) - expected)).toBeLessThan(1e-9);
});

test('the probability of improvement equals rliable.metrics.probability_of_improvement, ties included', () => {
  expect(probabilityOfImprovement(a, b)).toBeCloseTo(0.55, 9);
  expect(
    probabilityOfImprovement(
      [
        [1.0, 2.0, 3.0],
        [2.0, 2.0, 1.0],
      ],
      [
        [2.0, 1.0],
        [2.0, 3.0],
      ],
    ),
  ).toBeCloseTo(0.41666666666666663, 9);
  expect(probabilityOfImprovement(a, b) + probabilityOfImprovement(b, a)).toBeCloseTo(1, 12);
  expect(() => probabilityOfImprovement(a, b.slice(1))).toThrow('4 and 3 tasks');
});

test('performance profiles equal rliable.library.create_performance_profile', () => {
  const thresholds = [0.0, 0.19999999999999998, 0.39999999999999997, 0.6, 0.7999999999999999, 0.9999999999999999, 1.2];
  const expected = {
    a: [1.0, 0.8, 0.65, 0.45, 0.35, 0.15, 0.0],
    b: [1.0, 0.9642857142857143, 0.6785714285714286, 0.35714285714285715, 0.14285714285714285, 0.0, 0.0],
  };
  for (const [i, value] of performanceProfile(a, thresholds).entries()) expect(value).toBeCloseTo(expected.a[i]!, 9);
  for (const [i, value] of performanceProfile(b, thresholds).entries()) expect(value).toBeCloseTo(expected.b[i]!, 9);
});

describe('intervals', () => {
  // rliable.library.get_interval_estimates(..., reps=20000): rows low and high, columns IQM and optimality gap.
  test.each([
    [
      a,
      [
        [0.3735295631545933, 0.3020883251168727],
        [0.7792077812462631, 0.5813567632410436],
      ],
    ],
    [
      b,
      [
        [0.42503069950082484, 0.39470030753543084],
        [0.6065466098897091, 0.5462423329731178],
      ],
    ],
  ] as const)('are those of rliable within the error of their draws', (scores, [low, high]) => {
    for (const [i, name] of (['iqm', 'optimalityGap'] as const).entries()) {
      const interval = stratifiedInterval([scores], aggregates[name], Rng.of(1, name), { resamples: 20_000 });
      expect(Math.abs(interval.low - low![i]!)).toBeLessThan(0.01);
      expect(Math.abs(interval.high - high![i]!)).toBeLessThan(0.01);
    }
  });

  test('of two samples draw each on its own; where nothing varies they have no width', () => {
    const { low, high } = stratifiedInterval([a, b], probabilityOfImprovement, Rng.of(0));
    expect(low).toBeLessThan(probabilityOfImprovement(a, b));
    expect(high).toBeGreaterThan(probabilityOfImprovement(a, b));
    expect(stratifiedInterval([[[1], [2]]], aggregates.mean, Rng.of(0))).toEqual({ low: 1.5, high: 1.5 });
    expect(() => stratifiedInterval([[[1], []]], aggregates.mean, Rng.of(0))).toThrow('no run');
  });
});
