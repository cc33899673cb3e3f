import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../../base/files/paths.js';
import { loadModel } from '../../../models/load.js';
import type { CostTable } from '../../../predictor/cost-table.js';
import type { Conditions } from '../../conditions.js';
import { Schedule } from '../../schedule.js';
import type { Trace } from '../../trace.js';
import { deviceProbes } from '../devices/probe.js';
import { lastRun, type ProfileEvent } from '../session/profile.js';
import { deploy } from './deploy.js';

const python = process.env.SPAROA_GYM_PYTHON ?? 'python3';
const withoutPython = spawnSync(python, ['-c', 'import onnxruntime, numpy']).status !== 0;
const webgpu = deviceProbes().find(({ provider }) => provider === 'webgpu')!;
const folder = mkdtempSync(join(tmpdir(), 'sparoa-deploy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Costs that a test can foresee: every other unit is slower on device 0, and every transfer takes 1 ms. */
const costs = {
  unitMs: (unit: number, device: number) => (unit % 2 === device ? 0.5 : 0.25),
  transferMs: () => 1,
  launchMs: () => 0,
  syncMs: 0,
} as unknown as CostTable;
const conditions: Conditions = { seed: 0, execution: 'serial', mode: 'maxn', load: null, memoryBudgetBytes: null };

type Placement = { units: { nodes: string[]; device: 'cpu' | 'gpu'; why: string; latencyMs: number }[] };
const placement = () => JSON.parse(readFileSync(join(folder, 'placement.json'), 'utf8')) as Placement;
const outputs = (text: string): number[] => (JSON.parse(text) as number[][]).flat();
const run = (command: string, args: readonly string[]) => outputs(execFileSync(command, args, { encoding: 'utf8' }));

beforeAll(async () => {
  const model = await loadModel('model://resnet18?size=32');
  const graph = model.graph('operator');
  const schedule = Schedule.of(
    graph,
    graph.units.map(({ id }) => Number(id % 3 === 0)),
  );
  const trace: Trace = {
    version: 1,
    kind: 'simulated',
    resolution: 'unit',
    graphHash: graph.hash,
    profileHash: 'test',
    schedule,
    conditions,
    lanes: [],
    makespanMs: 1,
    energyMj: null,
    memory: [],
    events: [],
  };
  deploy(folder, { model, graph, trace, costs, profileUri: 'profile://test', scheduler: 'test' });
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
});

describe('a deployed folder', () => {
  test('says where each unit runs, what is expected there and why', () => {
    const { units } = placement();
    expect(units.map(({ device }) => device)).toEqual(units.map((_, id) => (id % 3 === 0 ? 'gpu' : 'cpu')));
    expect(units[0]).toMatchObject({
      latencyMs: 0.25,
      why: 'at least as fast here: 0.250 ms against 0.500 ms on the cpu',
    });
    expect(units[2]!.why).toMatch(
      /^slower here \(0\.500 ms against 0\.250 ms on the gpu\), but moving it alone would move/,
    );
    const files = readdirSync(folder);
    expect(files.filter((name) => name !== 'node_modules').sort()).toEqual([
      'load.mjs',
      'load.py',
      'model.onnx',
      'placement.json',
      'session-options.json',
    ]);
  });

  test('its JavaScript loader runs it', () => {
    expect(run(process.execPath, [join(folder, 'load.mjs')])).toHaveLength(1000);
  });

  test.skipIf(withoutPython)('its Python loader gives the same outputs', () => {
    const expected = run(process.execPath, [join(folder, 'load.mjs')]);
    const actual = run(python, [join(folder, 'load.py')]);
    const scale = Math.max(...expected.map(Math.abs));
    expect(Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!))) / scale).toBeLessThan(1e-4);
  });

  test.skipIf(!webgpu.available)('on CPU and WebGPU every operator runs where the placement says', async () => {
    const expected = run(process.execPath, [join(folder, 'load.mjs')]);
    const actual = run(process.execPath, [join(folder, 'load.mjs'), 'webgpu']);
    const scale = Math.max(...expected.map(Math.abs));
    expect(Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!))) / scale).toBeLessThan(1e-3);
    const session = await ort.InferenceSession.create(readFileSync(join(folder, 'model.onnx')), {
      executionProviders: ['webgpu', 'cpu'],
      extra: JSON.parse(readFileSync(join(folder, 'session-options.json'), 'utf8')) as Record<string, unknown>,
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'profile'),
    });
    await session.run({
      [session.inputNames[0]!]: new ort.Tensor('float32', new Float32Array(3 * 32 * 32), [1, 3, 32, 32]),
    });
    session.endProfiling();
    await session.release();
    const file = readdirSync(folder).find((name) => name.startsWith('profile'))!;
    const { kernels } = lastRun(JSON.parse(readFileSync(join(folder, file), 'utf8')) as ProfileEvent[]);
    const ranOn = new Map(kernels.map(({ node, device }) => [node.replace(/_token_\d+$/, ''), device]));
    const named = placement().units.flatMap(({ nodes, device }) => nodes.map((node) => [node, device] as const));
    const found = named.filter(([node]) => ranOn.has(node));
    expect(found.length).toBeGreaterThan(0.7 * named.length);
    for (const [node, device] of found) expect(ranOn.get(node), node).toBe(device === 'gpu' ? 1 : 0);
  });
});
