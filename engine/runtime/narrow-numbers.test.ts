// @module-tag gate
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../base/files/paths.js';
import { DataType, encodeModel, type ModelProto, makeModel, makeNode, makeValueInfo } from '../../base/onnx/proto.js';
import { relativeDifference } from '../../base/statistics/relative-difference.js';
import { type LoadedModel, loadModel } from '../../models/load.js';
import { wholeUnitMs } from '../../predictor/cost-table.js';
import { precisionNotes } from '../../predictor/profiles/precision.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { profileCosts } from '../../predictor/profiles/profile-costs.js';
import { inHalf, inQdq, smallNetwork } from '../../test/fixtures/narrow-models.js';
import type { Conditions } from '../conditions.js';
import { Schedule } from '../schedule.js';
import type { Trace } from '../trace.js';
import { deploy } from './deployment/deploy.js';
import { createLanesExecutor } from './lanes/executor.js';
import { createSessionExecutor } from './session/executor.js';

const python = process.env.SPAROA_GYM_PYTHON ?? 'python3';
const withoutPython = spawnSync(python, ['-c', 'import onnxruntime, numpy']).status !== 0;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparoa-narrow-'));
  process.env.SPAROA_GYM_CACHE = join(folder, 'cache');
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => {
  delete process.env.SPAROA_GYM_CACHE;
  rmSync(folder, { recursive: true, force: true });
});

let saved = 0;
function load(model: ModelProto, shape: Record<string, readonly number[]> = {}): Promise<LoadedModel> {
  const path = join(folder, `model${saved++}.onnx`);
  writeFileSync(path, encodeModel(model));
  return loadModel(path, { shape });
}

const everySecond = (seed: number): Set<string> =>
  new Set(
    smallNetwork(seed)
      .graph!.node.map(({ name }) => name)
      .filter((_, i) => i % 2 === 0),
  );
const narrow: Readonly<Record<string, (seed: number) => ModelProto>> = {
  'half precision': (seed) => inHalf(smallNetwork(seed)),
  'half precision with single-precision nodes': (seed) => inHalf(smallNetwork(seed), everySecond(seed)),
  quantised: (seed) => inQdq(smallNetwork(seed)),
  'quantised in part': (seed) => inQdq(smallNetwork(seed), { skipped: everySecond(seed) }),
};
const cases = Object.keys(narrow).flatMap((kind) => [0, 1].map((seed) => [kind, seed] as const));
const conditions: Conditions = { seed: 0, execution: 'serial', mode: 'maxn', load: null, memoryBudgetBytes: null };

function deployed(model: LoadedModel): string {
  const graph = model.graph('operator');
  const profile = loadProfile('profile://jetson-agx-orin');
  const schedule = Schedule.of(
    graph,
    graph.units.map(({ id }) => id % 2),
  );
  const trace: Trace = {
    ...{
      version: 1,
      kind: 'simulated',
      resolution: 'unit',
      graphHash: graph.hash,
      profileHash: profile.hash,
      schedule,
    },
    ...{ conditions, lanes: [], makespanMs: 1, energyMj: null, memory: [], events: [] },
  };
  const out = join(folder, `deployed${saved++}`);
  deploy(out, { model, graph, trace, costs: profileCosts(graph, profile), profileUri: profile.uri, scheduler: 'test' });
  return out;
}

const outputs = (command: string, args: readonly string[]): number[] =>
  (JSON.parse(execFileSync(command, args, { encoding: 'utf8' })) as number[][]).flat();

describe.each(cases)('a model in %s (seed %i)', (kind, seed) => {
  test('runs as a session and on lanes, and agrees with the plain session', async () => {
    const model = await load(narrow[kind]!(seed));
    const graph = model.graph('operator');
    const whole = Schedule.of(
      graph,
      graph.units.map(() => 0),
    );
    const session = createSessionExecutor(model, 'cpu:1+cpu:1');
    expect(session.run(graph, whole, conditions)).toMatchObject({ kind: 'measured' });
    session.close();
    const lanes = createLanesExecutor({ model, pair: 'cpu:1+cpu:1' });
    const shares = [
      graph.units.map(({ id }) => id % 2),
      graph.units.map(({ splitAxis }) => (splitAxis === null ? 1 : 0.5)),
    ];
    for (const share of shares)
      for (const execution of ['serial', 'overlap'] as const)
        expect(lanes.run(graph, Schedule.of(graph, share), { ...conditions, execution })).toMatchObject({
          kind: 'measured',
        });
    lanes.close();
  });

  test.skipIf(withoutPython)('is deployed as a model that computes in Python what the file does', async () => {
    const model = await load(narrow[kind]!(seed));
    const out = deployed(model);
    const script = `import json, sys, numpy, onnxruntime
runs = []
for path in sys.argv[1:]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = session.get_inputs()[0]
    x = {x.name: numpy.random.default_rng(0).standard_normal(x.shape).astype("float16" if "16" in x.type else "float32")}
    runs.append(session.run(None, x)[0].astype(float).ravel().tolist())
print(json.dumps(runs))`;
    const both = execFileSync(python, ['-c', script, join(out, 'model.onnx'), model.path], { encoding: 'utf8' });
    const [actual, expected] = JSON.parse(both) as [number[], number[]];
    expect(relativeDifference(actual, expected)).toBeLessThan(kind.startsWith('half') ? 4e-3 : 1e-6);
  });
});

test.each([0, 1, 2])('a half-precision model takes as long at fp16 as its float32 twin (seed %i)', async (seed) => {
  const [twin, half] = [
    await load(smallNetwork(seed, { size: 64 })),
    await load(inHalf(smallNetwork(seed, { size: 64 }))),
  ];
  for (const name of ['jetson-agx-orin', 'jetson-orin-nano']) {
    const profile = loadProfile(`profile://${name}?precision=fp16`);
    const gpuMs = (model: LoadedModel): number[] => {
      const graph = model.graph(profile.granularity);
      const costs = profileCosts(graph, profile);
      return graph.units.map(({ id }) => wholeUnitMs(costs, id, 1));
    };
    const expected = gpuMs(twin);
    for (const [id, ms] of gpuMs(half).entries()) expect(ms / expected[id]!).toBeCloseTo(1, 9);
    expect(precisionNotes(half.graph('operator'), profile)).toEqual([]);
  }
});

test('a quantised model takes no longer than its float twin, and says at which rates', async () => {
  const [twin, quantised] = [await load(smallNetwork(0)), await load(inQdq(smallNetwork(0)))];
  const profile = loadProfile('profile://jetson-agx-orin?precision=fp16');
  const [wide, integers] = [twin.graph('operator'), quantised.graph('operator')];
  const [expected, costs] = [profileCosts(wide, profile), profileCosts(integers, profile)];
  for (const { id, inputs } of integers.units) {
    if (inputs.some((tensor) => integers.tensors[tensor]!.producer === null)) continue;
    expect(wholeUnitMs(costs, id, 1)).toBeLessThanOrEqual(wholeUnitMs(expected, id, 1) * (1 + 1e-9));
  }
  expect(precisionNotes(wide, profile)).toEqual([]);
  expect(precisionNotes(integers, profile)).toEqual([
    'Quantised operators are simulated with the bytes of their integers and the rates of fp16: no profile knows int8 rates.',
  ]);
});

describe('loaders make inputs of the types of the model', () => {
  const types = ['FLOAT', 'DOUBLE', 'FLOAT16', 'INT64', 'INT32', 'UINT8', 'INT8', 'UINT64', 'BOOL'] as const;

  test.each(types)('%s, with a free dimension', async (type) => {
    const elemType = DataType[type];
    const model = await load(
      makeModel(
        {
          name: 'types',
          nodes: [
            makeNode('Concat', ['x', 'x'], ['xx'], { axis: 1 }),
            makeNode('Cast', ['xx'], ['y'], { to: DataType.DOUBLE }),
            makeNode('Identity', ['xx'], ['z']),
          ],
          inputs: [makeValueInfo('x', elemType, ['batch', 'length'])],
          outputs: [makeValueInfo('y', DataType.DOUBLE), makeValueInfo('z', elemType)],
          initializers: [],
        },
        { '': 17 },
        8,
      ),
      { x: [1, 11] },
    );
    const out = deployed(model);
    const made = outputs(process.execPath, [join(out, 'load.mjs')]);
    expect(made).toHaveLength(44);
    expect(new Set(made).size).toBe(/FLOAT|DOUBLE/.test(type) ? 11 : 2);
    if (!withoutPython) expect(outputs(python, [join(out, 'load.py')])).toEqual(made);
  });
});
