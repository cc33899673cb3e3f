// What goes wrong on real lanes: an operator that fails, one that takes too long. Nothing is simulated here.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo, type NodeProto } from '../../../base/onnx/proto.js';
import { OrtTensor, openSession } from '../../../base/onnx/session.js';
import { float32Tensor } from '../../../base/onnx/tensor-data.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import type { Conditions } from '../../conditions.js';
import { Schedule } from '../../schedule.js';
import { traceViolations } from '../../trace-invariants.js';
import { createLanesExecutor } from './executor.js';

const conditions: Conditions = { seed: 0, execution: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
const folder = mkdtempSync(join(tmpdir(), 'sparoa-faults-'));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  // Abandoned lanes end when their operator is done; a process that exits before would abort.
  await new Promise((resolve) => setTimeout(resolve, 2500));
});

/** ids -> Gather from a table of four rows -> Exp -> y. Ids beyond the table pass every check but the one at run time. */
async function gatherModel(): Promise<LoadedModel> {
  const path = join(folder, 'gather.onnx');
  const nodes = [
    makeNode('Gather', ['table', 'ids'], ['rows'], {}, { name: 'lookup' }),
    makeNode('Exp', ['rows'], ['y'], {}, { name: 'exp' }),
  ];
  const initializers = [float32Tensor('table', [4, 2], new Float32Array(8).fill(0.5))];
  writeModel(path, nodes, initializers, makeValueInfo('ids', DataType.INT64, [3]));
  return loadModel(path);
}

/** How long the slow unit takes on one core, about. */
const slowMs = 1200;

/** Cheap units around one that takes `slowMs` on any machine; no tensor is large, so a busy one slows only that. */
async function slowModel(): Promise<LoadedModel> {
  const path = join(folder, 'slow.onnx');
  const few = 20;
  writeRecurrent(path, few);
  const session = await openSession(path, { level: 'all' });
  let leastMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const startMs = performance.now();
    await session.run({ x: new OrtTensor('float32', new Float32Array(4 * few), [few, 1, 4]) });
    leastMs = Math.min(leastMs, performance.now() - startMs);
  }
  await session.release();
  writeRecurrent(path, Math.ceil((few * slowMs) / leastMs));
  return loadModel(path);
}

/** An LSTM of so many steps between two cheap units. */
function writeRecurrent(path: string, steps: number): void {
  const hidden = 1024;
  const nodes = [
    makeNode('Sin', ['x'], ['s'], {}, { name: 'before' }),
    makeNode('LSTM', ['s', 'w', 'r'], ['', 'last'], { hidden_size: hidden }, { name: 'slow' }),
    makeNode('ReduceMean', ['last'], ['y'], {}, { name: 'after' }),
  ];
  const initializers = [
    float32Tensor('w', [1, 4 * hidden, 4], new Float32Array(16 * hidden).fill(0.01)),
    float32Tensor('r', [1, 4 * hidden, hidden], new Float32Array(4 * hidden * hidden).fill(0.0001)),
  ];
  writeModel(path, nodes, initializers, makeValueInfo('x', DataType.FLOAT, [steps, 1, 4]));
}

function writeModel(
  path: string,
  nodes: readonly NodeProto[],
  initializers: Parameters<typeof makeModel>[0]['initializers'],
  input: ReturnType<typeof makeValueInfo>,
): void {
  const outputs = [makeValueInfo('y', DataType.FLOAT)];
  writeFileSync(
    path,
    encodeModel(makeModel({ name: 'faulty', nodes, inputs: [input], outputs, initializers }, { '': 13 })),
  );
}

test.each([
  ['lanes', conditions],
  ['unit by unit', { ...conditions, execution: 'serial' } as const],
])('an operator that fails ends the execution with its unit and device, %s', async (_, execution) => {
  const model = await gatherModel();
  const graph = model.graph('operator');
  const feeds = { ids: new OrtTensor('int64', BigInt64Array.of(0n, 99n, 1n), [3]) };
  const executor = createLanesExecutor({ model, feeds });
  for (const device of [0, 1] as const) {
    for (const schedule of [Schedule.onDevice(graph, device), Schedule.of(graph, [device, 1 - device])]) {
      const result = executor.run(graph, schedule, execution);
      expect(result).toMatchObject({ unit: 0, device });
      expect((result as { error: string }).error).toMatch(
        new RegExp(`unit 0 "lookup" failed on device ${device} \\(cpu:1\\): .*(indices|out of data bounds)`),
      );
    }
  }
  executor.close();

  const sound = createLanesExecutor({ model });
  const trace = sound.run(graph, Schedule.of(graph, [1, 0]), execution);
  expect('error' in trace ? trace.error : traceViolations(graph, trace)).toEqual([]);
  sound.close();
});

test('a run that failed returns NaN from then on, and its error at the end', async () => {
  const model = await gatherModel();
  const graph = model.graph('operator');
  const executor = createLanesExecutor({
    model,
    feeds: { ids: new OrtTensor('int64', BigInt64Array.of(7n, 0n, 0n), [3]) },
  });
  const run = executor.begin(graph, conditions);
  expect(run.decide(0, 1)).toBeNaN();
  expect(run.decide(1, 0)).toBeNaN();
  expect(run.finish()).toMatchObject({ unit: 0, device: 1 });
  executor.close();
});

test('a lane over the time limit is abandoned and replaced; a third one ends the executor', {
  tags: 'gate',
}, async () => {
  const model = await slowModel();
  const graph = model.graph('operator');
  const slow = graph.units.find(({ name }) => name === 'slow')!.id;
  const executor = createLanesExecutor({ model, timeLimitMs: 300, maxSegmentUnits: 1 });
  const onLane = (device: number) =>
    Schedule.of(
      graph,
      graph.units.map(({ id }) => (id === slow ? device : 1 - device)),
    );
  for (const device of [1, 0]) {
    const result = executor.run(graph, onLane(device), conditions);
    expect(result).toMatchObject({ unit: slow, device });
    expect((result as { error: string }).error).toMatch(/"slow" failed on device [01] .* did not finish within 300 ms/);
  }
  expect(() => executor.run(graph, onLane(1), conditions)).toThrow(/3 lanes of cpu:1\+cpu:1 had to be abandoned/);
});

test('one of several lanes of a device is replaced like any other', { tags: 'gate' }, async () => {
  const model = await slowModel();
  const graph = model.graph('operator');
  const slow = graph.units.find(({ name }) => name === 'slow')!.id;
  const executor = createLanesExecutor({ model, pair: 'cpu:3+cpu:1', cpuLanes: 3, timeLimitMs: 300 });
  const lane = graph.units.map(({ id }) => (id === slow ? 1 : 2));
  const schedule = Schedule.of(graph, Schedule.onDevice(graph, 0).share, { lane });
  expect(executor.run(graph, schedule, conditions)).toMatchObject({ unit: slow, device: 0 });
  const run = executor.begin(graph, conditions);
  for (const own of [1, 0, 2]) expect(run.decide(0, 0, own)).toBeGreaterThan(0);
  executor.close();
});

test('after a lane was replaced, the next execution is right', async () => {
  const model = await slowModel();
  const graph = model.graph('operator');
  const executor = createLanesExecutor({ model, timeLimitMs: 300 });
  expect(executor.run(graph, Schedule.onDevice(graph, 1), conditions)).toHaveProperty('error');
  const run = executor.begin(graph, conditions);
  // Only the cheap unit: that both lanes answer again is what matters.
  expect(run.decide(0, 1)).toBeGreaterThan(0);
  expect(run.state.held(graph.units[0]!.outputs[0]!, 1)).toBe(1);
  executor.close();
});
