// Realisations of load processes against their parameters.
import { describe, expect, test } from 'vitest';
import { checkLoad, type LoadInterval, type LoadProcess, loadIntervals } from './load-process.js';

const none = { cpu: 0, gpu: 0, memory: 0 };

describe('a Markov-modulated process', () => {
  const load: LoadProcess = {
    kind: 'markov',
    states: [
      { ...none, meanMs: 6 },
      { ...none, cpu: 0.3, meanMs: 3 },
      { ...none, cpu: 0.9, meanMs: 1 },
    ],
  };
  const levels = [0, 0.3, 0.9];
  const first = (count: number, seed: number): LoadInterval[] => {
    const intervals = loadIntervals(load, seed);
    return Array.from({ length: count }, () => intervals.next().value!);
  };

  test('is the same for the same seed, another for another', () => {
    expect(first(50, 7)).toEqual(first(50, 7));
    expect(first(50, 7)).not.toEqual(first(50, 8));
  });

  test('stays in a state for exponential times of its mean, then jumps to any other alike', () => {
    const intervals = first(30_001, 1);
    const jumps = new Map<string, number>();
    const stays: [number[], number[], number[]] = [[], [], []];
    intervals.slice(0, -1).forEach(({ cpu, fromMs }, i) => {
      const next = intervals[i + 1]!;
      stays[levels.indexOf(cpu)]!.push(next.fromMs - fromMs);
      jumps.set(`${cpu}>${next.cpu}`, (jumps.get(`${cpu}>${next.cpu}`) ?? 0) + 1);
    });
    [6, 3, 1].forEach((meanMs, state) => {
      const times = stays[state]!;
      const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
      // Standard error of 10,000 exponential times: 1 %.
      expect(mean / meanMs).toBeGreaterThan(0.95);
      expect(mean / meanMs).toBeLessThan(1.05);
      // exp(-1) of exponential times are above their mean.
      expect(times.filter((time) => time > meanMs).length / times.length).toBeCloseTo(Math.exp(-1), 1);
    });
    expect(jumps.size).toBe(6);
    for (const count of jumps.values()) expect(count / 5000).toBeCloseTo(1, 0);
  });

  test('starts in its stationary distribution', () => {
    const starts = Array.from({ length: 2000 }, (_, seed) => first(1, seed)[0]!.cpu);
    [0.6, 0.3, 0.1].forEach((probability, state) => {
      const share = starts.filter((cpu) => cpu === levels[state]).length / starts.length;
      expect(Math.abs(share - probability)).toBeLessThan(0.04);
    });
  });
});

test('a recorded process is replayed as it is, whatever the seed', () => {
  const samples = [
    { ...none, atMs: 0 },
    { ...none, gpu: 0.5, atMs: 10 },
  ];
  expect([...loadIntervals({ kind: 'recorded', samples }, 3)]).toEqual([
    { ...none, fromMs: 0 },
    { ...none, gpu: 0.5, fromMs: 10 },
  ]);
});

test.each<[string, LoadProcess, RegExp]>([
  ['no state', { kind: 'markov', states: [] }, /has no state/],
  ['all of the CPU', { kind: 'markov', states: [{ ...none, cpu: 1, meanMs: 1 }] }, /state 0 has cpu 1, outside/],
  ['no time', { kind: 'markov', states: [{ ...none, meanMs: 0 }] }, /lasts 0 ms/],
  ['a late start', { kind: 'recorded', samples: [{ ...none, atMs: 1 }] }, /sample 0 is at 1 ms/],
  [
    'time that goes back',
    { kind: 'recorded', samples: [0, 5, 5].map((atMs) => ({ ...none, atMs })) },
    /sample 2 is at 5 ms, after one at 5/,
  ],
])('%s is refused', (_, load, message) => {
  expect(() => checkLoad(load)).toThrow(message);
});
