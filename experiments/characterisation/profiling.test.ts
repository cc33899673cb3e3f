// A small model, really measured: what the files say fits together.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readCsv } from '../../base/files/csv.js';
import { Rng } from '../../base/random/rng.js';
import { cutSchedule } from '../../engine/cut-schedule.js';
import { parseDevicePair } from '../../engine/runtime/devices/device-pair.js';
import { profiledScenario } from '../../engine/scenario.js';
import { Schedule } from '../../engine/schedule.js';
import type { Trace } from '../../engine/trace.js';
import { traceViolations } from '../../engine/trace-invariants.js';
import { make } from '../../env/gym/registry.js';
import { makeVector } from '../../env/gym/vector/make-vector.js';
import { loadTable } from '../../predictor/tables/profile-table.js';
import '../../env/placement/placement-options.js';
import { loadModel } from '../../models/load.js';
import { writeChain } from '../../test/fixtures/chain-model.js';
import { type ModelMeasurement, profileModel, writeModelMeasurement } from './profiling.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-profiling-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('every unit is measured on both devices as often as asked for, and every tensor that a unit reads moves', {
  tags: 'gate',
}, async () => {
  const model = await loadModel(writeChain(join(folder, 'chain.onnx'), 8));
  const profile = profileModel(model, parseDevicePair('cpu:1+cpu:1'), 6);
  const graph = model.graph('fused');
  expect(profile.units.map(({ unit, device }) => [unit, device])).toEqual(
    graph.units.flatMap(({ id }) => [
      [id, 0],
      [id, 1],
    ]),
  );
  for (const { lane } of profile.units) {
    expect(lane!.samples).toBe(6);
    expect(lane!.lowMs).toBeGreaterThan(0);
    expect(lane!.medianMs).toBeGreaterThanOrEqual(lane!.lowMs);
    expect(lane!.highMs).toBeGreaterThanOrEqual(lane!.medianMs);
  }
  // Graph inputs start on device 0 and graph outputs end there; all else is on either in turn.
  for (const { id, producer, graphOutput } of graph.tensors)
    for (const to of producer === null ? [1] : graphOutput ? [0] : [0, 1])
      expect(
        profile.moves.some((move) => move.tensor === id && move.to === to),
        `tensor ${id} to ${to}`,
      ).toBe(true);
  for (const device of [0, 1]) {
    const kernels = profile.kernels.filter((kernel) => kernel.device === device);
    expect(new Set(kernels.flatMap(({ units }) => units))).toEqual(new Set(graph.units.map(({ id }) => id)));
    const reorders = profile.reorders!.filter((reorder) => reorder.device === device);
    const sumMs = [...kernels, ...reorders].reduce((sum, { ms }) => sum + ms, 0);
    expect(sumMs).toBeLessThanOrEqual(profile.wholeMs[device]! * (1 + 1e-9));
  }

  const figure = await writeModelMeasurement(folder, graph, profile);
  expect(JSON.parse(readFileSync(join(folder, 'profile.json'), 'utf8'))).toEqual(profile satisfies ModelMeasurement);
  const rows = readCsv(join(folder, 'units.csv'), ['unit', 'device', 'laneMs', 'opClass']);
  expect(rows.map(({ laneMs }) => Number(laneMs))).toEqual(profile.units.map(({ lane }) => lane!.medianMs));
  expect(readCsv(join(folder, 'moves.csv'), ['tensor', 'ms'])).toHaveLength(profile.moves.length);
  expect(readCsv(join(folder, 'kernels.csv'), ['units', 'ms'])).toHaveLength(profile.kernels.length);
  expect(figure.svg).toContain('measured on');
  expect(figure.svg).toContain('no heterogeneity');

  // The file is all that the simulator needs, under the name that profiles have.
  const uri = `table://${join(folder, 'profile.json')}`;
  const table = loadTable(uri);
  const scenario = profiledScenario(model, table, 'overlap');
  const random = Rng.of(0, 'profiling.test');
  for (let i = 0; i < 10; i++) {
    const trace = scenario.executor.run(scenario.graph, cutSchedule(scenario.graph, random, 0.3), scenario.conditions);
    if ('error' in trace) throw new Error(trace.error);
    expect(traceViolations(scenario.graph, trace)).toEqual([]);
    expect(trace).toMatchObject({ kind: 'simulated', profileHash: table.hash });
  }
  for (const execution of ['serial', 'overlap'] as const) {
    const env = await make('SparOA/Placement-v0', { model: join(folder, 'chain.onnx'), profile: uri, execution });
    env.reset({ seed: 0 });
    const results = graph.units.map(({ id }) => env.step(id % 2));
    expect(results.at(-1)!.terminated).toBe(true);
    const { trace } = results.at(-1)!.info as { trace: Trace };
    expect(trace.conditions.execution).toBe(execution);
    expect(traceViolations(graph, trace)).toEqual([]);
    env.close();
  }
  const options = { model: join(folder, 'chain.onnx'), profile: uri, execution: 'overlap' };
  const spec = { id: 'SparOA/Placement-v0', options, wrappers: [] };
  const vector = await makeVector(spec, { count: 2, autoreset: 'disabled' });
  vector.reset({ seed: 0 });
  // Rows are forks: in one the devices take turns, in the other device 0 runs everything.
  const steps = graph.units.map(({ id }) => vector.step(Int32Array.of(id % 2, 0)));
  const ends = steps.at(-1)!.infos as { trace: Trace }[];
  for (const [row, { trace }] of ends.entries()) {
    const schedule = Schedule.of(
      graph,
      graph.units.map(({ id }) => (row === 0 ? id % 2 : 0)),
    );
    expect(scenario.executor.run(scenario.graph, schedule, trace.conditions)).toEqual(trace);
  }
  vector.close();
  const other = await loadModel(writeChain(join(folder, 'other.onnx'), 5));
  expect(() => profiledScenario(other, table, 'serial')).toThrow(/is not the profiled one/);
  expect(() => loadTable(`${uri}.missing`)).toThrow(/no such file/);
});
