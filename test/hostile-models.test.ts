// @module-tag gate
// Damaged and hostile ONNX files at the command line: two lines, exit code 1, no signal, within the limits on time and
// memory; and what asks for more than it may have does not get it.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../base/errors/input-error.js';
import { packageRoot } from '../base/files/paths.js';
import {
  DataLocation,
  DataType,
  encodeModel,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
} from '../base/onnx/proto.js';
import { int64Tensor } from '../base/onnx/tensor-data.js';
import { loadModel } from '../models/load.js';
import { faultOf, runLimited } from './fuzz/limited-command.js';

const fixtures = join(packageRoot, 'test', 'fixtures', 'cases');
const folder = mkdtempSync(join(tmpdir(), 'sparoa-hostile-'));
const env = { ...process.env, SPAROA_GYM_CACHE: join(folder, 'cache') };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function refused(path: string, message: RegExp, more: Record<string, string> = {}) {
  const ending = await runLimited(['inspect', path], { env: { ...env, ...more } });
  expect(faultOf(ending)).toBeNull();
  expect(ending.stderr).toMatch(message);
  expect(ending).toMatchObject({ code: 1, stdout: '' });
}

describe('files that failed in the field', () => {
  const says: Readonly<Record<string, RegExp>> = {
    a_00067_field_ext: /node "g1" \(Gemm\) reads "w1", which nothing writes/,
    a_00125_field_seq: /reads "x", which nothing writes/,
    a_00512_field_if: /tensor "z" has 4 bytes of data, but its shape \[\] of type int8 asks for 1/,
    a_00584_field_light_squeezenet: /has 100 bytes of data, but its shape \[1\] of type int64 asks for 8/,
    a_00977_field_loop: /node "lp" \(Loop\): attribute "body": .*writes "acc2", which is written elsewhere/,
    a_01059_field_light_squeezenet: /has the element type 65536/,
    a_01340_field_conv: /writes "r", which is written elsewhere/,
    a_01588_field_light_squeezenet: /asks for 32/,
    b_00263_field_loop: /4294967294 elements together, and 33554432 are allowed: "x" is \[2, 2147483647\]/,
    b_00438_field_quant: /reads "x", which nothing writes/,
    b_01232_field_if: /reads "x", which nothing writes/,
    b_02028_field_quant: /tensor "w" has the element type 2147483647/,
    crafted_intmindiv: /ONNX Runtime crashed while it ran the model \(SIGFPE\)/,
    crafted_memory_cos1e9: /more than 1\.0 GB of memory.*\n.*SPAROA_GYM_MAX_MEMORY_GB=/,
    crafted_memory_expand: /more than 1\.0 GB of memory/,
    ext_passwd: /"\.\.\/.*etc\/passwd", which is outside of the model's folder/,
    ext_proc: /"\.\.\/.*proc\/self\/environ", which is outside of the model's folder/,
  };
  test.each(Object.entries(says))('%s', (name, message) => refused(join(fixtures, `${name}.onnx`), message));

  test.each(['nm_quote', 'nm_tab', 'nm_formula'])('%s is valid', async (name) => {
    const ending = await runLimited(['inspect', join(fixtures, `${name}.onnx`)], { env });
    expect(faultOf(ending)).toBeNull();
    expect(ending.code).toBe(0);
    expect(ending.stdout.split('\n')[1]).toMatch(/^ 0 /);
  });

  // ONNX Runtime sorts nodes, and so do we.
  test.each(['b_00854_field_mlp', 'b_02041_field_seq', 'crafted_unsorted'])(
    '%s is valid, its nodes unsorted',
    async (name) => {
      const ending = await runLimited(['inspect', join(fixtures, `${name}.onnx`), '--json'], { env });
      expect(faultOf(ending)).toBeNull();
      expect(JSON.parse(ending.stdout).units.length).toBeGreaterThan(1);
    },
  );

  test('ext_symlink', async () => {
    const [own, other] = [join(folder, 'linked'), join(folder, 'elsewhere.data')];
    writeFileSync(other, new Uint8Array(4096));
    mkdirSync(own);
    cpSync(join(fixtures, 'ext_symlink.onnx'), join(own, 'm.onnx'));
    symlinkSync(other, join(own, 'link.data'));
    await refused(join(own, 'm.onnx'), /"link\.data", which is outside of the model's folder/);
  });
});

/** y = x + w, w of [4] in external data as `entries` say. */
function withExternalData(name: string, entries: Readonly<Record<string, string>>): string {
  const weights = makeTensor('w', DataType.FLOAT, [4], new Uint8Array(0));
  weights.dataLocation = DataLocation.EXTERNAL;
  const model = makeModel(
    {
      name: 'external',
      nodes: [makeNode('Add', ['x', 'w'], ['y'])],
      inputs: [makeValueInfo('x', DataType.FLOAT, [4])],
      outputs: [makeValueInfo('y', DataType.FLOAT, [4])],
      initializers: [weights],
    },
    { '': 17 },
  );
  model.graph!.initializer[0]!.externalData = Object.entries(entries).map(
    ([key, value]) => ({ $typeName: 'onnx.StringStringEntryProto', key, value }) as never,
  );
  const path = join(folder, 'models', `${name}.onnx`);
  mkdirSync(join(folder, 'models', 'sub'), { recursive: true });
  writeFileSync(path, encodeModel(model));
  return path;
}

describe('an operator is named as what every object has', () => {
  test.each(['constructor', 'toString', '__proto__'])('%s', async (name) => {
    for (const elemType of [DataType.FLOAT, DataType.FLOAT16]) {
      const graph = {
        name: 'named',
        nodes: [makeNode('Relu', ['x'], ['y']), makeNode(name, ['y'], ['z'])],
        initializers: [],
        inputs: [makeValueInfo('x', elemType, [4])],
        outputs: [makeValueInfo('z', elemType, [4])],
      };
      const path = join(folder, 'named.onnx');
      writeFileSync(path, encodeModel(makeModel(graph, { '': 17 })));
      await expect(loadModel(path)).rejects.toThrow(InputError);
    }
  });
});

describe('external data', () => {
  mkdirSync(join(folder, 'models', 'sub'), { recursive: true });
  writeFileSync(join(folder, 'models', 'sub', 'w.bin'), new Uint8Array(32));
  writeFileSync(join(folder, 'outside.bin'), new Uint8Array(32));
  symlinkSync(join(folder, 'models', 'sub', 'w.bin'), join(folder, 'models', 'inside-link.bin'));
  symlinkSync(folder, join(folder, 'models', 'folder-link'));

  test.each([
    ['a folder below', { location: 'sub/w.bin', offset: '16', length: '16' }],
    ['a way round that ends below', { location: 'sub/../sub/w.bin', length: '16' }],
    ['a link that ends below', { location: 'inside-link.bin', offset: '0', length: '16' }],
  ])('%s is read', async (_name, entries) => {
    const model = await loadModel(withExternalData('good', entries));
    expect(model.graph('operator').units).toHaveLength(1);
  });

  test.each([
    ['an absolute path, which ONNX does not have', { location: join(folder, 'outside.bin') }, /missing/],
    ['a parent', { location: '../outside.bin' }, /outside/],
    ['a linked folder', { location: 'folder-link/outside.bin' }, /outside/],
    ['the folder itself', { location: '.' }, /outside/],
    ['nothing', {}, /outside/],
    ['a folder', { location: 'sub' }, /no regular file/],
    ['a device', { location: '../../../../../../../../dev/zero' }, /outside/],
    ['a missing file', { location: 'absent.bin' }, /missing/],
    ['a negative offset', { location: 'sub/w.bin', offset: '-16' }, /offset "-16"/],
    ['a fraction', { location: 'sub/w.bin', offset: '0.5' }, /offset "0\.5"/],
    ['a negative length', { location: 'sub/w.bin', length: '-1' }, /length "-1"/],
    ['no number', { location: 'sub/w.bin', length: '1e1' }, /length "1e1"/],
    ['an offset beyond all', { location: 'sub/w.bin', offset: '99999999999999999999' }, /offset/],
    ['bytes that the file lacks', { location: 'sub/w.bin', offset: '24', length: '16' }, /end at byte 40/],
    ['an offset behind the end', { location: 'sub/w.bin', offset: '33' }, /end at byte 33/],
    ['fewer bytes than the shape', { location: 'sub/w.bin', length: '15' }, /15 bytes of data.*asks for 16/],
  ])('%s is refused', async (_name, entries, message) => {
    await expect(loadModel(withExternalData('bad', entries))).rejects.toThrow(message);
  });

  test('nothing of a refused file is left behind', () => {
    expect(readdirSync(join(folder, 'models')).sort()).toEqual(
      ['bad.onnx', 'folder-link', 'good.onnx', 'inside-link.bin', 'sub'].sort(),
    );
  });
});

/** A Loop of `trips` rounds that each add one; without end where null. */
function loopModel(trips: bigint | null): Uint8Array {
  const scalar = (name: string, type: number) => makeValueInfo(name, type, []);
  const body = makeModel(
    {
      name: 'body',
      nodes: [makeNode('Identity', ['go'], ['goOn']), makeNode('Add', ['a', 'a'], ['b'])],
      inputs: [scalar('i', DataType.INT64), scalar('go', DataType.BOOL), makeValueInfo('a', DataType.FLOAT, [4])],
      outputs: [scalar('goOn', DataType.BOOL), makeValueInfo('b', DataType.FLOAT, [4])],
      initializers: [],
    },
    { '': 17 },
  ).graph!;
  const loop = makeNode('Loop', [trips === null ? '' : 'trips', 'true', 'x'], ['y']);
  loop.attribute = [{ ...makeNode('X', [], [], { body: 1 }).attribute[0]!, type: 5, g: body }];
  delete (loop.attribute[0] as { i?: bigint }).i;
  return encodeModel(
    makeModel(
      {
        name: 'loop',
        nodes: [loop],
        inputs: [makeValueInfo('x', DataType.FLOAT, [4])],
        outputs: [makeValueInfo('y', DataType.FLOAT, [4])],
        initializers: [
          makeTensor('true', DataType.BOOL, [], Uint8Array.of(1)),
          ...(trips === null ? [] : [int64Tensor('trips', [], [trips])]),
        ],
      },
      { '': 17 },
    ),
  );
}

function written(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

describe('what a small file asks for has limits', () => {
  test.each([
    ['a billion rounds', 10n ** 9n],
    ['rounds without end', null],
  ])('%s', (_name, trips) =>
    refused(
      written('loop.onnx', loopModel(trips)),
      /more than 1 s of processor time.*\n.*SPAROA_GYM_MAX_CPU_SECONDS=/,
      {
        // Half of the default: other tests take part of the processor.
        SPAROA_GYM_MAX_CPU_SECONDS: '1',
      },
    ),
  );

  const relu = (nodes: number) =>
    encodeModel(
      makeModel(
        {
          name: 'chain',
          nodes: Array.from({ length: nodes }, (_, i) => makeNode('Relu', [i === 0 ? 'x' : `t${i}`], [`t${i + 1}`])),
          inputs: [makeValueInfo('x', DataType.FLOAT, ['n', 4])],
          outputs: [makeValueInfo(`t${nodes}`, DataType.FLOAT, ['n', 4])],
          initializers: [],
        },
        { '': 17 },
      ),
    );

  test('nodes', () =>
    refused(written('nodes.onnx', relu(100_000)), /more than 50000 nodes.*\n.*SPAROA_GYM_MAX_NODES=/));

  test('settings move the limits, and are checked', async () => {
    const path = written('chain.onnx', relu(5));
    await refused(path, /more than 4 nodes/, { SPAROA_GYM_MAX_NODES: '4' });
    await refused(path, /4 elements together, and 3 are allowed/, { SPAROA_GYM_MAX_INPUT_ELEMENTS: '3' });
    const large = join(fixtures, 'crafted_memory_expand.onnx');
    await refused(large, /more than 0\.6 GB of memory/, { SPAROA_GYM_MAX_MEMORY_GB: '0.6' });
    await refused(path, /SPAROA_GYM_MAX_CPU_SECONDS is "soon"/, { SPAROA_GYM_MAX_CPU_SECONDS: 'soon' });
    const ending = await runLimited(['inspect', path], { env: { ...env, SPAROA_GYM_MAX_NODES: '5' } });
    expect(ending.code).toBe(0);
  });
});
