// Closed pipelines against closed forms, and against the recurrence that defines them.
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../base/errors/input-error.js';
import { Rng } from '../../../base/random/rng.js';
import { type Pipeline, simulatePipeline, steadyMsPerTask } from './pipeline.js';

const makespan = (pipeline: Pipeline) => simulatePipeline(pipeline).makespanMs;
const steady = (pipeline: Pipeline, warmUp?: number) =>
  steadyMsPerTask(simulatePipeline(pipeline), pipeline.tasks, warmUp);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** A pipeline of up to five chunks, some of which compute nothing. */
function drawn(seed: number): Pipeline {
  const rng = Rng.of(seed, 'pipeline');
  const workMs = Array.from({ length: 1 + rng.integer(5) }, () => (rng.uniform() < 0.2 ? 0 : 10 * rng.uniform()));
  return { workMs, buffers: 1 + rng.integer(8), tasks: 1 + rng.integer(60) };
}

describe('without interference', () => {
  test('with enough buffers a task takes as long as the widest chunk, all n the sum and n - 1 times the widest', () => {
    const workMs = [3, 7, 0, 5];
    expect(steady({ workMs, buffers: 31, tasks: 100 })).toBe(7);
    expect(makespan({ workMs, buffers: 31, tasks: 100 })).toBe(15 + 99 * 7);
    expect(steady({ workMs: [4], buffers: 1, tasks: 100 })).toBe(4);
  });

  test('with one buffer nothing overlaps: n times the sum', () => {
    expect(makespan({ workMs: [3, 7, 5], buffers: 1, tasks: 20 })).toBe(20 * 15);
  });

  test('in the steady state a task takes the larger of the widest chunk and the sum over the buffers', () => {
    for (let seed = 0; seed < 200; seed++) {
      const { workMs, buffers } = drawn(seed);
      const tasks = 41 * buffers;
      const expected = Math.max(...workMs, sum(workMs) / buffers);
      expect(steady({ workMs, buffers, tasks }, 20 * buffers), `seed ${seed}`).toBeCloseTo(expected, 9);
    }
  });

  test('starts and ends are those of the recurrence', () => {
    for (let seed = 0; seed < 300; seed++) {
      const pipeline = drawn(seed);
      const { workMs, buffers, tasks } = pipeline;
      const ends: number[][] = [];
      for (let task = 0; task < tasks; task++) {
        const own: number[] = [];
        workMs.forEach((work, chunk) => {
          const given = chunk === 0 ? (ends[task - buffers]?.at(-1) ?? 0) : own[chunk - 1]!;
          own.push(Math.max(given, ends[task - 1]?.[chunk] ?? 0) + work);
        });
        ends.push(own);
      }
      const { endMs, startMs, makespanMs } = simulatePipeline(pipeline);
      ends.flat().forEach((end, at) => {
        expect(endMs[at], `seed ${seed}`).toBeCloseTo(end, 9);
        expect(endMs[at]! - startMs[at]!, `seed ${seed}`).toBeCloseTo(workMs[at % workMs.length]!, 9);
      });
      expect(makespanMs).toBe(endMs.at(-1));
    }
  });
});

describe('with interference', () => {
  /** Two chunks slow each other, each by its own factor, while both compute. */
  const rate = (factors: readonly number[]) => (chunk: number, computing: readonly boolean[]) =>
    computing[1 - chunk] ? 1 / factors[chunk]! : 1;

  /** Time per task while neither the first nor the last tasks are under way: their chunks have no neighbour. */
  const between = (pipeline: Pipeline): number => {
    const { endMs } = simulatePipeline(pipeline);
    return (endMs[2 * 90 - 1]! - endMs[2 * 20 - 1]!) / 70;
  };

  test('chunks of one length that always meet take the larger factor', () => {
    expect(between({ workMs: [4, 4], buffers: 8, tasks: 100, rate: rate([1.5, 1.5]) })).toBeCloseTo(6, 12);
  });

  test('a neighbour slows the widest chunk only while it computes: f w1 + w0 - w1', () => {
    const pipeline = { workMs: [10, 2], buffers: 8, tasks: 100, rate: rate([3, 3]) };
    expect(between(pipeline)).toBeCloseTo(3 * 2 + (10 - 2), 12);
  });

  test('a rate below 1 never ends a task earlier, a larger pool of buffers never later without interference', () => {
    for (let seed = 0; seed < 200; seed++) {
      const pipeline = drawn(seed);
      const free = simulatePipeline(pipeline);
      const rng = Rng.of(seed, 'rates');
      const factors = pipeline.workMs.map(() => 1 + rng.uniform());
      const slowed = simulatePipeline({
        ...pipeline,
        rate: (chunk, computing) => (computing.filter(Boolean).length > 1 ? 1 / factors[chunk]! : 1),
      });
      const more = simulatePipeline({ ...pipeline, buffers: pipeline.buffers + 1 });
      free.endMs.forEach((end, at) => {
        expect(slowed.endMs[at], `seed ${seed}`).toBeGreaterThanOrEqual(end - 1e-9);
        expect(more.endMs[at], `seed ${seed}`).toBeLessThanOrEqual(end + 1e-9);
      });
    }
  });

  test('a rate of 1 is no interference, to the bit', () => {
    for (let seed = 0; seed < 50; seed++)
      expect(simulatePipeline({ ...drawn(seed), rate: () => 1 })).toEqual(simulatePipeline(drawn(seed)));
  });
});

test('errors name the number that makes no sense', () => {
  const wrong = [{ workMs: [] }, { workMs: [-1] }, { workMs: [Number.NaN] }, { buffers: 0 }, { tasks: 1.5 }];
  for (const part of wrong)
    expect(() => simulatePipeline({ workMs: [1], buffers: 1, tasks: 1, ...part })).toThrow(InputError);
  const rate = () => 0;
  expect(() => simulatePipeline({ workMs: [1], buffers: 1, tasks: 1, rate })).toThrow(
    'pipeline: chunk 0 has the rate 0',
  );
  expect(() => steadyMsPerTask(simulatePipeline({ workMs: [1], buffers: 1, tasks: 1 }), 1)).toThrow(InputError);
});
