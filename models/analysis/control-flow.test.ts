// @module-tag gate
// Models with bodies count what the models of their operators in a row count.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AttributeProtoSchema, GraphProtoSchema } from '../../base/onnx/onnx_pb.js';
import {
  AttributeType,
  DataType,
  encodeModel,
  type GraphProto,
  type ModelProto,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type NodeProto,
} from '../../base/onnx/proto.js';
import { float32Tensor, int64Tensor } from '../../base/onnx/tensor-data.js';
import { Rng } from '../../base/random/rng.js';
import { type Program, randomProgram, unrolled, withBodies } from '../../test/fixtures/control-programs.js';
import { fixture } from '../../test/fixtures/fixture.js';
import { type LoadedModel, loadModel } from '../load.js';
import type { BodyWork } from './body-work.js';
import { measureBodies } from './control-flow.js';
import { seededFeeds } from './feeds.js';
import { graphsWithin } from './node-view.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparoa-bodies-'));
  process.env.SPAROA_GYM_CACHE = join(folder, 'cache');
});
afterAll(() => {
  delete process.env.SPAROA_GYM_CACHE;
  rmSync(folder, { recursive: true });
});

function save(name: string, model: ModelProto): string {
  const path = join(folder, name);
  writeFileSync(path, encodeModel(model));
  return path;
}

function work(model: LoadedModel) {
  const { units } = model.graph('operator');
  const sum = (key: 'macs' | 'flops' | 'bytesRead' | 'bytesWritten'): number =>
    units.reduce((total, unit) => total + unit[key], 0);
  return {
    macs: sum('macs'),
    flops: sum('flops'),
    bytesRead: sum('bytesRead'),
    bytesWritten: sum('bytesWritten'),
    weightBytes: model.totals.weightBytes,
  };
}

async function compare(name: string, program: Program): Promise<LoadedModel> {
  const { model, inputs } = withBodies(program);
  const flat = unrolled(program);
  const expected = work(await loadModel(save(`${name}-flat.onnx`, flat.model)));
  const loaded = await loadModel(save(`${name}.onnx`, model), { inputs });
  const [flops, read, written] = flat.control;
  expect(work(loaded), `${name}: ${JSON.stringify(program)}`).toEqual({
    ...expected,
    flops: expected.flops + flops!,
    bytesRead: expected.bytesRead + read!,
    bytesWritten: expected.bytesWritten + written!,
  });
  return loaded;
}

test('the work of random programs of nested branches and loops is that of what runs of them', {}, async () => {
  for (let seed = 0; seed < 30; seed++) await compare(`p${seed}`, randomProgram(Rng.of(seed, 'program'), 3));
});

test('nodes out of order, in bodies too, load to the same units', async () => {
  for (let seed = 0; seed < 8; seed++) {
    const { model, inputs } = withBodies(randomProgram(Rng.of(seed, 'program'), 3));
    const described = async (name: string): Promise<string[]> => {
      const { units, tensors } = (await loadModel(save(name, model), { inputs })).graph('operator');
      const names = (ids: readonly number[]): string[] => ids.map((id) => tensors[id]!.name).sort();
      const lines = units.map((unit) =>
        JSON.stringify({ ...unit, id: 0, inputs: names(unit.inputs), outputs: names(unit.outputs) }),
      );
      return lines.sort();
    };
    const expected = await described(`sorted${seed}.onnx`);
    const rng = Rng.of(seed, 'shuffle');
    for (const graph of graphsWithin(model.graph!)) graph.node = rng.shuffle(graph.node);
    expect(await described(`shuffled${seed}.onnx`), `seed ${seed}`).toEqual(expected);
  }
});

const F = DataType.FLOAT;

/** x [1, 4] -> Loop of up to 50 trips that ends after 7 and appends to its state a row in each, times w -> y [8, 4]. */
function growing(): ModelProto {
  const g = create(GraphProtoSchema, {
    name: 'body',
    node: [
      makeNode('MatMul', ['rows', 'w'], ['product']),
      makeNode('Concat', ['product', 'x'], ['more'], { axis: 0 }),
      makeNode('Less', ['trip', 'six'], ['on']),
    ],
    initializer: [int64Tensor('six', [], [6])],
    input: [
      makeValueInfo('trip', DataType.INT64, []),
      makeValueInfo('was', DataType.BOOL, []),
      makeValueInfo('rows', F, ['n', 4]),
    ],
    output: [makeValueInfo('on', DataType.BOOL, []), makeValueInfo('more', F, ['m', 4])],
  });
  const loop = makeNode('Loop', ['most', '', 'x'], ['y']);
  loop.attribute.push(create(AttributeProtoSchema, { name: 'body', type: AttributeType.GRAPH, g }));
  const graph = {
    name: 'growing',
    nodes: [loop],
    inputs: [makeValueInfo('x', F, [1, 4])],
    outputs: [makeValueInfo('y', F)],
    initializers: [int64Tensor('most', [], [50]), float32Tensor('w', [4, 4], new Float32Array(16).fill(0.5))],
  };
  return makeModel(graph, { '': 17 }, 8);
}

test('a loop ends when its condition does, and its trips differ: the state grows by a row in each', async () => {
  const { units, tensors } = (await loadModel(save('growing.onnx', growing()))).graph('operator');
  expect(tensors[1]!.shape).toEqual([8, 4]);
  // 1 to 7 rows; a comparison each.
  expect(units[0]!.macs).toBe(28 * 16);
  expect(units[0]!.flops).toBe(2 * 28 * 16 + 7);
  expect(units[0]!.weightBytes).toBe(64);
});

test('trips beyond those that run one by one do what the last one did, and are counted all the same', async () => {
  const { model, inputs } = withBodies([
    { kind: 'loop', input: 'n', trips: 3000, body: [{ kind: 'matmul', id: 0, own: true }, { kind: 'tanh' }] },
  ]);
  const unit = (await loadModel(save('long.onnx', model), { inputs })).graph('operator').units[1]!;
  expect(unit.macs).toBe(3000 * 2 * 16);
  const grows = growing();
  const works = await measureBodies(grows, seededFeeds([{ name: 'x', elemType: F, shape: [1, 4] }], 0), 3);
  // One, two and three rows, and three in each of the four trips left.
  expect((works.get(grows.graph!.node[0]!) as BodyWork).macs).toBe((1 + 2 + 3 + 4 * 3) * 16);
});

test('an input that is a trip count or a condition has a value of its own, which is said, unless it is given', async () => {
  const { model } = withBodies([
    { kind: 'loop', input: 'n', trips: 0, body: [{ kind: 'matmul', id: 0, own: false }] },
    { kind: 'if', condition: 'c', holds: false, sides: [[{ kind: 'matmul', id: 1, own: true }], [{ kind: 'tanh' }]] },
  ]);
  const path = save('governed.onnx', model);
  const assumed = await loadModel(path);
  expect(assumed.totals.macs).toBe((8 + 1) * 2 * 16);
  expect(assumed.warnings).toEqual([
    expect.stringMatching(/^Input "n", the trip count of Loop ".*", is 8: give another by --input n=100\.$/),
    expect.stringMatching(/^Input "c", the condition of If ".*", is 1: give another by --input c=0\.$/),
  ]);
  expect(assumed.inputs.map(({ fill }) => fill)).toEqual([undefined, 8, 1]);
  const given = await loadModel(path, { inputs: { n: '5', c: '0' } });
  expect(given.totals.macs).toBe(5 * 2 * 16);
  expect(given.warnings).toEqual([]);
  expect((await loadModel(given.uri)).totals).toEqual(given.totals);
  const idle = await loadModel(path, { inputs: { n: '0', c: '0' } });
  expect(idle.warnings).toEqual([expect.stringMatching(/^Loop ".*" does not run its body on these inputs/)]);
  await expect(loadModel(path, { inputs: { n: '2.5' } })).rejects.toThrow(/"n" is given as 2\.5, which is no int64/);
  await expect(loadModel(path, { inputs: { c: '7' } })).rejects.toThrow(/"c" is given as 7, which is no bool/);
});

test('Ifs inside Ifs whose branch ONNX Runtime takes wrongly have a message of their own', async () => {
  const branch = (node: NodeProto[], output: string) =>
    create(GraphProtoSchema, { name: output, node, output: [makeValueInfo(output, F, [1, 4])] });
  const choose = (condition: string, output: string, ...branches: readonly GraphProto[]): NodeProto => {
    const node = makeNode('If', [condition], [output]);
    for (const [i, name] of ['then_branch', 'else_branch'].entries())
      node.attribute.push(create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: branches[i]! }));
    return node;
  };
  // The innermost branches read what the outermost, which is constant as the one between them is, computes.
  const [neg, tanh] = ['Neg', 'Tanh'].map((operator) => branch([makeNode(operator, ['a'], [operator])], operator));
  const other = branch([makeNode('Abs', ['x'], ['d'])], 'd');
  const between = branch([choose('c', 'e', neg!, tanh!)], 'e');
  const outer = branch([makeNode('Relu', ['x'], ['a']), choose('true', 'b', between, other)], 'b');
  const graph = {
    name: 'nested',
    nodes: [choose('true', 'z', outer, branch([makeNode('Sin', ['x'], ['f'])], 'f')), makeNode('Exp', ['z'], ['y'])],
    inputs: [makeValueInfo('x', F, [1, 4]), makeValueInfo('c', DataType.BOOL, [])],
    outputs: [makeValueInfo('y', F)],
    initializers: [makeTensor('true', DataType.BOOL, [], Uint8Array.of(1))],
  };
  await expect(loadModel(save('nested.onnx', makeModel(graph, { '': 17 }, 8)))).rejects.toThrow(
    /^models: nested\.onnx: ONNX Runtime takes the branches of Ifs inside Ifs wrongly, near node .*\n.*onnxsim/,
  );
});

test('models of reports: the branch taken, and a hundred trips', async () => {
  const branch = (await loadModel(fixture('if_capture.onnx'))).graph('operator').units[4]!;
  expect([branch.opClass, branch.macs]).toEqual(['control-flow', 16 * 16 * 9 * 32 * 32]);
  const loop = (await loadModel(fixture('loop.onnx'), { inputs: { trip: '100' } })).graph('operator').units[1]!;
  expect(loop.flops).toBe(100 * (2 * 16 * 16 + 16));
});
