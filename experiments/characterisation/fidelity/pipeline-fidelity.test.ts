// Pipelines made with known interference are predicted when left out; and, where the public data are, the figures that are promised.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../base/errors/input-error.js';
import { Rng } from '../../../base/random/rng.js';
import { simulatePipeline, steadyMsPerTask } from '../../../engine/simulator/pipeline/pipeline.js';
import {
  type MeasuredPipeline,
  measuredTasks,
  readPipelines,
} from '../../../predictor/measurements/better-together.js';
import { fitInterference, interferenceRate } from '../fitting/interference.js';
import { type PipelineReport, pipelineFidelity } from './pipeline-fidelity.js';
import { comparePublic } from './public-fidelity.js';

const scratch = mkdtempSync(join(tmpdir(), 'sparoa-pipelines-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const processors = ['little', 'big', 'gpu'];
/** Waiting threads slow the CPUs, computing neighbours the GPU, whose clock is higher than in isolation. */
const truth = new Map([
  ['gpu|alone|', Math.log(0.8)],
  ['little|waiting|gpu', Math.log(1.3)],
  ['big|waiting|gpu', Math.log(1.2)],
  ['gpu|computing|little', Math.log(1.6)],
  ['gpu|computing|big', Math.log(1.4)],
]);

function drawnPipeline(seed: number): MeasuredPipeline {
  const rng = Rng.of(seed, 'measured');
  const order = rng.shuffle(processors).slice(0, 1 + rng.integer(3));
  const shape = { application: `app${seed % 2}`, chunks: order.map((processor) => ({ processor })) };
  const workMs = order.map(() => 1 + 20 * rng.uniform());
  const rate = interferenceRate(truth, 'computing', shape);
  const times = simulatePipeline({ workMs, buffers: 15, tasks: measuredTasks, rate });
  const measuredMs = (chunk: number): number => {
    let ms = 0;
    for (let task = 20; task < measuredTasks; task++) {
      const at = task * order.length + chunk;
      ms += times.endMs[at]! - times.startMs[at]!;
    }
    return ms / (measuredTasks - 20);
  };
  return {
    ...shape,
    device: 'made',
    schedule: String(seed),
    buffers: 15,
    chunks: order.map((processor, chunk) => ({
      processor,
      isolatedMs: workMs[chunk]!,
      interferenceMs: workMs[chunk]!,
      measuredMs: measuredMs(chunk),
    })),
    steadyMs: steadyMsPerTask(times, measuredTasks),
    makespanMs: times.makespanMs,
  };
}

const errorOf = (report: PipelineReport, device: string, leftOut: string, model: string): number =>
  report.rows.find((row) => row.device === device && row.leftOut === leftOut && row.model === model)!.steadyMedian;

describe('pipelines made with known interference', () => {
  const made = Array.from({ length: 60 }, (_, seed) => drawnPipeline(seed));

  test('are predicted when left out, each cause by the model that has it', () => {
    const report = pipelineFidelity(made);
    for (const leftOut of ['schedule', 'application']) {
      const errors = ['isolated', 'clocks', 'computing'].map((model) => errorOf(report, 'made', leftOut, model));
      expect(errors[0]).toBeGreaterThan(0.1);
      expect(errors[2]).toBeLessThan(0.04);
      expect(errors[2]).toBeLessThan(errors[1]!);
    }
    expect(errorOf(report, 'all', 'schedule', 'computing')).toBe(errorOf(report, 'made', 'schedule', 'computing'));
  });

  test('a prediction does not see the times of what it predicts', () => {
    const [first, ...rest] = made as [MeasuredPipeline, ...MeasuredPipeline[]];
    const changed = { ...first, steadyMs: 1, chunks: first.chunks.map((chunk) => ({ ...chunk, measuredMs: 1 })) };
    const of = (pipelines: readonly MeasuredPipeline[]) =>
      pipelineFidelity(pipelines).predictions.find(
        ({ schedule, model, leftOut }) => schedule === '0' && model === 'computing' && leftOut === 'schedule',
      )!.steadyMs;
    expect(of([changed, ...rest.slice(0, 9)])).toBe(of([first, ...rest.slice(0, 9)]));
  });

  test('one schedule, nothing executed and processors that nobody fitted are no failures', () => {
    const [first] = made as [MeasuredPipeline];
    const nothing = { ...first, schedule: 'x', chunks: first.chunks.map((chunk) => ({ ...chunk, isolatedMs: 0 })) };
    const report = pipelineFidelity([first, nothing]);
    expect(report.predictions.every(({ steadyMs }) => steadyMs > 0)).toBe(true);
    expect(new Set(report.rows.map(({ leftOut }) => leftOut))).toEqual(new Set(['schedule']));
    expect(fitInterference('computing', [])).toEqual(new Map());
  });
});

const data = process.env.SPAROA_GYM_TEST_DATA;
const reason = data ? '' : ' (skipped: SPAROA_GYM_TEST_DATA names no folder with the public measurements)';
const folder = join(data ?? '', 'better-together');

describe.skipIf(!data)(`pipelines that others measured${reason}`, () => {
  test('left-out schedules and a left-out application are predicted as promised', { tags: 'gate' }, () => {
    const report = pipelineFidelity(readPipelines(folder));
    expect(errorOf(report, 'all', 'schedule', 'isolated')).toBeCloseTo(0.24, 2);
    expect(errorOf(report, 'all', 'schedule', 'interference-table')).toBeCloseTo(0.2, 1);
    expect(errorOf(report, 'all', 'schedule', 'computing')).toBeLessThan(0.07);
    expect(errorOf(report, 'jetson-orin-nano', 'schedule', 'computing')).toBeLessThan(0.05);
    expect(errorOf(report, 'all', 'application', 'computing')).toBeLessThan(0.2);
  });

  test('with measured times of chunks the simulated steady time is the measured one: queues cost nothing', () => {
    const errors = readPipelines(folder).map(({ chunks, buffers, steadyMs }) => {
      const workMs = chunks.map(({ measuredMs }) => measuredMs);
      const times = simulatePipeline({ workMs, buffers, tasks: measuredTasks });
      return Math.abs(Math.log(steadyMsPerTask(times, measuredTasks) / steadyMs));
    });
    expect(errors.sort((a, b) => a - b)[Math.floor(0.9 * errors.length)]).toBeLessThan(0.02);
  });

  test('a damaged file is named with line and column, a folder without any set as such', async () => {
    const copy = join(scratch, 'better-together');
    cpSync(folder, copy, { recursive: true });
    const path = join(copy, 'measured_schedules.csv');
    // The copy is read-only, as the original is.
    const text = readFileSync(path, 'utf8');
    rmSync(path, { force: true });
    writeFileSync(path, text.replace(/52367\.107/, '-3'));
    expect(() => readPipelines(copy)).toThrow(/measured_schedules\.csv:2: makespanMs is "-3"/);
    await expect(comparePublic(join(scratch, 'none'), scratch)).rejects.toThrow(InputError);
  });
});
