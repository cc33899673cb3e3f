// Lanes on two real CPU threads: whatever the schedule, outputs are those of the plain session and traces are sound.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import { median } from '../../../base/statistics/quantile.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import { writeChain } from '../../../test/fixtures/chain-model.js';
import { randomSchedule } from '../../../test/fixtures/random-schedule.js';
import type { Conditions } from '../../conditions.js';
import type { ExecutionError, Executor } from '../../executor.js';
import { Schedule } from '../../schedule.js';
import type { Trace } from '../../trace.js';
import { traceViolations } from '../../trace-invariants.js';
import { ganttSvg } from '../../views/gantt.js';
import { createLanesExecutor } from './executor.js';

const overlap: Conditions = { seed: 0, execution: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
const serial: Conditions = { ...overlap, execution: 'serial' };
/** The full suite runs 100 schedules of each model; the default a few of each. */
const schedules = process.env.SPAROA_GYM_FULL === '1' ? 100 : 0;
const folder = mkdtempSync(join(tmpdir(), 'sparoa-lanes-'));
afterAll(() => rmSync(folder, { recursive: true }));

function expectSound(graph: OperatorGraph, result: Trace | ExecutionError, message: string): Trace {
  if ('error' in result) throw new Error(`${message}: ${result.error}`);
  expect(traceViolations(graph, result), message).toEqual([]);
  expect(result.kind).toBe('measured');
  // What is left in memory at the end is the graph's outputs, on device 0.
  const outputs = graph.tensors.reduce((sum, { graphOutput, bytes }) => sum + (graphOutput ? bytes : 0), 0);
  const left = [0, 1].map((device) => result.memory.findLast((point) => point.device === device)?.bytes ?? 0);
  expect(left, message).toEqual([outputs, 0]);
  return result;
}

/** Compiling checks the outputs against the plain session, and fails when they differ: so a trace is the proof. */
function expectAllSound(
  model: LoadedModel,
  granularity: 'operator' | 'fused',
  count: number,
  executor: Executor,
  cpuLanes = 1,
) {
  const graph = model.graph(granularity);
  for (let seed = 0; seed < count; seed++) {
    const schedule = randomSchedule(graph, Rng.of(seed, 'lanes', granularity), { cpuLanes });
    const trace = expectSound(graph, executor.run(graph, schedule, overlap), `${model.uri} seed ${seed}`);
    expect(trace.schedule).toBe(schedule);
  }
}

describe('random schedules, splits included, give the outputs of the plain session', () => {
  test.each([
    ['model://mobilenetv3-small?size=64', 'fused', 6],
    ['model://mobilenetv3-small?size=64', 'operator', 4],
    ['model://resnet18?size=64', 'fused', 6],
    ['model://resnet18?size=64', 'operator', 4],
  ] as const)(
    '%s, %s units',
    async (uri, granularity, few) => {
      const model = await loadModel(uri);
      const executor = createLanesExecutor({ model, pair: 'cpu:1+cpu:1', cachedPlans: 2 });
      expectAllSound(model, granularity, schedules || few, executor);
      executor.close();
    },
    600_000,
  );

  test.each([
    ['cpu:2+cpu:1', 2],
    ['cpu:6+cpu:1', 3],
  ])(
    'on %s with %i lanes of device 0',
    async (pair, cpuLanes) => {
      const model = await loadModel('model://mobilenetv3-small?size=64');
      const executor = createLanesExecutor({ model, pair, cpuLanes, cachedPlans: 2 });
      for (const granularity of ['fused', 'operator'] as const)
        expectAllSound(model, granularity, schedules || 6, executor, cpuLanes);
      executor.close();
    },
    600_000,
  );

  test('polling or blocking, in segments of any length', async () => {
    const model = await loadModel('model://mobilenetv3-small?size=64');
    for (const options of [{ handover: 'blocking' }, { maxSegmentUnits: 1 }, { maxSegmentUnits: 5 }] as const) {
      const executor = createLanesExecutor({ model, ...options });
      expectAllSound(model, 'fused', 2, executor);
      executor.close();
    }
  });
});

describe('a trace of lanes', () => {
  test('shows one segment without a split or a change of device, and unit by unit with segments of one', async () => {
    const model = await loadModel('model://resnet18?size=64');
    const graph = model.graph('fused');
    const whole = createLanesExecutor({ model });
    const trace = expectSound(graph, whole.run(graph, Schedule.onDevice(graph, 0), overlap), 'whole');
    expect(trace.events.map(({ kind, units }) => [kind, units.length])).toEqual([['compute', graph.units.length]]);
    expect(trace.resolution).toBe('segment');
    expect(trace.lanes).toEqual([
      { id: 'cpu:1 #0', device: 0 },
      { id: 'cpu:1 #1', device: 1 },
    ]);
    expect(ganttSvg(graph, [{ title: 'lanes', trace }])).toContain('measured');
    whole.close();

    const stepwise = createLanesExecutor({ model, maxSegmentUnits: 1 });
    const steps = expectSound(graph, stepwise.run(graph, Schedule.onDevice(graph, 1), overlap), 'steps');
    expect(steps.resolution).toBe('unit');
    const kinds = steps.events.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'compute')).toHaveLength(graph.units.length);
    // Inputs start and outputs end on device 0: one move there and one back, each in two halves.
    expect(kinds.filter((kind) => kind === 'copy')).toHaveLength(4);
    stepwise.close();
  });

  test('a split unit computes on both lanes at the same time', async () => {
    const model = await loadModel('model://resnet18?size=64');
    const graph = model.graph('fused');
    const share = graph.units.map(({ splitAxis }) => (splitAxis === null ? 0 : 0.5));
    const executor = createLanesExecutor({ model });
    const schedule = Schedule.of(graph, share);
    executor.run(graph, schedule, overlap);
    const trace = expectSound(graph, executor.run(graph, schedule, overlap), 'split');
    const halves = graph.units.filter(({ splitAxis }) => splitAxis !== null).map(({ id }) => id);
    for (const unit of halves) {
      const parts = trace.events.filter(({ kind, units }) => kind === 'compute' && units.includes(unit));
      expect(new Set(parts.map(({ lane }) => lane))).toEqual(new Set([0, 1]));
    }
    executor.close();
  });
});

describe('unit by unit', () => {
  test('decisions run the unit and return the time so far; the same schedule runs serially', async () => {
    const model = await loadModel('model://mobilenetv3-small?size=64');
    const graph = model.graph('fused');
    const cpuLanes = 2;
    const executor = createLanesExecutor({ model, pair: 'cpu:2+cpu:1', cpuLanes });
    for (let seed = 0; seed < 3; seed++) {
      const schedule = randomSchedule(graph, Rng.of(seed, 'steps'), { cpuLanes });
      const run = executor.begin(graph, overlap);
      let clockMs = 0;
      for (const unit of schedule.order) {
        const next = run.decide(unit, schedule.share[unit]!, schedule.lane[unit]!);
        expect(next).toBeGreaterThan(clockMs);
        expect(run.state.clockMs()).toBe(next);
        clockMs = next;
      }
      const trace = expectSound(graph, run.finish(), `seed ${seed}`);
      expect(trace.makespanMs).toBe(clockMs);
      expect([...trace.schedule.order]).toEqual([...schedule.order]);
      expect([...trace.schedule.lane]).toEqual([...schedule.lane]);
      expect(run.state.busyMs(0) + run.state.busyMs(1)).toBeGreaterThan(0);
      for (const { id, graphOutput } of graph.tensors) if (graphOutput) expect(run.state.held(id, 0)).toBe(1);
      expectSound(graph, executor.run(graph, schedule, serial), `serial ${seed}`);
    }
    executor.close();
  });
});

test('closing a second time does nothing', async () => {
  const model = await loadModel(writeChain(join(folder, 'closed.onnx'), 3));
  const executor = createLanesExecutor({ model });
  executor.close();
  executor.close();
});

test('wrong options are refused with their value', async () => {
  const model = await loadModel('model://mobilenetv3-small?size=64');
  expect(() => createLanesExecutor({ model, pair: 'cpu:1' })).toThrow(/names 1 device/);
  expect(() => createLanesExecutor({ model, maxSegmentUnits: 0 })).toThrow(/maxSegmentUnits is 0/);
  for (const cpuLanes of [0, 1.5, 4])
    expect(() => createLanesExecutor({ model, pair: 'cpu:6+cpu:1', cpuLanes })).toThrow(
      new RegExp(`cpuLanes is ${cpuLanes}, by which the threads of cpu:6 cannot be divided`),
    );
  const executor = createLanesExecutor({ model });
  const other = (await loadModel('model://resnet18?size=64')).graph('fused');
  expect(() => executor.run(other, Schedule.onDevice(other, 0), overlap)).toThrow(/is not of the model/);
  const graph = model.graph('fused');
  for (const device of [0, 1] as const) {
    const lane1 = Schedule.of(graph, Schedule.onDevice(graph, device).share, { lane: graph.units.map(() => 1) });
    for (const conditions of [overlap, serial])
      expect(() => executor.run(graph, lane1, conditions)).toThrow(
        new RegExp(`unit 0 ".*" is to run on lane 1 of device ${device}, which has 1`),
      );
  }
  executor.close();
});

test('resident memory is flat while plans are evicted and recompiled', async () => {
  const chain = () => writeChain(join(folder, 'chain.onnx'), 24);
  const model = await loadModel(schedules ? 'model://mobilenetv3-small?size=64' : chain());
  const graph = model.graph('fused');
  const executor = createLanesExecutor({ model, cachedPlans: 2 });
  const plans = Array.from({ length: schedules ? 20 : 5 }, (_, seed) => randomSchedule(graph, Rng.of(seed, 'leak')));
  const residentMiB = Array.from({ length: schedules ? 60 : 20 }, () => {
    for (const schedule of plans) expect(executor.run(graph, schedule, overlap)).not.toHaveProperty('error');
    return process.memoryUsage.rss() / 2 ** 20;
  });
  // The allocator's free lists settle in some fifty compilations. One reading holds what the collector has not got round to.
  const before = median(residentMiB.slice(10, 15));
  const after = median(residentMiB.slice(-5));
  expect(after / before, `${before.toFixed(1)} MiB before, ${after.toFixed(1)} after`).toBeLessThan(1.05);
  executor.close();
}, 3_600_000);

test('once warm, executions fault no new pages in, whatever they write', async () => {
  const model = await loadModel('model://mobilenetv3-small');
  const graph = model.graph('fused');
  const executor = createLanesExecutor({ model, maxSegmentUnits: 1 });
  const schedule = Schedule.onDevice(graph, 0);
  const execute = (times: number): void => {
    for (let i = 0; i < times; i++) expect(executor.run(graph, schedule, overlap)).not.toHaveProperty('error');
  };
  execute(20);
  const before = process.resourceUsage().minorPageFault;
  execute(20);
  const faults = (process.resourceUsage().minorPageFault - before) / 20;
  executor.close();
  const written = graph.units.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
  expect(faults, `faults an execution, which writes ${written} bytes`).toBeLessThan(written / 4096 / 10);
});
