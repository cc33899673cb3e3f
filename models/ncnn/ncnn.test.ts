// ncnn graphs as models: totals against published ones, shapes against those that the files state, damaged files against one
// rule: an InputError of one line, or a graph.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../base/errors/input-error.js';
import { Rng } from '../../base/random/rng.js';
import { dataReason, ncnnData, testData } from '../../test/fixtures/public-data.js';
import { faultOf, runLimited } from '../../test/fuzz/limited-command.js';
import { loadModel } from '../load.js';

const folder = mkdtempSync(join(tmpdir(), 'ncnn-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Loads a graph of these layers. */
function graphOf(layers: readonly string[], query = ''): ReturnType<typeof loadModel> {
  const path = join(folder, 'graph.param');
  writeFileSync(path, ['7767517', `${layers.length} ${layers.length}`, ...layers, ''].join('\n'));
  return loadModel(`${path}${query}`);
}

const input = 'Input data 0 1 data 0=8 1=6 2=4';

describe('layers by closed forms', () => {
  test.each([
    ['Convolution c 1 1 data out 0=16 1=3 4=1 5=1 6=576', [1, 16, 6, 8], 6 * 8 * 16 * 4 * 9],
    ['Convolution c 1 1 data out 0=16 1=3 11=1 3=2 6=192', [1, 16, 3, 3], 3 * 3 * 16 * 4 * 3],
    ['Convolution c 1 1 data out 0=2 1=3 3=2 4=-233 6=72', [1, 2, 3, 4], 3 * 4 * 2 * 4 * 9],
    ['Convolution c 1 1 data out 0=2 1=3 2=2 6=72', [1, 2, 2, 4], 2 * 4 * 2 * 4 * 9],
    ['ConvolutionDepthWise c 1 1 data out 0=4 1=3 4=1 6=36 7=4', [1, 4, 6, 8], 6 * 8 * 4 * 9],
    ['ConvolutionDepthWise c 1 1 data out 0=4 1=1 6=8 7=2', [1, 4, 6, 8], 6 * 8 * 4 * 2],
    ['Deconvolution c 1 1 data out 0=2 1=4 3=2 4=1 6=128', [1, 2, 12, 16], 6 * 8 * 4 * 2 * 16],
    ['InnerProduct c 1 1 data out 0=10 1=1 2=1920', [1, 10], 1920],
    ['Pooling c 1 1 data out 1=3 2=2', [1, 4, 3, 4], 0],
    ['Pooling c 1 1 data out 1=3 2=2 5=1', [1, 4, 2, 3], 0],
    ['Pooling c 1 1 data out 0=1 4=1', [1, 4], 0],
    ['Pooling c 1 1 data out 0=1 7=1 8=2', [1, 4, 2, 2], 0],
    ['Interp c 1 1 data out 0=1 1=2.0 2=3.0', [1, 4, 12, 24], 0],
    ['Permute c 1 1 data out 0=3', [1, 6, 8, 4].toSpliced(0, 1, 1), 0],
    ['Reshape c 1 1 data out 0=-1 1=4', [1, 4, 48], 0],
    ['Flatten c 1 1 data out', [1, 192], 0],
    ['Padding c 1 1 data out 0=1 1=2 2=3 3=4 7=0 8=5', [1, 9, 9, 15], 0],
    ['Crop c 1 1 data out -23309=1,1 -23310=1,-1 -23311=1,0', [1, 2, 6, 8], 0],
    ['Reduction c 1 1 data out 1=0 -23303=2,1,2 4=1', [1, 4, 1, 1], 0],
    ['PixelShuffle c 1 1 data out 0=2', [1, 1, 12, 16], 0],
  ] as const)('%s', async (layer, shape, macs) => {
    const model = await graphOf([input, layer]);
    const { units, tensors } = model.graph('operator');
    expect(tensors[units[0]!.outputs[0]!]!.shape).toEqual(shape);
    expect(model.totals.macs).toBe(macs);
    expect(units[0]!.flops).toBeGreaterThanOrEqual(2 * macs);
  });

  test('attention: four projections and two products', async () => {
    const model = await graphOf(['Input data 0 1 data 0=8 1=5', 'MultiHeadAttention m 1 1 data out 0=8 1=2 2=64']);
    expect(model.totals.macs).toBe(4 * 5 * 8 * 8 + 2 * 5 * 5 * 8);
    expect(model.totals.parameters).toBe(4 * 64 + 4 * 8);
  });

  test('slices, copies and joins: blobs that only have other names are one tensor', async () => {
    const model = await graphOf([
      input,
      'Split s 1 2 data a b',
      'Slice t 1 2 a a0 a1 -23300=2,1,-233',
      'Concat u 3 1 a1 b a0 out 0=0',
    ]);
    const { units, tensors } = model.graph('fused');
    expect(units.map(({ opTypes }) => opTypes[0])).toEqual(['Split', 'Concat']);
    expect(tensors.map(({ shape }) => shape[1])).toEqual([4, 1, 3, 8]);
    expect(units[1]!.channelReach).toBe('stacked');
    expect(tensors[0]!.consumers).toEqual([0, 1]);
  });

  test('constants are weights of what reads them', async () => {
    const model = await graphOf([input, 'MemoryData m 0 1 m 0=4', 'BinaryOp b 2 1 data m out 0=0']);
    const { units, tensors } = model.graph('operator');
    expect(tensors).toHaveLength(2);
    expect(units[0]).toMatchObject({ weightBytes: 16, bytesRead: 4 * 192 + 16, inputs: [0] });
  });

  test('int8 weights take a byte', async () => {
    const model = await graphOf([input, 'Convolution c 1 1 data out 0=16 1=1 5=1 6=64 8=2']);
    expect(model.totals.weightBytes).toBe(64 + 4 * 16);
  });

  test('ncnn reads as many layers as the second line says', async () => {
    const path = join(folder, 'cut.param');
    writeFileSync(path, `7767517\n2 2\n${input}\nReLU r 1 1 data out\nnonsense\n`);
    expect((await loadModel(path)).graph('operator').units).toHaveLength(1);
  });

  test('another input size, in the canonical name too', async () => {
    const model = await graphOf([input, 'Convolution c 1 1 data out 0=1 1=1 6=4'], '?shape.data=1x4x10x10');
    expect(model.totals.macs).toBe(400);
    expect(model.uri).toMatch(/graph\.param\?batch=1&shape\.data=1x4x10x10$/);
    expect((await loadModel(model.uri)).graph('operator').hash).toBe(model.graph('operator').hash);
  });
});

describe('what is wrong is named', () => {
  test.each([
    ['ReLU r 1 1 other out', /line|no layer before it writes "other"/],
    ['ReLU r 1 1 data data', /"data" is written twice/],
    ['Convolution c 1 1 data out 0=16 1=3 6=575', /said to be 575, and its sizes make 576/],
    ['Convolution c 1 1 data out 0=16 1=9 6=5184', /would write a blob of \[16, -2, 0\]/],
    [
      'Convolution c 1 1 data out 0=16 1=3 6=576 -23330=4,3,8,6,16',
      /says that it writes 16 x 6 x 8, and its parameters make 16 x 4 x 6/,
    ],
    ['Convolution c 1 1 data out 0=many', /parameter 0=many is no number/],
    ['Convolution c 1 1 data out 0=16', /the kernel \(parameter 1\) is missing/],
    ['Mystery m 1 1 data out', /its shape is neither in the file nor known for its type/],
    ['Slice s 1 2 data out', /names fewer blobs/],
    ['Interp i 1 1 data out 1=1e8 2=1e8', /elements, and 2147483648 are allowed/],
    ['Reshape r 1 1 data out 0=7', /it makes 7 of 4 x 6 x 8/],
  ])('%s', async (layer, message) => {
    await expect(graphOf([input, layer])).rejects.toThrow(message);
    await expect(graphOf([input, layer])).rejects.toBeInstanceOf(InputError);
  });

  test('a graph without weights is not executed', async () => {
    const model = await graphOf([input, 'ReLU r 1 1 data out']);
    expect(() => model.basicPath).toThrow(/holds no weights/);
    await expect(graphOf([input, 'ReLU r 1 1 data out'], '?batch=2')).rejects.toThrow(/the batch is 2/);
  });
});

describe.skipIf(testData === null)(`public graphs${dataReason}`, () => {
  const params = ncnnData('params');
  const files = testData === null ? [] : readdirSync(params).filter((file) => file.endsWith('.param'));
  const shapes: Readonly<Record<string, string>> = {
    'FastestDet.param': '?shape.in0=1x3x352x352',
    'vision_transformer.param': '?shape.input=1x3x384x384',
  };
  const load = (file: string) => loadModel(`${join(params, file)}${shapes[file] ?? ''}`);

  // MACs: MobileNets paper (569 M), and torchvision's tables (VGG-16 15.47 G); parameters without batch normalisation.
  test.each([
    ['mobilenet.param', 568_740_352, 4_221_032],
    ['vgg16.param', 15_470_264_320, 138_357_544],
    // AlexNet paper: 60 M parameters; 724 M multiply-accumulates with its two groups.
    ['alexnet.param', 724_406_816, 60_965_224],
    ['squeezenet.param', null, 1_235_496],
  ])('%s has the published totals', async (file, macs, parameters) => {
    const { totals } = await load(file);
    if (macs !== null) expect(totals.macs).toBe(macs);
    expect(totals.parameters).toBe(parameters);
  });

  // ncnn's ResNet-18 has one projection more than torchvision's, 64 to 64 channels at 56 x 56, and no scales of its own.
  test("resnet18.param is torchvision's and a projection", async () => {
    const [ncnn, torchvision] = await Promise.all([load('resnet18.param'), loadModel('model://resnet18')]);
    expect(ncnn.totals.macs).toBe(torchvision.totals.macs + 56 * 56 * 64 * 64);
  });

  test.each(files)('%s: every stated shape is inferred, and work follows from sizes', async (file) => {
    const model = await load(file);
    const graph = model.graph('operator');
    // The same graph without any stated shape.
    const bare = join(folder, file);
    const text = readFileSync(join(params, file), 'utf8').replace(/ -23330=[\d,]+/g, '');
    writeFileSync(bare, text);
    const detects = /DetectionOutput/.test(text);
    const inferred = (await loadModel(`${bare}${shapes[file] ?? ''}`)).graph('operator');
    if (!detects) expect(inferred.hash).toBe(graph.hash);
    expect(graph.hash).not.toBe(model.graph('fused').hash);
    // A convolution's multiply-accumulates: pixels that it writes times the weights that the file counts.
    const weightsOf = new Map(
      text.split('\n').flatMap((line) => {
        const [type, name, ...rest] = line.trim().split(/\s+/);
        const size = rest.find((word) => word.startsWith('6='));
        return /^Convolution/.test(type ?? '') && size ? [[name, Number(size.slice(2))] as const] : [];
      }),
    );
    const convolutions = graph.units.filter(({ name }) => weightsOf.has(name));
    expect(convolutions).toHaveLength(weightsOf.size);
    for (const { name, macs, outputs } of convolutions) {
      const [, , height = 1, width = 1] = graph.tensors[outputs[0]!]!.shape;
      expect(macs, name).toBe(height * width * weightsOf.get(name)!);
    }
    expect(graph.tensors.filter(({ producer }) => producer === null)).toHaveLength(1);
    for (const tensor of graph.tensors) expect(tensor.graphOutput, tensor.name).toBe(tensor.consumers.length === 0);
  });

  test('damaged files give a graph or an error of one line', async () => {
    const rng = Rng.of(16, 'ncnn', 'damage');
    const pick = <T>(items: readonly T[]): T => items[rng.integer(items.length)]!;
    for (let round = 0; round < 400; round++) {
      const lines = readFileSync(join(params, pick(files)), 'utf8').split('\n');
      for (let faults = 1 + rng.integer(3); faults > 0; faults--) {
        const at = rng.integer(lines.length);
        const words = lines[at]!.split(' ');
        const word = rng.integer(words.length);
        const damage = pick(['drop', 'swap', 'number', 'cut', 'double'] as const);
        if (damage === 'drop') words.splice(word, 1);
        else if (damage === 'swap') words[word] = pick(lines).split(' ').at(-1)!;
        else if (damage === 'number')
          words[word] = words[word]!.replace(/\d+/, pick(['0', '-1', '999999999', '1e30', 'nan', '3']));
        else if (damage === 'double') lines.splice(at, 0, lines[at]!);
        lines[at] = words.join(' ');
        if (damage === 'cut') lines.length = at + 1;
      }
      const path = join(folder, 'damaged.param');
      writeFileSync(path, lines.join('\n'));
      const ending = await loadModel(path).then(
        (model) => model.totals,
        (error: unknown) => error,
      );
      if (ending instanceof InputError) {
        expect(ending.problem.split('\n'), `round ${round}`).toHaveLength(1);
        expect(ending.problem.length, `round ${round}`).toBeLessThan(400);
      } else expect(ending, `round ${round}`).toHaveProperty('macs');
    }
  });

  test('large and senseless files end within limits on the command line', {
    tags: 'gate',
    timeout: 60_000,
  }, async () => {
    const many = (count: number, line: (at: number) => string) => Array.from({ length: count }, (_, at) => line(at));
    const cases: Readonly<Record<string, string>> = {
      'binary.param': 'PK\u0003\u0004\u0000\u0000',
      'empty.param': '',
      'counts.param': '7767517\n999999999 1\n',
      'readers.param': `7767517\n5001 5001\n${[input, ...many(5_000, (at) => `ReLU r${at} 1 1 data o${at}`)].join('\n')}`,
      'wide.param': `7767517\n2 2\nInput data 0 1 data 0=100000 1=100000 2=3\nReLU r 1 1 data out\n`,
      'names.param': `7767517\n2 2\n${input}\nReLU ${'r'.repeat(1e6)} 1 1 data out\n`,
    };
    for (const [name, text] of Object.entries(cases)) {
      const path = join(folder, name);
      writeFileSync(path, text);
      const ending = await runLimited(['inspect', path]);
      expect(faultOf(ending), basename(path)).toBeNull();
      if (name !== 'readers.param') expect(ending.code, name).toBe(1);
    }
  });
});
