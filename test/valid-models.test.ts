// Valid models that are unusual: tensors without an element, numbers that are none, weights that are sparse, outputs that are
// no tensors. On lanes, whole and in parts, and in one session.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SparseTensorProtoSchema } from '../base/onnx/onnx_pb.js';
import {
  DataType,
  encodeModel,
  type GraphParts,
  type ModelProto,
  makeModel,
  makeNode,
  makeValueInfo,
} from '../base/onnx/proto.js';
import { OrtTensor, openSession } from '../base/onnx/session.js';
import { float32Tensor, int64Tensor } from '../base/onnx/tensor-data.js';
import { Rng } from '../base/random/rng.js';
import type { Conditions } from '../engine/conditions.js';
import { createLanesExecutor } from '../engine/runtime/lanes/executor.js';
import { createSessionExecutor } from '../engine/runtime/session/executor.js';
import { Schedule } from '../engine/schedule.js';
import { createSimulator } from '../engine/simulator/simulator.js';
import { traceViolations } from '../engine/trace-invariants.js';
import { type LoadedModel, loadModel } from '../models/load.js';
import { loadProfile } from '../predictor/profiles/profile.js';
import { fixture } from './fixtures/fixture.js';
import { randomSchedule } from './fixtures/random-schedule.js';

const overlap: Conditions = { seed: 0, execution: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
const serial: Conditions = { ...overlap, execution: 'serial' };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparoa-valid-'));
  process.env.SPAROA_GYM_CACHE = join(folder, 'cache');
});
afterAll(() => {
  delete process.env.SPAROA_GYM_CACHE;
  rmSync(folder, { recursive: true });
});

const F = DataType.FLOAT;
const model = (parts: Partial<GraphParts>): ModelProto =>
  makeModel(
    {
      name: 'g',
      nodes: [],
      inputs: [makeValueInfo('x', F, [4, 8])],
      outputs: [makeValueInfo('y', F)],
      initializers: [],
      ...parts,
    },
    { '': 17 },
    8,
  );

function save(name: string, proto: ModelProto): string {
  const path = join(folder, name);
  writeFileSync(path, encodeModel(proto));
  return path;
}

/** Schedules on two lanes and in simulation give traces without violations; lanes compare outputs with the plain session's. */
function expectSound(loaded: LoadedModel, schedules: readonly Schedule[]): void {
  const graph = loaded.graph('operator');
  const lanes = createLanesExecutor({ model: loaded });
  const simulator = createSimulator(loadProfile('profile://jetson-orin-nano?launch=eager'));
  try {
    for (const [index, schedule] of schedules.entries()) {
      for (const executor of [lanes, simulator]) {
        for (const conditions of [overlap, serial]) {
          const trace = executor.run(graph, schedule, conditions);
          const message = `${loaded.uri}: schedule ${index}, ${executor.kind}, ${conditions.execution}`;
          expect('error' in trace ? trace.error : traceViolations(graph, trace), message).toEqual([]);
        }
      }
    }
  } finally {
    lanes.close();
  }
}

const random = (loaded: LoadedModel, count: number): Schedule[] =>
  Array.from({ length: count }, (_, seed) => randomSchedule(loaded.graph('operator'), Rng.of(seed, 'valid')));

test('empty tensors are handed over and stand in the trace', async () => {
  const loaded = await loadModel(fixture('nonzero_empty.onnx'));
  const graph = loaded.graph('operator');
  const split = Schedule.of(graph, [0, 0, 0, 1, 1, 1]);
  expectSound(loaded, [split, ...random(loaded, 6)]);
  const lanes = createLanesExecutor({ model: loaded });
  const trace = lanes.run(graph, split, overlap);
  lanes.close();
  if ('error' in trace) throw new Error(trace.error);
  const empty = graph.units[2]!.outputs[0]!;
  expect(graph.tensors[empty]!.bytes).toBe(0);
  expect(trace.events.filter(({ kind, tensor }) => kind === 'copy' && tensor === empty)).toHaveLength(2);
});

test('an empty cache is concatenated, whole and in parts', async () => {
  const shape = { x: [1, 3, 8], past: [1, 0, 8] };
  const loaded = await loadModel(fixture('past_zero.onnx'), { shape });
  expect(loaded.uri).toContain('shape.past=1x0x8');
  expect((await loadModel(loaded.uri)).graph('operator').hash).toBe(loaded.graph('operator').hash);
  const graph = loaded.graph('operator');
  expectSound(loaded, [Schedule.of(graph, [1, 1, 1]), Schedule.of(graph, [0.5, 0.5, 0.5]), ...random(loaded, 8)]);
  const session = createSessionExecutor(loaded, 'cpu:1+cpu:1');
  const trace = session.run(graph, Schedule.of(graph, [0, 0, 0]), serial);
  session.close();
  expect('error' in trace ? trace.error : traceViolations(graph, trace)).toEqual([]);
});

test('numbers that are none, in the same places, are agreement', async () => {
  // Square roots of numbers of either sign, and their logarithms: NaN and infinities.
  const nodes = [
    makeNode('Sqrt', ['x'], ['root']),
    makeNode('Log', ['root'], ['log']),
    makeNode('Div', ['x', 'zero'], ['infinite']),
    makeNode('Concat', ['log', 'infinite'], ['y'], { axis: 1 }),
  ];
  const zero = float32Tensor('zero', [1], Float32Array.of(0));
  const loaded = await loadModel(save('nan.onnx', model({ nodes, initializers: [zero] })));
  expectSound(loaded, random(loaded, 6));
});

/** Weights [8, 6] with five numbers, as coordinates or as places in a row. */
function sparse(name: string, coordinates: boolean) {
  const places = [1, 7, 20, 33, 47];
  return create(SparseTensorProtoSchema, {
    values: float32Tensor(name, [5], Float32Array.of(1, -2, 3, -4, 5)),
    indices: coordinates
      ? int64Tensor(
          '',
          [5, 2],
          places.flatMap((place) => [Math.floor(place / 6), place % 6]),
        )
      : int64Tensor('', [5], places),
    dims: [8n, 6n],
  });
}

test('sparse weights are weights: counted, split and cut out with their unit', async () => {
  const nodes = [
    makeNode('MatMul', ['x', 'a'], ['first']),
    makeNode('MatMul', ['x', 'b'], ['second']),
    makeNode('Sub', ['first', 'second'], ['z']),
    makeNode('Relu', ['z'], ['y']),
  ];
  const proto = model({ nodes });
  proto.graph!.sparseInitializer = [sparse('a', true), sparse('b', false)];
  const path = save('sparse.onnx', proto);
  const loaded = await loadModel(path);
  const graph = loaded.graph('operator');
  expect(graph.units[0]).toMatchObject({
    opClass: 'matmul',
    weightBytes: 4 * 48,
    weightSparsity: 43 / 48,
    splitAxis: 1,
  });
  expect(loaded.totals.parameters).toBe(96);
  expectSound(loaded, [Schedule.of(graph, [0, 1, 1, 0]), Schedule.of(graph, [0.5, 1, 0, 0]), ...random(loaded, 4)]);
  // As ONNX Runtime reads the file itself.
  const feeds = {
    x: new OrtTensor(
      'float32',
      Float32Array.from({ length: 32 }, (_, i) => i - 16),
      [4, 8],
    ),
  };
  const outputs: number[][] = [];
  for (const file of [path, loaded.basicPath]) {
    const session = await openSession(file, { level: 'disabled' });
    outputs.push([...((await session.run(feeds)).y!.data as Float32Array)]);
    await session.release();
  }
  expect(outputs[1]).toEqual(outputs[0]);
  proto.graph!.sparseInitializer[0]!.indices = int64Tensor('', [5], [0, 1, 2, 3, 48]);
  await expect(loadModel(save('wrong.onnx', proto))).rejects.toThrow(/sparse weights "a" have an index of 48, of 48/);
  proto.graph!.sparseInitializer[0]!.dims = [2n ** 40n, 2n ** 40n];
  await expect(loadModel(save('large.onnx', proto))).rejects.toThrow(/sparse weights "a" have the shape/);
});

test('outputs that are no tensors are one error when an executor is made; the simulator takes the model', async () => {
  const loaded = await loadModel(fixture('skl_forest.onnx'));
  const why =
    /executors on devices give tensors of numbers, which "output_probability" \(a sequence or map\) is not\.\n/;
  expect(() => createLanesExecutor({ model: loaded })).toThrow(why);
  expect(() => createSessionExecutor(loaded, 'cpu:1+cpu:1')).toThrow(why);
  expect(loaded.warnings).toEqual([
    'The work of ai.onnx.ml.TreeEnsembleClassifier is not known: one operation per output element is counted.',
  ]);
  const graph = loaded.graph('operator');
  const simulator = createSimulator(loadProfile('profile://jetson-orin-nano?launch=eager'));
  for (const schedule of random(loaded, 3)) {
    const trace = simulator.run(graph, schedule, overlap);
    expect('error' in trace ? trace.error : traceViolations(graph, trace)).toEqual([]);
  }
});

test('a model with a loop and a branch runs on lanes by the values that its inputs have', async () => {
  for (const [name, inputs] of [
    ['loop.onnx', {}],
    ['loop.onnx', { trip: '3' }],
    ['if_capture.onnx', {}],
  ] as const) {
    const loaded = await loadModel(fixture(name), { inputs });
    expectSound(loaded, random(loaded, 3));
  }
});
