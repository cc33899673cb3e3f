import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AttributeProtoSchema, StringStringEntryProtoSchema } from '../base/onnx/onnx_pb.js';
import {
  AttributeType,
  DataLocation,
  DataType,
  decodeModel,
  encodeModel,
  float,
  type GraphParts,
  type ModelProto,
  makeModel,
  makeNode,
  makeValueInfo,
} from '../base/onnx/proto.js';
import { float32Tensor, int64Tensor } from '../base/onnx/tensor-data.js';
import { seededFeeds } from './analysis/feeds.js';
import { measure } from './analysis/measure.js';
import { loadModel } from './load.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparoa-load-'));
  process.env.SPAROA_GYM_CACHE = join(folder, 'cache');
});
afterAll(() => {
  delete process.env.SPAROA_GYM_CACHE;
  rmSync(folder, { recursive: true });
});

const F = DataType.FLOAT;
const ramp = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => ((i % 7) - 3) / 7 || 0.1);

function save(name: string, model: ModelProto | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, model instanceof Uint8Array ? model : encodeModel(model));
  return path;
}

const model = (parts: Partial<GraphParts>, irVersion = 8): ModelProto =>
  makeModel(
    {
      name: 'g',
      nodes: [],
      inputs: [makeValueInfo('x', F, [1, 4])],
      outputs: [makeValueInfo('y', F)],
      initializers: [],
      ...parts,
    },
    { '': 17 },
    irVersion,
  );

/** x [n, 3, 8, 8] -> Conv -> BatchNormalization -> Relu -> y. */
function convNet(irVersion = 8): ModelProto {
  const perChannel = (name: string) => float32Tensor(name, [4], Float32Array.of(1, 2, 3, 4));
  const initializers = [float32Tensor('w', [4, 3, 3, 3], ramp(108)), ...['s', 'b', 'm', 'v'].map(perChannel)];
  return model(
    {
      nodes: [
        makeNode('Conv', ['x', 'w'], ['c'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, { name: 'conv' }),
        makeNode('BatchNormalization', ['c', 's', 'b', 'm', 'v'], ['n'], { epsilon: float(1e-5) }, { name: 'bn' }),
        makeNode('Relu', ['n'], ['y'], {}, { name: 'relu' }),
      ],
      inputs: [
        makeValueInfo('x', F, ['n', 3, 8, 8]),
        ...(irVersion < 4 ? initializers.map((t) => makeValueInfo(t.name, F, t.dims.map(Number))) : []),
      ],
      initializers,
    },
    irVersion,
  );
}

describe('graphs', () => {
  test('BatchNormalization merges into Conv; Conv and Relu are two operators and one fused unit', async () => {
    const loaded = await loadModel(save('conv.onnx', convNet()));
    const { units, tensors } = loaded.graph('operator');
    expect(units.map((unit) => unit.opTypes)).toEqual([['Conv'], ['Relu']]);
    expect(units[0]).toMatchObject({
      opClass: 'conv',
      macs: 4 * 64 * 27,
      flops: 2 * 4 * 64 * 27,
      bytesRead: 4 * (3 * 64 + 108 + 4),
      bytesWritten: 4 * 256,
      weightBytes: 4 * (108 + 4),
      splitAxis: 1,
      onlyOn: null,
    });
    expect(
      tensors.map(({ shape, producer, consumers, graphOutput }) => [shape, producer, consumers, graphOutput]),
    ).toEqual([
      [[1, 3, 8, 8], null, [0], false],
      [[1, 4, 8, 8], 0, [1], false],
      [[1, 4, 8, 8], 1, [], true],
    ]);
    const fused = loaded.graph('fused');
    expect(fused.units).toHaveLength(1);
    expect(fused.units[0]).toMatchObject({
      name: 'conv',
      nodes: ['conv', 'relu'],
      flops: units[0]!.flops + units[1]!.flops,
      bytesRead: units[0]!.bytesRead,
      bytesWritten: units[1]!.bytesWritten,
      splitAxis: 1,
    });
    expect(loaded.totals).toMatchObject({ macs: 6912, parameters: 108 + 4 + 4 });
    expect(loaded.randomWeights).toBe(false);
  });

  test('weights that an old file lists among its inputs fold all the same', async () => {
    const loaded = await loadModel(save('ir3.onnx', convNet(3)));
    expect(loaded.inputs.map((input) => input.name)).toEqual(['x']);
    expect(loaded.graph('operator').units.map((unit) => unit.opTypes)).toEqual([['Conv'], ['Relu']]);
  });

  test('sparsity is the fraction of zeros, of activations and of weights', async () => {
    const path = save(
      'sparse.onnx',
      model({
        nodes: [
          makeNode('Mul', ['x', 'mask'], ['masked'], {}, { name: 'mask' }),
          makeNode('MatMul', ['masked', 'w'], ['y'], {}, { name: 'product' }),
        ],
        initializers: [
          float32Tensor('mask', [4], Float32Array.of(1, 0, 2, 3)),
          float32Tensor('w', [4, 2], Float32Array.of(1, 0, 0, 2, -0, 3, 4, 5)),
        ],
      }),
    );
    const { units } = (await loadModel(path)).graph('operator');
    expect(units.map((unit) => [unit.activationSparsity, unit.weightSparsity])).toEqual([
      [0, 1 / 4],
      [1 / 4, 3 / 8],
    ]);
  });

  test('nodes without a name, or with one that is taken, get one of their own', async () => {
    const named = (op: string, from: string, to: string, name: string) => makeNode(op, [from], [to], {}, { name });
    const nodes = [
      named('Relu', 'x', 'a', ''),
      named('Exp', 'a', 'b', 'same'),
      named('Neg', 'b', 'c', 'same'),
      named('Abs', 'c', 'y', ''),
    ];
    const { units } = (await loadModel(save('names.onnx', model({ nodes })))).graph('operator');
    const names = units.flatMap((unit) => unit.nodes);
    expect(new Set(names).size).toBe(4);
    expect(names).not.toContain('');
  });

  test('control flow is one opaque unit for device 0, and what its bodies capture are its inputs', async () => {
    const branch = (name: string, op: string) => {
      const graph = model({ nodes: [makeNode(op, ['a'], [name])], inputs: [], outputs: [makeValueInfo(name, F)] })
        .graph!;
      return create(AttributeProtoSchema, { name: `${name}_branch`, type: AttributeType.GRAPH, g: graph });
    };
    const choose = makeNode('If', ['positive'], ['y'], {}, { name: 'choose' });
    choose.attribute.push(branch('then', 'Exp'), branch('else', 'Neg'));
    const nodes = [
      makeNode('Relu', ['x'], ['a'], {}, { name: 'relu' }),
      makeNode('ReduceSum', ['x'], ['sum'], { keepdims: 0 }, { name: 'sum' }),
      makeNode('Greater', ['sum', 'zero'], ['positive'], {}, { name: 'greater' }),
      choose,
    ];
    const path = save('if.onnx', model({ nodes, initializers: [float32Tensor('zero', [], Float32Array.of(0))] }));
    const { units, tensors } = (await loadModel(path)).graph('operator');
    const unit = units.find((candidate) => candidate.name === 'choose')!;
    expect(unit).toMatchObject({ opClass: 'control-flow', onlyOn: 0, splitAxis: null });
    expect(unit.inputs.map((id) => tensors[id]!.name).sort()).toEqual(['a', 'positive']);
    expect(units.filter((other) => other.onlyOn !== null)).toEqual([unit]);
  });

  test('values that are no tensors have no bytes and do no harm', async () => {
    const nodes = [
      makeNode('SequenceConstruct', ['x', 'x'], ['sequence'], {}, { name: 'pack' }),
      makeNode('SequenceAt', ['sequence', 'one'], ['y'], {}, { name: 'unpack' }),
    ];
    const path = save('sequence.onnx', model({ nodes, initializers: [int64Tensor('one', [], [1])] }));
    const { tensors } = (await loadModel(path)).graph('operator');
    expect(tensors.map((tensor) => [tensor.name, tensor.bytes])).toEqual([
      ['x', 16],
      ['sequence', 0],
      ['y', 16],
    ]);
  });

  test('measuring in several parts gives what measuring at once gives', async () => {
    const { basicPath, inputs } = await loadModel(save('parts.onnx', convNet()));
    const basic = decodeModel(readFileSync(basicPath));
    const runs = [seededFeeds(inputs, 0), seededFeeds(inputs, 1)];
    expect(await measure(basic, runs, { budgetBytes: 1 })).toEqual(await measure(basic, runs));
  });
});

describe('names and shapes', () => {
  test('a free first dimension is 1, or the batch; the full URI says which', async () => {
    const path = save('batch.onnx', convNet());
    const one = await loadModel(path);
    const four = await loadModel(`${path}?batch=4`);
    expect([one.uri, four.uri]).toEqual([`file://${path}?batch=1`, `file://${path}?batch=4`]);
    expect([one.batch, four.batch]).toEqual([1, 4]);
    expect(one.batchIsFree).toBe(true);
    expect(four.totals.macs).toBe(4 * one.totals.macs);
    expect(four.modelHash).toBe(one.modelHash);
    expect(four.graph('operator').hash).not.toBe(one.graph('operator').hash);
  });

  const free = model({
    nodes: [makeNode('Relu', ['x'], ['y'], {}, { name: 'relu' })],
    inputs: [makeValueInfo('x', F, ['n', 3, 'h'])],
  });

  test('other free dimensions are given, and stand in the URI', async () => {
    const loaded = await loadModel(save('free.onnx', free), { shape: { x: [2, 3, 5] } });
    expect(loaded.uri).toMatch(/free\.onnx\?batch=2&shape\.x=2x3x5$/);
    expect((await loadModel(loaded.uri)).graph('operator').hash).toBe(loaded.graph('operator').hash);
  });

  test("the user's input determines free dimensions and the sparsity", async () => {
    const data = Float32Array.of(0, 0, 0, 4, 5, 6);
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 2), }\n";
    const bytes = Buffer.concat([
      Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
      Buffer.of(header.length, 0),
      Buffer.from(header),
      Buffer.from(data.buffer),
    ]);
    const input = save('x.npy', bytes);
    const loaded = await loadModel(save('given.onnx', free), { inputs: { '': input } });
    expect(loaded.graph('operator').units[0]!.activationSparsity).toBe(0.5);
    expect(loaded.uri).toMatch(/\?batch=1&shape\.x=1x3x2&input\.x=.*x\.npy$/);
    expect((await loadModel(loaded.uri)).graph('operator').hash).toBe(loaded.graph('operator').hash);
    await expect(
      loadModel(save('given.onnx', free), { inputs: { x: input }, shape: { x: [1, 3, 9] } }),
    ).rejects.toThrow(/input "x" is given the shape \[1, 3, 9\], but .*x\.npy has \[1, 3, 2\]/);
  });
});

describe('the cache', () => {
  test('a second load is a read; concurrent first loads agree', async () => {
    const path = save('cached.onnx', convNet());
    const [a, b] = await Promise.all([loadModel(path), loadModel(path)]);
    expect(a.graph('fused').hash).toBe(b.graph('fused').hash);
    const writtenMs = statSync(a.basicPath).mtimeMs;
    const again = await loadModel(path);
    expect(statSync(a.basicPath).mtimeMs).toBe(writtenMs);
    expect(again.graph('fused')).toEqual(a.graph('fused'));
  });

  test('a changed file is another model', async () => {
    const path = save('changed.onnx', convNet());
    const before = await loadModel(path);
    const changed = convNet();
    changed.graph!.initializer[0]!.rawData.fill(0);
    save('changed.onnx', changed);
    const after = await loadModel(path);
    expect(after.modelHash).not.toBe(before.modelHash);
    expect(after.graph('operator').units[0]!.weightSparsity).toBeGreaterThan(0.9);
  });
});

describe('external data', () => {
  function external(name: string, weights: Uint8Array | null): string {
    const proto = convNet();
    const tensor = proto.graph!.initializer[0]!;
    tensor.rawData = new Uint8Array();
    tensor.dataLocation = DataLocation.EXTERNAL;
    const entries = { location: `${name}.weights`, offset: '4', length: '432' };
    tensor.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    if (weights) save(`${name}.weights`, weights);
    return save(`${name}.onnx`, proto);
  }
  const weights = Buffer.concat([Buffer.alloc(4), Buffer.from(ramp(108).buffer)]);

  test('is drawn in: the graph equals that of the file with its weights inside', async () => {
    const outside = await loadModel(external('outside', weights));
    const inside = await loadModel(save('inside.onnx', convNet()));
    expect(outside.graph('operator').hash).toBe(inside.graph('operator').hash);
    const other = await loadModel(external('other', Buffer.alloc(436)));
    expect(other.modelHash).not.toBe(outside.modelHash);
  });

  test('error: the file that is missing is named', async () => {
    await expect(loadModel(external('lost', null))).rejects.toThrow(
      /lost\.onnx: the weights "w" lie in an external file that is missing: .*lost\.weights\.\nPut that file beside/,
    );
  });

  test('error: the file is truncated', async () => {
    await expect(loadModel(external('short', weights.subarray(0, 100)))).rejects.toThrow(
      /weights "w" end at byte 436 of .*short\.weights, which has 100/,
    );
  });
});

describe('errors name the file and the node', () => {
  const custom = (domain: string) => makeNode('Frobnicate', ['x'], ['y'], {}, { name: 'frob', domain });
  const withDomain = model({ nodes: [custom('my.ops')] });
  withDomain.opsetImport.push({ ...withDomain.opsetImport[0]!, domain: 'my.ops', version: 1n });
  const freeInside = model({
    nodes: [makeNode('Relu', ['x'], ['y'])],
    inputs: [makeValueInfo('x', F, [1, 3, 'height', 'width'])],
  });
  const mismatch = model({
    nodes: [makeNode('MatMul', ['x', 'w'], ['y'], {}, { name: 'product' })],
    initializers: [float32Tensor('w', [3, 2], ramp(6))],
  });
  const bytes = encodeModel(convNet());

  const cases: readonly [string, ModelProto | Uint8Array, RegExp, string?][] = [
    [
      'truncated',
      bytes.subarray(0, bytes.length - 200),
      /no ONNX model, or a truncated one \(\d+ bytes: .*\nExport or copy the file again/,
    ],
    ['text', Buffer.from('# a text\nand more of it\n'), /no ONNX model/],
    ['empty', new Uint8Array(), /no ONNX model \(0 bytes/],
    [
      'unknown operator',
      model({ nodes: [custom('')] }),
      /no operator for node "frob" \(Frobnicate\).*\nExport the model with standard/,
    ],
    ['unknown domain', withDomain, /no operator for node "frob" \(my\.ops\.Frobnicate\)/],
    [
      'no kernel',
      model({
        nodes: [
          makeNode('Cast', ['x'], ['u'], { to: DataType.BFLOAT16 }),
          makeNode('Sin', ['u'], ['v'], {}, { name: 'sine' }),
          makeNode('Cast', ['v'], ['y'], { to: F }),
        ],
      }),
      /node "sine" \(Sin\)/,
    ],
    ['mismatch', mismatch, /refuses node "product" \(MatMul\)/],
    [
      'free dimension',
      freeInside,
      /input "x": dimension 2 \("height"\) of \[1, 3, height, width\] is free.*\n.*--shape x=1,3,224,224/,
    ],
    ['fixed batch', mismatch, /batch 2 is asked for, but the first dimension of input "x" is 1/, '?batch=2'],
    ['fixed shape', mismatch, /given the shape \[1, 5\], but dimension 1 is fixed at 4 in \[1, 4\]/, '?shape.x=1x5'],
    ['rank', mismatch, /given the shape \[1, 2, 3\], but is declared as \[1, 4\]/, '?shape.x=1x2x3'],
    ['no such input', mismatch, /a shape is given for "z", which is no input.*\nIts inputs are "x"/, '?shape.z=1x4'],
  ];
  test.each(cases)('%s', async (name, file, message, query = '') => {
    const path = save(`${name}.onnx`, file);
    const error = await loadModel(`file://${encodeURI(path)}${query}`).then(
      () => null,
      (reason: Error) => reason,
    );
    expect(error?.name).toBe('InputError');
    expect(error?.message).toMatch(message);
    expect(error?.message).toContain(`models: ${name}.onnx: `);
    expect(error?.message.split('\n')).toHaveLength(2);
  });

  test('no such file; a built-in name without its scheme', async () => {
    await expect(loadModel('nowhere/m.onnx')).rejects.toThrow(/nowhere\/m\.onnx: there is no such file/);
    await expect(loadModel('resnet18')).rejects.toThrow(/Did you mean "model:\/\/resnet18"\?/);
  });
});

describe('dimensions without a size', () => {
  const free = (dim: number) =>
    model({
      nodes: [makeNode('MatMul', ['x', 'w'], ['h']), makeNode('Relu', ['h'], ['y'])],
      inputs: [makeValueInfo('x', F, [dim, 4])],
      outputs: [makeValueInfo('y', F, [dim, 4])],
      initializers: [float32Tensor('w', [4, 4], ramp(16))],
    });

  test('declared as 0 or -1 a dimension is free: the batch is 1 unless given', async () => {
    for (const dim of [0, -1]) {
      const path = save(`free${dim}.onnx`, free(dim));
      const loaded = await loadModel(path);
      expect([loaded.batch, loaded.batchIsFree, loaded.totals.macs]).toEqual([1, true, 16]);
      expect((await loadModel(`file://${path}?batch=3`)).totals.macs).toBe(3 * 16);
    }
  });

  test('elsewhere than in front it needs a value, which may be 0', async () => {
    const concat = model({
      nodes: [makeNode('Concat', ['past', 'x'], ['y'], { axis: 1 })],
      inputs: [makeValueInfo('x', F, [1, 4]), makeValueInfo('past', F, [1, 0])],
    });
    const path = save('cache.onnx', concat);
    await expect(loadModel(path)).rejects.toThrow(/"past": dimension 1 of \[1, \?\] is free/);
    for (const past of [0, 5]) {
      const loaded = await loadModel(path, { shape: { past: [1, past] } });
      expect(loaded.graph('operator').tensors.at(-1)!.shape).toEqual([1, 4 + past]);
      expect(loaded.uri).toContain(`shape.past=1x${past}`);
      expect((await loadModel(loaded.uri)).graph('operator').hash).toBe(loaded.graph('operator').hash);
    }
    await expect(loadModel(`file://${path}?shape.past=1x-1`)).rejects.toThrow(
      /is -1\.\nGive a whole number of 0 or more/,
    );
    await expect(loadModel(`file://${path}?batch=0&shape.past=1x1`)).rejects.toThrow(/batch is 0\.\nGive .* 1 or more/);
  });
});

test('operators that nobody counts are named; numbers fill inputs of a fixed shape', async () => {
  const topK = model({
    nodes: [makeNode('TopK', ['x', 'k'], ['y', 'places'])],
    inputs: [makeValueInfo('x', F, [1, 4]), makeValueInfo('k', DataType.INT64, [1])],
  });
  const path = save('topk.onnx', topK);
  const loaded = await loadModel(path, { inputs: { k: '3' } });
  expect(loaded.warnings).toEqual(['The work of TopK is not known: one operation per output element is counted.']);
  expect(loaded.graph('operator').tensors.find(({ name }) => name === 'y')!.shape).toEqual([1, 3]);
  expect((await loadModel(loaded.uri)).graph('operator').hash).toBe(loaded.graph('operator').hash);
  const open = save('open.onnx', convNet());
  await expect(loadModel(open, { inputs: { x: '1' } })).rejects.toThrow(
    /"x" is given as 1, but takes the shape \[n, 3/,
  );
  expect((await loadModel(open)).warnings).toEqual([]);
});
