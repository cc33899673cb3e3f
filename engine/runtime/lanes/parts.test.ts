// Parts of units that read parts: pooling, depthwise convolutions and LRN on two real lanes, of a batch of two, so that
// channels are no one piece of memory.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DataType, encodeModel, float, makeModel, makeNode, makeValueInfo } from '../../../base/onnx/proto.js';
import { float32Tensor } from '../../../base/onnx/tensor-data.js';
import { Rng } from '../../../base/random/rng.js';
import { loadModel } from '../../../models/load.js';
import type { Conditions } from '../../conditions.js';
import { Schedule } from '../../schedule.js';
import type { Trace, TraceEvent } from '../../trace.js';
import { traceViolations } from '../../trace-invariants.js';
import { createLanesExecutor } from './executor.js';

const conditions: Conditions = { seed: 0, execution: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
const folder = mkdtempSync(join(tmpdir(), 'sparoa-parts-'));
afterAll(() => rmSync(folder, { recursive: true }));

const batch = 2;
const channels = 16;
const size = 6;

/** x -> convolution -> depthwise convolution -> LRN over 5 channels -> maximum pooling -> convolution -> y. */
async function network() {
  const random = Rng.of(1, 'parts');
  const weights = (name: string, ...shape: number[]) =>
    float32Tensor(
      name,
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    );
  const nodes = [
    makeNode('Conv', ['x', 'w0'], ['a']),
    makeNode('Conv', ['a', 'w1'], ['b'], { group: channels, pads: [1, 1, 1, 1] }),
    makeNode('LRN', ['b'], ['c'], { size: 5, alpha: float(0.5) }),
    makeNode('MaxPool', ['c'], ['d'], { kernel_shape: [2, 2] }),
    makeNode('Conv', ['d', 'w2'], ['y']),
  ];
  const initializers = [
    weights('w0', channels, 3, 1, 1),
    weights('w1', channels, 1, 3, 3),
    weights('w2', channels, channels, 1, 1),
  ];
  const inputs = [makeValueInfo('x', DataType.FLOAT, [batch, 3, size, size])];
  const outputs = [makeValueInfo('y', DataType.FLOAT)];
  const path = join(folder, 'network.onnx');
  const graph = { name: 'parts', nodes, inputs, outputs, initializers };
  writeFileSync(path, encodeModel(makeModel(graph, { '': 17 })));
  return loadModel(path);
}

/** x -> three branches of convolutions, the middle one of two -> Concat -> convolution -> y. */
async function block() {
  const random = Rng.of(2, 'block');
  const weights = (name: string, ...shape: number[]) =>
    float32Tensor(
      name,
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    );
  const conv = (input: string, weight: string, output: string) =>
    makeNode('Conv', [input, weight], [output], {}, { name: output });
  const nodes = [
    conv('x', 'w0', 'a'),
    conv('x', 'w1', 'r'),
    conv('r', 'w2', 'b'),
    conv('x', 'w3', 'c'),
    makeNode('Concat', ['a', 'b', 'c'], ['d'], { axis: 1 }, { name: 'd' }),
    conv('d', 'w4', 'y'),
  ];
  const initializers = [
    weights('w0', 4, 3, 1, 1),
    weights('w1', 6, 3, 1, 1),
    weights('w2', 8, 6, 1, 1),
    weights('w3', 4, 3, 1, 1),
    weights('w4', 16, 16, 1, 1),
  ];
  const inputs = [makeValueInfo('x', DataType.FLOAT, [batch, 3, size, size])];
  const outputs = [makeValueInfo('y', DataType.FLOAT)];
  const path = join(folder, 'block.onnx');
  const graph = { name: 'block', nodes, inputs, outputs, initializers };
  writeFileSync(path, encodeModel(makeModel(graph, { '': 17 })));
  return loadModel(path);
}

const sound = (
  graph: Parameters<typeof traceViolations>[0],
  result: ReturnType<ReturnType<typeof createLanesExecutor>['run']>,
): Trace => {
  if ('error' in result) throw new Error(result.error);
  expect(traceViolations(graph, result)).toEqual([]);
  return result;
};

describe('on two lanes', async () => {
  const model = await network();
  const graph = model.graph('operator');
  const executor = createLanesExecutor({ model });
  afterAll(() => executor.close());
  const named = (name: string) => graph.tensors.findIndex((tensor) => tensor.name === name);
  const copies = (trace: Trace, name: string): TraceEvent[] =>
    trace.events.filter(({ kind, tensor }) => kind === 'copy' && tensor === named(name));

  test('every unit can split, and a part reads what its operator needs', () => {
    expect(graph.units.map(({ splitAxis, channelReach }) => [splitAxis, channelReach])).toEqual([
      [1, null],
      [1, 0],
      [1, 2],
      [1, 0],
      [1, null],
    ]);
  });

  test('halves of one cut move nothing but the neighbours that LRN reads, two channels in each direction', () => {
    for (const execution of ['overlap', 'serial'] as const) {
      const half = Schedule.of(graph, [0.5, 0.5, 0.5, 0.5, 0]);
      const trace = sound(graph, executor.run(graph, half, { ...conditions, execution }));
      expect(copies(trace, 'a')).toEqual([]);
      expect(copies(trace, 'c')).toEqual([]);
      const inward = copies(trace, 'b').filter(({ outward }) => !outward);
      const channelBytes = 4 * batch * size * size;
      expect(inward.map(({ lane, bytes, part }) => [lane, bytes, part])).toEqual(
        expect.arrayContaining([
          [0, 2 * channelBytes, [8 / 16, 10 / 16]],
          [1, 2 * channelBytes, [6 / 16, 8 / 16]],
        ]),
      );
      expect(inward).toHaveLength(2);
    }
  });

  test('parts of one cut are computed together where each reads only what the one before it writes', () => {
    const trace = sound(graph, executor.run(graph, Schedule.of(graph, [0.5, 0.5, 0.5, 0.5, 0]), conditions));
    const computed = (lane: number) =>
      trace.events.filter((event) => event.kind === 'compute' && event.lane === lane).map(({ units }) => units);
    expect([computed(0), computed(1)]).toEqual([
      [[0, 1], [2, 3], [4]],
      [
        [0, 1],
        [2, 3],
      ],
    ]);
    const stepwise = createLanesExecutor({ model, maxSegmentUnits: 1 });
    const steps = sound(graph, stepwise.run(graph, trace.schedule, conditions));
    expect(steps.resolution).toBe('unit');
    stepwise.close();
  });

  test('a part that reads more than lies there gets what it lacks', () => {
    const trace = sound(graph, executor.run(graph, Schedule.of(graph, [1, 0.25, 0.75, 1, 0]), conditions));
    expect(copies(trace, 'a').map(({ lane, part }) => [lane, part])).toEqual([
      [1, [0, 12 / 16]],
      [0, [0, 12 / 16]],
    ]);
    // LRN's last 12 channels and the two before them, of which device 1 has the last 4.
    expect(copies(trace, 'b').find(({ lane, outward }) => lane === 1 && !outward)!.part).toEqual([2 / 16, 12 / 16]);
  });

  test('random shares of all units give the outputs of the plain session, in either execution', () => {
    const random = Rng.of(2, 'shares');
    for (let repeat = 0; repeat < 10; repeat++) {
      const share = graph.units.map(() => [0, 1, random.uniform()][random.integer(3)]!);
      for (const execution of ['overlap', 'serial'] as const)
        sound(graph, executor.run(graph, Schedule.of(graph, share), { ...conditions, execution }));
    }
  });

  test('a trace in which a neighbour is missing is not sound', () => {
    const trace = sound(graph, executor.run(graph, Schedule.of(graph, [0.5, 0.5, 0.5, 0.5, 0]), conditions));
    const neighbours = (event: TraceEvent) => event.kind === 'copy' && event.tensor === named('b') && event.lane === 1;
    const without = { ...trace, events: trace.events.filter((event) => !neighbours(event)) };
    expect(traceViolations(graph, without)).toEqual([
      expect.stringContaining(`before tensor ${named('b')} is on lane`),
    ]);
    const halved = trace.events.map((event) =>
      event.kind === 'compute' && event.part && event.lane === 1 ? { ...event, part: [0.75, 1] as const } : event,
    );
    expect(traceViolations(graph, { ...trace, events: halved }).join()).toMatch(/0.75 of its channels are computed/);
  });
});

describe('a block whose Concat is cut where its branches are', async () => {
  const model = await block();
  const graph = model.graph('operator');
  const executor = createLanesExecutor({ model });
  afterAll(() => executor.close());
  const ids = new Map(graph.units.map(({ nodes, id }) => [nodes[0]!, id]));
  const shares = (of: Readonly<Record<string, number>>): number[] => {
    const share = graph.units.map(() => 0);
    for (const [name, value] of Object.entries(of)) share[ids.get(name)!] = value;
    return share;
  };

  test('nothing moves between the branches and the parts of the Concat', () => {
    // The cut goes through b, at 4 + 6 of 16.
    const schedule = Schedule.of(graph, shares({ b: 1 / 4, c: 1, d: 6 / 16 }));
    for (const execution of ['overlap', 'serial'] as const) {
      const trace = sound(graph, executor.run(graph, schedule, { ...conditions, execution }));
      const moved = trace.events.filter(({ kind, outward }) => kind === 'copy' && !outward);
      expect(moved.map(({ tensor, part }) => `${graph.tensors[tensor!]!.name} ${part ?? 'all'}`).sort()).toEqual([
        `d ${10 / 16},1`,
        'r all',
        'x all',
      ]);
    }
  });

  test('random shares of all units give the outputs of the plain session, in either execution', () => {
    const random = Rng.of(3, 'shares');
    for (let repeat = 0; repeat < 20; repeat++) {
      const share = graph.units.map(() => [0, 1, random.uniform(), random.uniform()][random.integer(4)]!);
      for (const execution of ['overlap', 'serial'] as const)
        sound(graph, executor.run(graph, Schedule.of(graph, share), { ...conditions, execution }));
    }
  });
});
