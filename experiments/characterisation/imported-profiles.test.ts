// Profiles made elsewhere: names of TensorRT's layers, in the forms that its users publish, are found among a model's units, and
// times that belong to no unit are reported. The trtexec files are made up in those forms; no TensorRT ran here.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../base/errors/input-error.js';
import { type LoadedModel, loadModel } from '../../models/load.js';
import { layerParts, readTrtexec } from '../../predictor/measurements/trtexec.js';
import { importOrtProfile, importTrtexec } from './imported-profiles.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-imported-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel('model://resnet18?size=32');
});

describe('names of fused layers', () => {
  const known = (name: string) => ['Conv_0', 'Relu_1', 'a/Sigmoid', 'a/Mul', 'x + y'].includes(name);
  test.each([
    ['Conv_0 + Relu_1', ['Conv_0', 'Relu_1']],
    ['Conv_0 + PWN(Relu_1)', ['Conv_0', 'Relu_1']],
    ['PWN(PWN(a/Sigmoid), a/Mul)', ['a/Sigmoid', 'a/Mul']],
    ['Conv_0 || Relu_1', ['Conv_0', 'Relu_1']],
    ['x + y + Conv_0', ['x', 'y', 'Conv_0']],
    ['x + y', ['x + y']],
    ['{ForeignNode[Conv_0]}', ['Conv_0']],
    ['{ForeignNode[Conv_0...Relu_1]}', ['{ForeignNode[Conv_0...Relu_1]}']],
    ['(Unnamed Layer* 3) [Shuffle]', ['(Unnamed Layer* 3) [Shuffle]']],
  ])('%s', (name, parts) => {
    expect(layerParts(name, known)).toEqual(parts);
  });
});

describe('trtexec', () => {
  const nodeOf = (unit: number) => model.graph('fused').units[unit]!.nodes[0]!;
  test('layers become kernels of the units they run; the rest is reported with its share', () => {
    const profile = [
      { count: 100 },
      { name: `Reformatting CopyNode for Input Tensor 0 to ${nodeOf(0)}`, averageMs: 0.5 },
      { name: `${nodeOf(0)} + ${nodeOf(1)}`, averageMs: 9, medianMs: 2 },
      { name: nodeOf(2), averageMs: 3 },
      { name: '__myl_Fc_myl0_7', averageMs: 1 },
      { name: `{ForeignNode[${nodeOf(4)}...${nodeOf(6)}]}`, averageMs: 3.5 },
    ];
    const layers = {
      Layers: [{ Name: '__myl_Fc_myl0_7', Metadata: `[ONNX Layer: ${nodeOf(3)}]\u001e[ONNX Layer: ${nodeOf(4)}]` }],
    };
    const { profile: made, ...report } = importTrtexec(model, {
      profile,
      layers,
      times: [{ latencyMs: 12 }, { latencyMs: 10 }, { latencyMs: 11 }],
    });
    expect(made.kernels).toEqual([
      { device: 1, units: [0, 1], ms: 2 },
      { device: 1, units: [2], ms: 3 },
      { device: 1, units: [3, 4], ms: 1 },
    ]);
    expect(made.wholeMs).toEqual([null, 11]);
    expect(made.units.every(({ lane }) => lane === null)).toBe(true);
    expect(report).toMatchObject({ totalMs: 10, mappedMs: 6, reformatMs: 0.5 });
    expect(report.unmapped).toMatchObject([{ ms: 3.5, share: 0.35, reason: expect.stringContaining('ForeignNode') }]);
  });

  test('a profile of another model, or no profile, is refused', () => {
    expect(() => importTrtexec(model, { profile: [{ name: 'other', averageMs: 1 }] })).toThrow('the first is "other"');
    expect(() => importTrtexec(model, { profile: [{ count: 1 }] })).toThrow('has no layers');
    const path = join(folder, 'profile.json');
    writeFileSync(path, '[{"count": 3},\n{"name": "a", "averageMs": -1}]');
    expect(() => readTrtexec(path)).toThrow(InputError);
    expect(() => readTrtexec(path)).toThrow('profile.json:2');
  });
});

describe("ONNX Runtime's profile", () => {
  test('of the original file: kernels are booked to units, and hold almost all of the time', async () => {
    const session = await InferenceSession.create(model.path, {
      enableProfiling: true,
      profileFilePrefix: join(folder, 'ort'),
      intraOpNumThreads: 1,
    });
    const feed = new Tensor('float32', new Float32Array(3 * 32 * 32).fill(0.1), [1, 3, 32, 32]);
    for (let run = 0; run < 3; run++) await session.run({ [session.inputNames[0]!]: feed });
    session.endProfiling();
    await session.release();
    const path = join(folder, readdirSync(folder).find((name) => name.startsWith('ort'))!);
    const { profile, totalMs, mappedMs, reformatMs, unmapped } = importOrtProfile(model, path);
    expect(profile.kernels.every(({ device }) => device === 0)).toBe(true);
    expect(mappedMs + reformatMs + unmapped.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(totalMs, 9);
    expect(mappedMs / totalMs).toBeGreaterThan(0.5);
    expect(totalMs).toBeLessThanOrEqual(profile.wholeMs[0]!);
    expect(profile.wholeMs[1]).toBeNull();
  });

  test('times of launching are not taken for times on a GPU', () => {
    const path = join(folder, 'cuda.json');
    const event = (cat: string, name: string, ts: number, dur: number, args = {}) => ({ cat, name, ts, dur, args });
    writeFileSync(
      path,
      JSON.stringify([
        event('Session', 'model_run', 0, 100),
        event('Session', 'SequentialExecutor::Execute', 1, 98),
        event('Node', 'conv1_kernel_time', 2, 3, { op_name: 'Conv', provider: 'CUDAExecutionProvider' }),
      ]),
    );
    expect(() => importOrtProfile(model, path)).toThrow('not how long they took there');
    writeFileSync(path, '[]');
    expect(() => importOrtProfile(model, path)).toThrow('holds no run');
  });
});
