// Files of other tools become a device profile: what they contain is fitted, the rest is the refined profile's, and says
// so. The trtexec files are made up, with times of a known law; ONNX Runtime's is its own.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSimulator } from '../../../engine/simulator/simulator.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import { loadProfile } from '../../../predictor/profiles/profile.js';
import { trueMs } from '../../../test/fixtures/synthetic.js';
import { calibrate } from './calibrate.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-imports-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const base = 'profile://jetson-orin-nano?mode=15w&precision=fp32&launch=runtime&transfer=direct';
const uris = ['model://resnet18?size=32', 'model://mobilenetv3-small?size=32'] as const;
let models: LoadedModel[];

const write = (name: string, content: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};

/** A layer for each unit but the last, whose layer has no name of the model. */
function trtexecFiles({ graph: graphOf }: LoadedModel, name: string, scale = 1): string[] {
  const { units } = graphOf('fused');
  const layers = units.map((unit, at) => ({
    name: at === units.length - 1 ? '{ForeignNode[a...b]}' : unit.nodes.join(' + '),
    averageMs: scale * trueMs(unit, 1),
  }));
  const computeMs = layers.reduce((sum, { averageMs }) => sum + averageMs, 0);
  return [
    write(`${name}.times.json`, [{ latencyMs: computeMs + 5, computeMs }]),
    write(`${name}.profile.json`, [{ count: 100 }, ...layers]),
  ];
}

let runs = 0;
const calibrated = (options: Partial<Parameters<typeof calibrate>[0]>) =>
  calibrate({
    pair: [] as never,
    minutes: 0,
    rounds: 1,
    out: join(folder, `out${runs++}`),
    models: uris,
    holdOut: [],
    from: [],
    fromTrtexec: [],
    fromOrtProfile: [],
    refine: base,
    report: () => {},
    ...options,
  });

beforeAll(async () => {
  models = [await loadModel(uris[0]), await loadModel(uris[1])];
});

describe('trtexec', () => {
  const files = () => models.flatMap((model, at) => trtexecFiles(model, `model${at}`));

  test('the GPU is what the files say, all else the refined profile with its sources', async () => {
    const { profile, fit } = await calibrated({ fromTrtexec: files() });
    const path = write('refined.json', profile);
    const [own, board] = [loadProfile(path), loadProfile(base)];
    expect(own.axes).toMatchObject({ mode: 'segments', precision: 'fp32', launch: 'runtime', transfer: 'direct' });
    expect(own.devices[0]).toEqual(board.devices[0]);
    expect(own.transfer).toEqual(board.transfer);
    expect(own.priors).toEqual(
      Object.fromEntries(Object.entries(board.priors).filter(([name]) => !/^device1|^sync/.test(name))),
    );
    expect(own.weakestSource).toBe(board.weakestSource);
    for (const model of models) {
      const { units } = model.graph('fused');
      const graph = model.graph('fused');
      const costs = createSimulator(own).costs(graph);
      const sum = (ms: (id: number) => number) => units.reduce((total, { id }) => total + ms(id), 0);
      const error = sum((id) => costs.unitMs(id, 1, 1)) / sum((id) => trueMs(units[id]!, 1)) - 1;
      expect(Math.abs(error)).toBeLessThan(0.1);
    }
    // The unit whose layer could not be named is not one that takes no time.
    const counts = models.map((model) => model.graph('fused').units.length - 1);
    expect(profile.calibration).toMatchObject({
      date: 'unknown',
      devices: 'cpu:1+tensorrt:0',
      models: 2,
      units: [0, counts[0]! + counts[1]!],
      refines: board.uri,
      imported: [
        { tool: 'trtexec', model: models[0]!.uri, runs: 100 },
        { tool: 'trtexec', model: models[1]!.uri, runs: 100 },
      ],
    });
    expect(fit.devices.every(({ errors }) => errors.length > 0)).toBe(true);
    expect(own.notes.join('\n')).toMatch(/not measured is as in .*: units on device 0, moves to device 0, moves to/);
    expect(own.notes.join('\n')).toMatch(/No file says of which precision it is; taken for fp32/);
  });

  test('times that are 10 % longer move the profile by as much', async () => {
    const fitted = async (scale: number) => {
      const { fit } = await calibrated({ models: [uris[0]], fromTrtexec: trtexecFiles(models[0]!, 'scaled', scale) });
      return fit.devices[0]!.fittedMs.reduce((sum, ms) => sum + ms, 0);
    };
    expect((await fitted(1.1)) / (await fitted(1))).toBeCloseTo(1.1, 2);
  });

  test('layers have their precision, and a base of another is refused', async () => {
    const [times, profile] = trtexecFiles(models[0]!, 'half') as [string, string];
    const layers = write('half.layers.json', {
      Layers: [{ Name: 'a', Outputs: [{ 'Format/Datatype': 'Channel major FP16 format' }] }],
    });
    const options = { models: [uris[0]], fromTrtexec: [times, profile, layers] };
    await expect(calibrated(options)).rejects.toThrow('is of fp32, and the files are of fp16');
    const half = await calibrated({ ...options, refine: base.replace('fp32', 'fp16') });
    expect(half.profile.axes.precision).toEqual(['fp16']);
  });

  test.each([
    ['no model is named', () => ({ models: [] }), '--from-trtexec has 2 profiles, and --models names 0 models'],
    [
      'nothing measured on the CPU',
      () => ({ refine: null }),
      'nothing was measured for units on device 0, moves to device 0',
    ],
    ['a file is another', () => ({ fromTrtexec: [write('x.json', { a: 1 })] }), 'is no file that trtexec exports'],
    [
      'times are missing',
      () => ({ fromTrtexec: files().slice(1) }),
      '2 files of --exportProfile and 1 of --exportTimes',
    ],
    ['operators are eager', () => ({ refine: `${base.replace('runtime', 'eager')}` }), 'launches operators one by one'],
    ['numbers are replaced', () => ({ refine: `${base}&device1.launch=2us` }), 'changes numbers of the profile'],
  ] as const)('%s: an error that says so', async (_, change, message) => {
    await expect(calibrated({ fromTrtexec: files(), ...change() })).rejects.toThrow(message);
  });
});

test("ONNX Runtime's profile of a CPU is device 0, beside the GPU of another file", async () => {
  const session = await InferenceSession.create(models[0]!.path, {
    enableProfiling: true,
    profileFilePrefix: join(folder, 'ort'),
    intraOpNumThreads: 1,
  });
  const feed = new Tensor('float32', new Float32Array(3 * 32 * 32).fill(0.1), [1, 3, 32, 32]);
  for (let run = 0; run < 4; run++) await session.run({ [session.inputNames[0]!]: feed });
  session.endProfiling();
  await session.release();
  const path = join(folder, readdirSync(folder).find((name) => /^ort.*json$/.test(name))!);
  const { profile } = await calibrated({
    models: [uris[0]],
    fromOrtProfile: [path],
    fromTrtexec: trtexecFiles(models[0]!, 'beside'),
  });
  const { units } = models[0]!.graph('fused');
  expect(profile.calibration).toMatchObject({
    devices: 'cpu:1+tensorrt:0',
    models: 1,
    units: [units.length, units.length - 1],
  });
  expect(profile.calibration!.imported![1]).toMatchObject({ tool: 'onnxruntime', runs: 3 });
  expect(profile.devices[0].name).toBe('cpu:1');
  expect(profile.notes!.join('\n')).toMatch(/: moves to device 0, moves to device 1\./);
});
