// @module-tag gate
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { halfValue } from '../base/onnx/half.js';
import {
  DataType,
  decodeModel,
  encodeModel,
  type ModelProto,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
} from '../base/onnx/proto.js';
import { openSession, type Tensor } from '../base/onnx/session.js';
import { float32Tensor } from '../base/onnx/tensor-data.js';
import { relativeDifference } from '../base/statistics/relative-difference.js';
import { inHalf, inQdq, smallNetwork } from '../test/fixtures/narrow-models.js';
import { seededFeeds } from './analysis/feeds.js';
import type { OperatorGraph } from './graph.js';
import { type LoadedModel, loadModel } from './load.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparoa-narrow-'));
  process.env.SPAROA_GYM_CACHE = join(folder, 'cache');
});
afterAll(() => {
  delete process.env.SPAROA_GYM_CACHE;
  rmSync(folder, { recursive: true });
});

let saved = 0;
function load(model: ModelProto): Promise<LoadedModel> {
  const path = join(folder, `model${saved++}.onnx`);
  writeFileSync(path, encodeModel(model));
  return loadModel(path);
}

const basicOf = ({ basicPath }: LoadedModel) => decodeModel(readFileSync(basicPath)).graph!;
const operators = (graph: OperatorGraph): string[] =>
  graph.units.map(({ opTypes }) => opTypes.filter((type) => !/^(Q|Deq)uantizeLinear$/.test(type)).join('+'));
const numbers = ({ type, data }: Tensor): number[] =>
  Array.from(data as ArrayLike<number | bigint>, (value) =>
    type === 'float16' && data instanceof Uint16Array ? halfValue(Number(value)) : Number(value),
  );

/** Largest difference of what ONNX Runtime computes for the file and for the model that the graphs name. */
async function difference(model: LoadedModel): Promise<number> {
  const feeds = seededFeeds(model.inputs, 3);
  const results = [];
  for (const path of [model.path, model.basicPath]) {
    const session = await openSession(path, { level: 'all' });
    results.push(Object.values(await session.run(feeds)).flatMap(numbers));
    await session.release();
  }
  return relativeDifference(results[1]!, results[0]!);
}

const seeds = [0, 1, 2, 3];

describe('a model in half precision', () => {
  test.each(seeds)('has the units of its float32 twin and half the bytes (seed %i)', async (seed) => {
    const twin = await load(smallNetwork(seed));
    const half = await load(inHalf(smallNetwork(seed)));
    for (const granularity of ['operator', 'fused'] as const) {
      const [wide, narrow] = [twin.graph(granularity), half.graph(granularity)];
      const shown = ({ units }: OperatorGraph, scale: number) =>
        units.map((unit) => ({
          ...{ name: unit.name, nodes: unit.nodes, flops: unit.flops, splitAxis: unit.splitAxis },
          bytes: (unit.bytesRead + unit.bytesWritten) * scale,
          weightBytes: unit.weightBytes * scale,
        }));
      expect(shown(narrow, 1)).toEqual(shown(wide, 0.5));
      expect(narrow.tensors.every(({ type }) => type === 'float16')).toBe(true);
    }
    expect(half.totals.parameters).toBe(twin.totals.parameters);
    expect(basicOf(half).node.some(({ opType }) => opType === 'Cast')).toBe(false);
    expect(await difference(half)).toBeLessThan(4e-3);
  });

  test.each(seeds)("keeps its own casts around single-precision nodes, and none of others' (seed %i)", async (seed) => {
    const names = smallNetwork(seed).graph!.node.map(({ name }) => name);
    const islands = new Set(names.filter((_, i) => i % 3 === 1));
    const file = inHalf(smallNetwork(seed), islands);
    const casts = file.graph!.node.filter(({ opType }) => opType === 'Cast').map(({ output }) => output[0]);
    const model = await load(file);
    const graph = basicOf(model);
    const kept = graph.node.filter(({ opType }) => opType === 'Cast').map(({ output }) => output[0]);
    expect(kept.sort()).toEqual(casts.sort());
    const typeOf = new Map(model.graph('operator').tensors.map(({ name, type }) => [name, type]));
    for (const node of graph.node) {
      if (node.opType === 'Cast') continue;
      const type = islands.has(node.name) ? 'float' : 'float16';
      expect(typeOf.get(node.output[0]!), node.name).toBe(type);
      const constants = graph.initializer.filter(({ name }) => node.input.includes(name));
      for (const { dataType } of constants) expect(DataType[dataType]?.toLowerCase(), node.name).toBe(type);
    }
    expect(await difference(model)).toBeLessThan(4e-3);
  });

  test('fuses as its twin does where a constant decides what the operators are: Gelu', async () => {
    const gelu = (): ModelProto =>
      makeModel(
        {
          name: 'gelu',
          nodes: [
            makeNode('Div', ['x', 'root'], ['a']),
            makeNode('Erf', ['a'], ['b']),
            makeNode('Add', ['b', 'one'], ['c']),
            makeNode('Mul', ['x', 'c'], ['d']),
            makeNode('Mul', ['d', 'half'], ['y']),
          ],
          inputs: [makeValueInfo('x', DataType.FLOAT, [1, 4])],
          outputs: [makeValueInfo('y', DataType.FLOAT, [1, 4])],
          initializers: [
            float32Tensor('root', [], Float32Array.of(Math.SQRT2)),
            float32Tensor('one', [], Float32Array.of(1)),
            float32Tensor('half', [], Float32Array.of(0.5)),
          ],
        },
        { '': 17 },
        8,
      );
    const [twin, half] = [await load(gelu()), await load(inHalf(gelu()))];
    expect(twin.graph('fused').units).toHaveLength(1);
    expect(operators(half.graph('fused'))).toEqual(operators(twin.graph('fused')));
    expect(await difference(half)).toBeLessThan(4e-3);
  });

  test('constants that readers of both precisions share after folding have either type', async () => {
    const half = makeTensor('h', DataType.FLOAT16, [], Uint8Array.of(0, 0x40));
    const model = await load(
      makeModel(
        {
          name: 'shared',
          nodes: [
            makeNode('Mul', ['x', 'h'], ['a']),
            makeNode('Cast', ['a'], ['wide'], { to: DataType.FLOAT }),
            makeNode('Mul', ['wide', 'f'], ['b']),
            makeNode('Cast', ['b'], ['y'], { to: DataType.FLOAT16 }),
          ],
          inputs: [makeValueInfo('x', DataType.FLOAT16, [1, 4])],
          outputs: [makeValueInfo('y', DataType.FLOAT16, [1, 4])],
          initializers: [half, float32Tensor('f', [], Float32Array.of(2))],
        },
        { '': 17 },
        8,
      ),
    );
    expect(operators(model.graph('operator'))).toEqual(['Mul', 'Cast', 'Mul', 'Cast']);
    expect(await difference(model)).toBe(0);
  });
});

describe('a quantised model', () => {
  const variants = [{}, { weights: 'uint8' }, { floatWeights: true }] as const;
  const cases = seeds.flatMap((seed) => variants.map((variant) => [seed, variant] as const));

  test.each(cases)('has the units of its float twin, and tensors of a byte (seed %i, %o)', async (seed, variant) => {
    const twin = await load(smallNetwork(seed));
    const model = await load(inQdq(smallNetwork(seed), variant));
    const [wide, narrow] = [twin.graph('operator'), model.graph('operator')];
    expect(narrow.units.map(({ name }) => name)).toEqual(wide.units.map(({ name }) => name));
    expect(operators(narrow)).toEqual(operators(wide));
    for (const [id, { macs, flops, opClass }] of wide.units.entries()) {
      expect(narrow.units[id]).toMatchObject({ macs, flops, opClass });
      const inner = narrow.units[id]!.inputs.map((tensor) => narrow.tensors[tensor]!).filter(
        (t) => t.producer !== null,
      );
      expect(inner.map(({ type }) => type)).toEqual(inner.map(() => 'uint8'));
    }
    expect(model.totals.parameters).toBe(twin.totals.parameters);
    const biases = basicOf(model).initializer.filter(({ name }) => name.startsWith('b'));
    const biasBytes = biases.reduce((sum, { dims }) => sum + 4 * Number(dims[0]), 0);
    expect(model.totals.weightBytes).toBe(biasBytes + (twin.totals.weightBytes - biasBytes) / 4);
    expect(await difference(model)).toBe(0);
  });

  test.each(seeds)('may be quantised in part (seed %i)', async (seed) => {
    const twin = await load(smallNetwork(seed));
    const names = smallNetwork(seed).graph!.node.map(({ name }) => name);
    const skipped = new Set(names.filter((_, i) => i % 2 === 0));
    const model = await load(inQdq(smallNetwork(seed), { skipped }));
    expect(operators(model.graph('operator'))).toEqual(operators(twin.graph('operator')));
    expect(await difference(model)).toBeLessThan(2 ** -5);
  });

  test.each(seeds)('may be in half precision between its integers (seed %i)', async (seed) => {
    const twin = await load(smallNetwork(seed));
    const model = await load(inHalf(inQdq(smallNetwork(seed, { opset: 19 }))));
    expect(operators(model.graph('operator'))).toEqual(operators(twin.graph('operator')));
    const { node, initializer } = basicOf(model);
    expect(node.some(({ opType }) => opType === 'Cast')).toBe(false);
    expect(initializer.some(({ dataType }) => dataType === DataType.FLOAT)).toBe(false);
    expect(await difference(model)).toBeLessThan(2 ** -5);
  });

  test('counts the integers that stand for zero as zeros', async () => {
    const model = await load(inQdq(smallNetwork(1), { weights: 'uint8' }));
    const { units, tensors } = model.graph('operator');
    const relu = units.find(({ opTypes }) => opTypes.includes('Relu'))!;
    const reader = units.find(({ inputs }) => inputs.includes(relu.outputs[0]!))!;
    expect(tensors[relu.outputs[0]!]!.type).toBe('uint8');
    expect(reader.activationSparsity).toBeGreaterThan(0.3);
    expect(units[0]!.weightSparsity).toBeLessThan(0.1);
  });

  test('of operators on integers is counted like its float twin', async () => {
    const scale = float32Tensor('s', [], Float32Array.of(1 / 16));
    const zero = makeTensor('z', DataType.UINT8, [], Uint8Array.of(128));
    const of = (name: string, ...dims: number[]) =>
      makeTensor(
        name,
        DataType.UINT8,
        dims,
        Uint8Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => i % 251),
      );
    const set = ['s', 'z'];
    const model = await load(
      makeModel(
        {
          name: 'integers',
          nodes: [
            makeNode('QuantizeLinear', ['x', ...set], ['xq']),
            makeNode('QLinearConv', ['xq', ...set, 'w', ...set, ...set], ['cq'], { pads: [1, 1, 1, 1] }),
            makeNode('QLinearAdd', ['cq', ...set, 'cq', ...set, ...set], ['aq'], {}, { domain: 'com.microsoft' }),
            makeNode('QLinearMatMul', ['aq', ...set, 'm', ...set, ...set], ['mq']),
            makeNode('ConvInteger', ['aq', 'w2', 'z', 'z'], ['i']),
            makeNode('MatMulInteger', ['aq', 'm', 'z', 'z'], ['j']),
            makeNode('DequantizeLinear', ['mq', ...set], ['y']),
          ],
          inputs: [makeValueInfo('x', DataType.FLOAT, [1, 3, 8, 8])],
          outputs: [
            makeValueInfo('y', DataType.FLOAT, [1, 4, 8, 5]),
            makeValueInfo('i', DataType.INT32, [1, 2, 8, 8]),
            makeValueInfo('j', DataType.INT32, [1, 4, 8, 5]),
          ],
          initializers: [scale, zero, of('w', 4, 3, 3, 3), of('m', 8, 5), of('w2', 2, 4, 1, 1)],
        },
        { '': 17, 'com.microsoft': 1 },
        8,
      ),
    );
    const units = model.graph('operator').units.map(({ name, opClass, macs }) => [name, opClass, macs]);
    expect(units.sort()).toEqual([
      ['aq', 'elementwise', 0],
      ['cq', 'conv', 4 * 64 * 27],
      ['i', 'conv', 2 * 64 * 4],
      ['j', 'matmul', 4 * 8 * 5 * 8],
      ['mq', 'matmul', 4 * 8 * 5 * 8],
    ]);
    expect(await difference(model)).toBe(0);
  });

  test('that only quantises, and one whose output is read inside too, are graphs as well', async () => {
    const ends = (nodes: ReturnType<typeof makeNode>[], outputs: string[]) =>
      makeModel(
        {
          name: 'ends',
          nodes,
          inputs: [makeValueInfo('x', DataType.FLOAT, [1, 4])],
          outputs: outputs.map((name) => makeValueInfo(name, DataType.FLOAT, [1, 4])),
          initializers: [
            float32Tensor('s', [], Float32Array.of(1 / 16)),
            float32Tensor('t', [], Float32Array.of(1 / 8)),
            makeTensor('z', DataType.UINT8, [], Uint8Array.of(128)),
          ],
        },
        { '': 17 },
        8,
      );
    const q = (from: string, to: string, scale = 's') => makeNode('QuantizeLinear', [from, scale, 'z'], [to]);
    const d = (from: string, to: string, scale = 's') => makeNode('DequantizeLinear', [from, scale, 'z'], [to]);
    const pair = await load(ends([q('x', 'a'), d('a', 'y')], ['y']));
    expect(pair.graph('operator').units.map(({ opClass }) => opClass)).toEqual(['elementwise']);
    const again = await load(ends([q('x', 'a'), d('a', 'b'), q('b', 'c', 't'), d('c', 'y', 't')], ['y']));
    expect(again.graph('operator').units).not.toHaveLength(0);
    const inside = await load(
      ends(
        [
          q('x', 'a'),
          d('a', 'b'),
          makeNode('Relu', ['b'], ['r']),
          q('r', 'c'),
          d('c', 'y'),
          makeNode('Tanh', ['y'], ['t2']),
        ],
        ['y', 't2'],
      ),
    );
    expect(operators(inside.graph('operator'))).toEqual(['Relu', 'Tanh']);
    for (const model of [pair, again, inside]) expect(await difference(model)).toBe(0);
  });
});
