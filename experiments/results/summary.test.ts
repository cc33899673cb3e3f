import { describe, expect, test } from 'vitest';
import { interquartileMean } from '../statistics/statistics.js';
import { type ResultRow, summaryRows as summarize } from './summary.js';

const row = (variant: string, seed: number, episode: number, value: number, scheduler = 'sac'): ResultRow => ({
  variant,
  env: 'SparOA/Share-v0',
  model: 'm',
  modelHash: 'mh',
  profile: 'p',
  profileHash: 'h',
  kind: 'simulated',
  weakestSource: 'derived',
  execution: 'serial',
  scheduler,
  decision: 'planned',
  seed,
  episode,
  metric: 'latencyMs',
  value,
});

const summaryRows = (rows: readonly ResultRow[], reference: string) =>
  summarize(rows, { reference, objectiveOf: () => 'latencyMs' });

describe('the interquartile mean', () => {
  // scipy.stats.trim_mean(values, proportiontocut=0.25)
  test.each([
    [[1, 2, 3, 4, 100], 3],
    [[5.5, 1.25, 9, 2, 7.75, 3, 8, 4], 5.0625],
    [[3], 3],
    [[1, 4], 2.5],
  ])('of %j is %d, as SciPy trims it', (values, expected) => {
    expect(interquartileMean(values)).toBeCloseTo(expected, 12);
  });
});

describe('the summary', () => {
  test('is over seeds where there is one episode, and over episodes, medians of seeds, where there are several', () => {
    const seeds = [4, 1, 2, 3].map((value, seed) => row('', seed, 0, value));
    expect(summaryRows(seeds, '')).toMatchObject([{ n: 4, iqm: 2.5, median: 2.5, differencePercent: null }]);
    const episodes = [0, 1].flatMap((episode) =>
      [1, 2, 9].map((value, seed) => row('', seed, episode, value + episode)),
    );
    expect(summaryRows(episodes, '')).toMatchObject([{ n: 2, median: 2.5 }]);
  });

  test('pairs a variant with the first one by seed and episode', () => {
    // Seeds differ by a factor of 10; within each the variant is 10 % slower.
    const rows = [1, 10, 100].flatMap((base, seed) => [row('full', seed, 0, base), row('less', seed, 0, 1.1 * base)]);
    const [full, less] = summaryRows(rows, 'full');
    expect(full!.differencePercent).toBeNull();
    expect(less!.differencePercent).toBeCloseTo(10, 9);
    expect(less!.differencePercentLow).toBeCloseTo(10, 9);
    expect(less!.differencePercentHigh).toBeCloseTo(10, 9);
  });

  test('has no difference where the first variant has no such seed, and no interval of one value', () => {
    const rows = [
      row('full', 0, 0, 2),
      row('less', 1, 0, 3),
      row('full', 0, 0, 5, 'greedy'),
      row('less', 0, 0, 4, 'greedy'),
    ];
    const summary = summaryRows(rows, 'full');
    expect(
      summary.find(({ variant, scheduler }) => variant === 'less' && scheduler === 'sac')!.differencePercent,
    ).toBeNull();
    expect(summary.find(({ variant, scheduler }) => variant === 'less' && scheduler === 'greedy')).toMatchObject({
      n: 1,
      low: null,
      differencePercent: expect.closeTo(-20, 9),
      differencePercentLow: null,
    });
  });

  test('says how far a scheduler is behind the one ranked above it, episode by episode', () => {
    // By hand: per episode medians over seeds; the slow one is 50 % behind in the first and 100 % in the second.
    const rows = [0, 1].flatMap((episode) => [
      ...[0, 1, 2].map((seed) => row('', seed, episode, [1, 2, 30][seed]! * (episode + 1), 'fast')),
      row('', 0, episode, 3 * (episode + 1) + 2 * episode, 'slow'),
      row('', 0, episode, 100, 'last'),
    ]);
    const [fast, slow, last] = summaryRows(rows, '');
    expect(fast).toMatchObject({ behindPercent: null, behindPercentLow: null, behindPercentHigh: null });
    expect(slow!.behindPercent).toBeCloseTo((50 + 100) / 2, 9);
    expect(slow!.behindPercentLow).toBeCloseTo(50, 9);
    expect(slow!.behindPercentHigh).toBeCloseTo(100, 9);
    expect(last!.behindPercent).toBeCloseTo(((100 / 3 - 1) * 100 + (100 / 8 - 1) * 100) / 2, 9);
  });

  test('compares one that draws nothing with every seed, other cells, variants and metrics apart', () => {
    const learned = [3, 4, 5].map((value, seed) => row('', seed, 0, value));
    const [sac, greedy] = summaryRows([...learned, row('', 0, 0, 6, 'greedy')], '');
    expect(sac!.behindPercent).toBeNull();
    expect(greedy!.behindPercent).toBeCloseTo((100 + 50 + 20) / 3, 9);
    const apart = [
      row('', 0, 0, 1, 'a'),
      { ...row('', 0, 0, 2, 'b'), model: 'other' },
      row('other', 0, 0, 2, 'b'),
      { ...row('', 0, 0, 2, 'b'), metric: 'energyMj' },
    ];
    expect(summaryRows(apart, '').map(({ behindPercent }) => behindPercent)).toEqual([null, null, null, null]);
  });
});
