// A model cut into parts that run one after the other gives what the whole gives.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DataType, encodeModel, float, makeModel, makeNode, makeValueInfo } from '../../base/onnx/proto.js';
import { OrtTensor, openSession, type Tensor } from '../../base/onnx/session.js';
import { float32Tensor } from '../../base/onnx/tensor-data.js';
import { Rng } from '../../base/random/rng.js';
import { type Feeds, seededFeeds } from '../analysis/feeds.js';
import type { OperatorGraph } from '../graph.js';
import { type LoadedModel, loadModel } from '../load.js';
import { type ChannelRange, channelsRead, readsAll } from './channels.js';
import { openSliceSource, type SliceSource, sliceUnits } from './slice.js';
import { channelRanges, sliceChannels } from './split.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-slice-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

async function run(bytes: Uint8Array, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const session = await openSession(bytes, { level: 'all' });
  const given = Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]!]));
  const outputs = await session.run(given);
  await session.release();
  return outputs;
}

function difference(a: Tensor, b: Tensor): number {
  expect(a.dims).toEqual(b.dims);
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  let most = 0;
  let largest = 0;
  x.forEach((value, i) => {
    most = Math.max(most, Math.abs(value - y[i]!));
    largest = Math.max(largest, Math.abs(y[i]!));
  });
  return largest > 0 ? most / largest : most;
}

/** Puts the parts of a tensor side by side along an axis. */
function sideBySide(parts: readonly Tensor[], axis: number): Tensor {
  const rows = parts[0]!.dims.slice(0, axis).reduce((a, b) => a * b, 1);
  const data: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (const { data: values, size } of parts)
      data.push(...(values as Float32Array).subarray((row * size) / rows, ((row + 1) * size) / rows));
  }
  const channels = parts.reduce((sum, part) => sum + part.dims[axis]!, 0);
  return new OrtTensor('float32', Float32Array.from(data), parts[0]!.dims.with(axis, channels));
}

/** Channels of a tensor along an axis: what `sideBySide` puts together. */
function channelsIn({ data, dims }: Tensor, axis: number, { from, to }: ChannelRange): Tensor {
  const rows = dims.slice(0, axis).reduce((a, b) => a * b, 1);
  const values = data as Float32Array;
  const step = values.length / rows / dims[axis]!;
  const kept = Array.from({ length: rows }, (_, row) => [
    ...values.subarray((row * dims[axis]! + from) * step, (row * dims[axis]! + to) * step),
  ]);
  return new OrtTensor('float32', Float32Array.from(kept.flat()), dims.with(axis, to - from));
}

/** Runs the unit's parts, each on the channels that it reads only, and puts their outputs side by side. */
async function runParts(source: SliceSource, graph: OperatorGraph, id: number, share: number, known: Feeds) {
  const { inputs, outputs, splitAxis } = graph.units[id]!;
  const parts = await Promise.all(
    channelRanges(source, graph, id, share).map((range) => {
      const feeds = inputs.map((tensor) => {
        const { name, shape } = graph.tensors[tensor]!;
        const read = channelsRead(graph, id, tensor, range);
        const all = readsAll(graph, id, tensor) || (read.from === 0 && read.to === (shape[splitAxis!] ?? 1));
        return [name, all ? known[name]! : channelsIn(known[name]!, splitAxis!, read)];
      });
      return run(sliceChannels(source, graph, [id], range).bytes, Object.fromEntries(feeds));
    }),
  );
  return outputs.map((tensor) => {
    const { name } = graph.tensors[tensor]!;
    return {
      name,
      joined: sideBySide(
        parts.map((part) => part[name]!),
        splitAxis!,
      ),
    };
  });
}

async function allTensors(model: LoadedModel, graph: OperatorGraph, source: SliceSource) {
  const known: Record<string, Tensor> = { ...seededFeeds(model.inputs, 5) };
  for (const { id } of graph.units) Object.assign(known, await run(sliceUnits(source, graph, [id]).bytes, known));
  return known;
}

describe.each(['model://mobilenetv3-small?size=64', 'model://resnet18?size=64'])('%s', (uri) => {
  test.each(['operator', 'fused'] as const)(
    '%s units in runs of random length equal the whole',
    async (granularity) => {
      const model = await loadModel(uri);
      const graph = model.graph(granularity);
      const source = openSliceSource(model);
      const feeds = seededFeeds(model.inputs, 3);
      const whole = await run(readFileSync(model.basicPath), feeds);
      const rng = Rng.of(1, 'slice', granularity);
      for (let repeat = 0; repeat < 3; repeat++) {
        const known: Record<string, Tensor> = { ...feeds };
        for (let next = 0; next < graph.units.length; ) {
          const length = Math.min(1 + rng.integer(12), graph.units.length - next);
          const ids = Array.from({ length }, (_, i) => next + i);
          Object.assign(known, await run(sliceUnits(source, graph, ids).bytes, known));
          next += length;
        }
        for (const [name, tensor] of Object.entries(whole)) expect(difference(known[name]!, tensor)).toBeLessThan(1e-5);
      }
    },
  );

  test('every unit that can split gives its output side by side', async () => {
    const model = await loadModel(uri);
    const graph = model.graph('fused');
    const source = openSliceSource(model);
    const known = await allTensors(model, graph, source);
    const rng = Rng.of(2, 'split');
    const splittable = graph.units.filter(({ splitAxis }) => splitAxis !== null);
    expect(splittable.length).toBeGreaterThan(15);
    for (const { id, name: unit } of splittable)
      for (const { name, joined } of await runParts(source, graph, id, rng.uniform(), known))
        expect(difference(joined, known[name]!), unit).toBeLessThan(1e-5);
  });
});

describe('splitting a matrix product', () => {
  const random = Rng.of(4, 'gemm');
  const values = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const feeds = { x: new OrtTensor('float32', values(3 * 4), [3, 4]) };
  const cases: readonly [string, readonly number[], Record<string, number>][] = [
    ['a bias per column', [6], {}],
    ['a bias per row', [3, 1], {}],
    ['a whole bias, weights transposed', [3, 6], { transB: 1 }],
    ['one number for a bias', [1], { transB: 1 }],
  ];
  test.each(cases)('Gemm with %s', async (_, biasShape, attributes) => {
    const weights = attributes.transB ? [6, 4] : [4, 6];
    const node = makeNode('Gemm', ['x', 'w', 'b'], ['y'], { ...attributes, alpha: float(0.5) });
    await expectSplit(node, [
      float32Tensor('w', weights, values(24)),
      float32Tensor('b', biasShape, values(biasShape.reduce((a, b) => a * b, 1))),
    ]);
  });

  test('MatMul', async () => {
    await expectSplit(makeNode('MatMul', ['x', 'w'], ['y']), [float32Tensor('w', [4, 6], values(24))]);
  });

  async function expectSplit(node: ReturnType<typeof makeNode>, initializers: ReturnType<typeof float32Tensor>[]) {
    const { graph, source, model } = await loaded([node], initializers);
    const whole = await run(readFileSync(model.basicPath), feeds);
    for (const share of [0.01, 0.3, 0.5, 0.99]) {
      const [output] = await runParts(source, graph, 0, share, feeds);
      expect(difference(output!.joined, whole.y!)).toBeLessThan(1e-5);
    }
  }
});

test.each([9, 17])('a depthwise convolution of opset %i splits with its input channels', async (opset) => {
  const random = Rng.of(6, 'depthwise');
  const values = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const node = makeNode('Conv', ['x', 'w', 'b'], ['y'], { group: 5, pads: [1, 1, 1, 1] });
  const weights = [float32Tensor('w', [10, 1, 3, 3], values(90)), float32Tensor('b', [10], values(10))];
  const { graph, source, model } = await loaded([node], weights, { dims: [1, 5, 6, 6], opset });
  const feeds = { x: new OrtTensor('float32', values(180), [1, 5, 6, 6]) };
  const whole = await run(readFileSync(model.basicPath), feeds);
  const ranges = channelRanges(source, graph, 0, 0.7);
  // Two outputs for each input: the cut falls between inputs.
  expect(ranges).toEqual([
    { from: 0, to: 4 },
    { from: 4, to: 10 },
  ]);
  const [output] = await runParts(source, graph, 0, 0.7, feeds);
  expect(difference(output!.joined, whole.y!)).toBeLessThan(1e-5);
});

test.each([
  [9, 5],
  [17, 3],
  [17, 1],
])(
  'a local response normalisation of opset %i over %i channels splits with the neighbours it reads',
  async (opset, size) => {
    const random = Rng.of(7, 'lrn');
    const node = makeNode('LRN', ['x'], ['y'], { size, alpha: float(0.5), beta: float(0.75), bias: float(1) });
    const { graph, source, model } = await loaded([node], [], { dims: [2, 12, 3, 3], opset });
    const feeds = {
      x: new OrtTensor(
        'float32',
        Float32Array.from({ length: 216 }, () => random.normal()),
        [2, 12, 3, 3],
      ),
    };
    const whole = await run(readFileSync(model.basicPath), feeds);
    for (const share of [0.01, 0.3, 0.5, 0.99]) {
      const [output] = await runParts(source, graph, 0, share, feeds);
      expect(difference(output!.joined, whole.y!), `share ${share}`).toBeLessThan(1e-5);
    }
  },
);

test.each([
  makeNode('MaxPool', ['x'], ['y'], { kernel_shape: [3, 3], strides: [2, 2] }),
  makeNode('AveragePool', ['x'], ['y'], { kernel_shape: [2, 2] }),
  makeNode('GlobalAveragePool', ['x'], ['y']),
])('$opType splits with the channels that it reads', async (node) => {
  const { graph, source, model } = await loaded([node], [], { dims: [2, 12, 5, 5], opset: 17 });
  const feeds = seededFeeds(model.inputs, 8);
  const whole = await run(readFileSync(model.basicPath), feeds);
  for (const share of [0.01, 0.3, 0.5, 0.99]) {
    const [output] = await runParts(source, graph, 0, share, feeds);
    expect(difference(output!.joined, whole.y!), `share ${share}`).toBeLessThan(1e-5);
  }
});

test('a concatenation of channels splits between and within its inputs, wherever their own channels lie', async () => {
  const random = Rng.of(9, 'concat');
  const weights = (name: string, ...shape: number[]) =>
    float32Tensor(
      name,
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
    );
  const { graph, source, model } = await loaded(
    [
      makeNode('Conv', ['x', 'w0'], ['a'], {}, { name: 'a' }),
      makeNode('MaxPool', ['x'], ['b'], { kernel_shape: [1, 1] }, { name: 'b' }),
      // The channels of a product lie along the last axis: parts of the concatenation read all of it.
      makeNode('MatMul', ['x', 'w1'], ['c'], {}, { name: 'c' }),
      makeNode('Concat', ['a', 'b', 'c'], ['y'], { axis: 1 }, { name: 'y' }),
    ],
    [weights('w0', 4, 3, 1, 1), weights('w1', 5, 5)],
    { dims: [2, 3, 5, 5], opset: 17 },
  );
  const known = await allTensors(model, graph, source);
  const { id } = graph.units.find(({ opTypes }) => opTypes[0] === 'Concat')!;
  const [a, b, c] = graph.units[id]!.inputs as [number, number, number];
  for (let cut = 1; cut < 10; cut++) {
    const [first] = channelRanges(source, graph, id, 1 - cut / 10);
    expect(first).toEqual({ from: 0, to: cut });
    const reads = [a, b, c].map((tensor) => channelsRead(graph, id, tensor, first));
    expect(reads.slice(0, 2).map(({ from, to }) => to - from)).toEqual([
      Math.min(4, cut),
      Math.min(3, Math.max(0, cut - 4)),
    ]);
    const [output] = await runParts(source, graph, id, 1 - cut / 10, known);
    expect(difference(output!.joined, known.y!), `cut ${cut}`).toBe(0);
  }
});

test('a concatenation along another axis, or of a constant, stays whole', async () => {
  const constant = float32Tensor('k', [2, 3, 5, 5], new Float32Array(150));
  for (const [inputs, axis] of [
    [['x', 'x'], 1],
    [['x', 'k'], 1],
    [['x', 'e'], 2],
  ] as const) {
    const { graph } = await loaded(
      [
        makeNode('Exp', ['x'], ['e'], {}, { name: 'e' }),
        makeNode('Concat', [...inputs], ['y'], { axis }, { name: 'y' }),
      ],
      [constant],
      { dims: [2, 3, 5, 5], opset: 17 },
    );
    expect(graph.units.at(-1)!.splitAxis).toBe(null);
  }
});

test.each([
  [192, 0.45, 112],
  [128, 0.1, 112],
  [64, 0.45, 32],
  [12, 0.3, 8],
])('of %i channels, a share of %f cuts between blocks, at %i', async (channels, share, cut) => {
  const weights = [float32Tensor('w', [channels, 1, 1, 1], new Float32Array(channels))];
  const { graph, source } = await loaded([makeNode('Conv', ['x', 'w'], ['y'])], weights, {
    dims: [1, 1, 2, 2],
    opset: 17,
  });
  expect(channelRanges(source, graph, 0, share)[0]).toEqual({ from: 0, to: cut });
});

test('parts that no order can run at once, and units that cannot split, are refused by name', async () => {
  // x -> a -> b; a, b -> c: {a, c} without b is not convex.
  const { graph, source } = await loaded(
    [makeNode('Exp', ['x'], ['a']), makeNode('Sin', ['a'], ['b']), makeNode('Mul', ['a', 'b'], ['y'])],
    [],
  );
  expect(() => sliceUnits(source, graph, [0, 2])).toThrow(/unit 2 "y" reads what unit 1 outside/);
  expect(() => channelRanges(source, graph, 0, 0.5)).toThrow(/unit 0 "a" \(Exp\) cannot be split/);
});

async function loaded(
  nodes: ReturnType<typeof makeNode>[],
  initializers: ReturnType<typeof float32Tensor>[],
  { dims, opset }: { dims: readonly number[]; opset: number } = { dims: [3, 4], opset: 17 },
) {
  const path = join(folder, `${count++}.onnx`);
  const inputs = [makeValueInfo('x', DataType.FLOAT, dims)];
  const outputs = [makeValueInfo('y', DataType.FLOAT)];
  writeFileSync(path, encodeModel(makeModel({ name: 'test', nodes, inputs, outputs, initializers }, { '': opset })));
  const model = await loadModel(path);
  return { model, graph: model.graph('operator'), source: openSliceSource(model) };
}
