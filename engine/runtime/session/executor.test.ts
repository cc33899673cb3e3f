// What session mode promises, wherever its sessions live: in a thread, or in a Python process.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import { sessionHosts, skipped } from '../../../test/fixtures/session-hosts.js';
import { tinyModel } from '../../../test/fixtures/tiny-model.js';
import type { Conditions } from '../../conditions.js';
import { Schedule } from '../../schedule.js';
import type { Trace } from '../../trace.js';
import { traceViolations } from '../../trace-invariants.js';
import { parseDevice } from '../devices/device-pair.js';
import { sessionSettings } from '../devices/session-settings.js';
import { SessionClient } from './client.js';
import type { SessionExecutor } from './executor.js';

const conditions: Conditions = { seed: 0, execution: 'serial', mode: 'measured', load: null, memoryBudgetBytes: null };
const folder = mkdtempSync(join(tmpdir(), 'sparoa-session-'));
const executors: SessionExecutor[] = [];
let tiny: LoadedModel;

beforeAll(async () => {
  const path = join(folder, 'tiny.onnx');
  writeFileSync(path, tinyModel());
  tiny = await loadModel(path);
});
afterAll(() => {
  for (const executor of executors) executor.close();
  rmSync(folder, { recursive: true, force: true });
});

const sound = (result: ReturnType<SessionExecutor['run']>): Trace => {
  if ('error' in result) throw new Error(result.error);
  return result;
};

describe.each(sessionHosts)('executor $name', ({ host, create, missing, gpuMissing }) => {
  const open = (model: LoadedModel, devices: string, options = {}) => {
    const executor = create(model, devices, options);
    executors.push(executor);
    return executor;
  };

  describe.skipIf(missing !== null)(`on the CPU alone${skipped(missing)}`, () => {
    test('all on one of two CPUs: a measured, scaled trace that satisfies every invariant', () => {
      const executor = open(tiny, 'cpu:1+cpu:1');
      for (const granularity of ['operator', 'fused'] as const) {
        const graph = tiny.graph(granularity);
        for (const device of [0, 1] as const) {
          const trace = sound(executor.run(graph, Schedule.onDevice(graph, device), conditions));
          expect(traceViolations(graph, trace)).toEqual([]);
          expect(trace).toMatchObject({ kind: 'measured', intervals: 'scaled', energyMj: null });
          expect(trace.makespanMs).toBeGreaterThan(0);
        }
      }
    });

    test('a placement on both of two CPUs, and a split, are refused with what to use instead', () => {
      const executor = open(tiny, 'cpu:1+cpu:1');
      const graph = tiny.graph('operator');
      const mixed = Schedule.of(
        graph,
        graph.units.map(({ id }) => id % 2),
      );
      expect(() => executor.run(graph, mixed, conditions)).toThrow(
        /one session has one CPU\.\nName one CPU and one GPU/,
      );
      const split = Schedule.of(
        graph,
        graph.units.map(({ splitAxis }) => (splitAxis === null ? 0 : 0.5)),
      );
      expect(() => executor.run(graph, split, conditions)).toThrow(/executor "lanes"/);
    });

    test('a graph of another model is refused', async () => {
      const executor = open(tiny, 'cpu:1+cpu:1');
      const other = (await loadModel('model://resnet18?size=32')).graph('operator');
      expect(() => executor.run(other, Schedule.onDevice(other, 0), conditions)).toThrow(/not of the model/);
    });

    test('unit by unit gives the placement that run gives, with the measured makespan as the last objective', () => {
      const executor = open(tiny, 'cpu:1+cpu:1');
      const graph = tiny.graph('operator');
      const run = executor.begin(graph, conditions);
      let objectiveMs = 0;
      let previousMs = 0;
      for (const { id } of graph.units.slice(0, -1)) {
        objectiveMs = run.decide(id, 0);
        expect(objectiveMs).toBeGreaterThanOrEqual(previousMs);
        previousMs = objectiveMs;
      }
      const last = run.decide(graph.units.length - 1, 0);
      const trace = sound(run.finish());
      expect(last).toBe(trace.makespanMs);
      expect(run.state.clockMs()).toBe(last);
      expect(traceViolations(graph, trace)).toEqual([]);
      const direct = sound(executor.run(graph, trace.schedule, conditions));
      expect(direct.events.map(({ kind, units }) => [kind, units])).toEqual(
        trace.events.map(({ kind, units }) => [kind, units]),
      );
    });

    test('no answer in time is an error; a thread is not asked again, a process is replaced and asked', () => {
      const client = new SessionClient(host, 1);
      const settings = sessionSettings(parseDevice('cpu:1'));
      const question = { op: 'reference', model: tiny.basicPath, settings, feeds: {} } as const;
      expect(() => client.ask<'reference'>(question)).toThrow(
        /(no answer from ONNX Runtime|did not answer) within 0.001 s/,
      );
      const again = { node: /closed/, python: /did not answer within 0.001 s/ }[host];
      expect(() => client.ask<'reference'>(question)).toThrow(again);
      client.close();
    });

    test('evicted plans are compiled again, with sessions released', () => {
      const executor = open(tiny, 'cpu:1+cpu:1', { plans: 1 });
      const graph = tiny.graph('operator');
      for (let i = 0; i < 6; i++) {
        const trace = sound(executor.run(graph, Schedule.onDevice(graph, (i % 2) as 0 | 1), conditions));
        expect(trace.lanes[i % 2]!.device).toBe(i % 2);
      }
    });
  });

  describe.skipIf(gpuMissing !== null)(`on CPU and WebGPU${skipped(gpuMissing)}`, () => {
    test('units without a kernel are probed and listed, never moved', () => {
      const executor = open(tiny, 'cpu:1+webgpu');
      const graph = tiny.graph('operator');
      const sum = graph.units.find(({ opTypes }) => opTypes.includes('Sum'))!.id;
      expect(executor.unsupported(graph).map(({ unit }) => unit)).toEqual([sum]);
      expect(executor.supported(graph)[2 * sum + 1]).toBe(0);
      expect(executor.supported(graph).filter((value) => value === 0)).toHaveLength(1);
      const everywhere = Schedule.of(
        graph,
        graph.units.map(() => 1),
      );
      expect(executor.run(graph, everywhere, conditions)).toMatchObject({
        unit: sum,
        device: 1,
        error: expect.stringMatching(/was placed on device 1 but ONNX Runtime ran it on device 0/),
      });
    });

    test('random placements run where the schedule puts them, with the plain outputs and sound traces', () => {
      const executor = open(tiny, 'cpu:1+webgpu');
      for (const granularity of ['operator', 'fused'] as const) {
        const graph = tiny.graph(granularity);
        const supported = executor.supported(graph);
        for (let seed = 0; seed < 5; seed++) {
          const rng = Rng.of(seed, 'placement');
          const share = graph.units.map(({ id }) => supported[2 * id + 1]! * rng.integer(2));
          const trace = sound(executor.run(graph, Schedule.of(graph, share), conditions));
          expect(traceViolations(graph, trace), `seed ${seed}`).toEqual([]);
          const copies = trace.events.filter(({ kind }) => kind === 'copy');
          // A copy without bytes would be one that ONNX Runtime made and we could not name.
          expect(copies.filter(({ bytes }) => bytes === 0)).toEqual([]);
          expect(copies.length > 0, `seed ${seed}`).toBe(share.includes(1));
        }
      }
    });
  });
});
