// Explanations of models against what is known: the quickstart's cells, and cost tables made so that the answer is known.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Conditions } from '../../engine/conditions.js';
import { openScenario } from '../../engine/scenario.js';
import { Schedule } from '../../engine/schedule.js';
import { loadModel } from '../../models/load.js';
import { writeChain } from '../../test/fixtures/chain-model.js';
import { plannerNames } from '../baselines/registry.js';
import { type Explanation, explain } from './explain.js';
import { explanationText, quantityText, unitsText } from './explanation-text.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparoa-explain-'));
  process.env.SPAROA_GYM_CACHE = folder;
});
afterAll(() => {
  delete process.env.SPAROA_GYM_CACHE;
  rmSync(folder, { recursive: true });
});

const conditionsOf = (execution: Conditions['execution']): Conditions => ({
  seed: 0,
  execution,
  mode: 'maxn',
  load: null,
  memoryBudgetBytes: null,
});

describe("the quickstart's cells", () => {
  const board = 'profile://jetson-agx-orin';
  const variant = 'launch=eager&transfer=copy';
  // Which cost it is follows from the simulator alone: without it, in the profile, the order of the two turns over.
  test.each([
    [
      'model://mobilenetv3-small?batch=16',
      `${board}?mode=50w&precision=fp32&${variant}`,
      'arithmetic',
      'device0.compute=1e4 GFLOP/s',
    ],
    ['model://mobilenetv2', `${board}?mode=30w&precision=fp32&${variant}`, 'launch', 'device1.launch=0us'],
    ['model://resnet18', `${board}?mode=maxn&precision=fp16&${variant}`, 'arithmetic', 'device0.compute=1e4 GFLOP/s'],
  ])(
    '%s: the decisive cost between the devices, without which their order turns over',
    { tags: 'gate' },
    async (model, profile, cost, without) => {
      const { comparisons, winner, alone, schedule, hybrid } = await explain(model, profile);
      expect(winner).toBe('hybrid');
      expect(schedule).toEqual(hybrid);
      const [devices, own] = comparisons;
      expect(devices.decisive).toBe(cost);
      expect(own.faster).toBe('optimum');
      const changed = await openScenario(model, `${profile}&${without}`);
      const [on0, on1] = [0, 1].map((device) => {
        const trace = changed.executor.run(
          changed.graph,
          Schedule.onDevice(changed.graph, device as 0 | 1),
          changed.conditions,
        );
        return 'error' in trace ? Number.NaN : trace.makespanMs;
      });
      expect(on0! < on1!).not.toBe(alone[0].latencyMs < alone[1].latencyMs);
    },
  );
});

describe('a measured table whose answer is known', () => {
  /** A chain of `ms.length` units with times on both devices, and moves of one price. */
  async function table(name: string, ms: readonly (readonly [number, number])[], moveMs: number) {
    const path = join(folder, `${name}.onnx`);
    writeChain(path, ms.length);
    const graph = (await loadModel(path)).graph('fused');
    const lane = (medianMs: number) => ({ medianMs, lowMs: medianMs, highMs: medianMs, samples: 3 });
    const line = { fixedMs: moveMs, msPerByte: 0 };
    const data = {
      model: path,
      graphHash: graph.hash,
      granularity: 'fused',
      devices: 'cpu:1+webgpu',
      units: graph.units.flatMap(({ id }) =>
        ([0, 1] as const).map((device) => ({ unit: id, device, lane: lane(ms[id]![device]) })),
      ),
      kernels: [],
      moves: [],
      fittedMoves: [line, line],
      wholeMs: [null, null],
      segments: [],
      handover: null,
    };
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(data));
    return { path, uri: `table://${file}`, units: graph.units.length };
  }

  test('kernels decide where one device is slower, and no copy cost makes a hybrid schedule win', async () => {
    const { path, uri } = await table('slow', [[1, 2], [2, 5], [1, 1], [3, 6]], 0.5); // biome-ignore format: a table
    const found = await explain(path, uri);
    expect(found.alone.map(({ latencyMs }) => latencyMs)).toEqual([7, 15]);
    expect(found.winner).toBe('device0');
    expect(found.comparisons[0]).toMatchObject({ slower: 'gpu-only', faster: 'cpu-only', decisive: 'kernel' });
    expect(found.comparisons[0].parts.kernel).toBeCloseTo(7, 12);
    expect(found.comparisons[0].parts.copy).toBeCloseTo(1, 12);
    expect(found.bounds).toEqual({ freeCopiesPercent: 0, freeOverheadsPercent: 0 });
    const copies = found.thresholds.find(({ label }) => label === 'copies')!;
    expect([copies.below, copies.above]).toEqual([null, null]);
    // Units 0 and 3 each alone: their own difference and one copy there, one back.
    expect(found.movedAlone.map(({ unit, costMs }) => [unit, Number(costMs.toFixed(9))])).toEqual([[1, 4], [3, 4], [0, 2], [2, 1]]); // biome-ignore format: a table
    // Device 1 wins once its kernels, 14 ms, and the two copies take less than 7 ms; hybrid schedules gain before.
    const kernels = found.thresholds.find(({ label }) => label === 'kernels of device 1')!;
    expect(kernels.below!.at).toBeLessThan(1);
    expect(kernels.above).toBeNull();
  });

  test('copies decide between devices of equal kernels, and a hybrid schedule wins below the price that theory says', async () => {
    // The run of units 2 to 4 saves 3 x 2 ms on device 1, for two copies: at 3.1 ms each it does not pay.
    const ms = [[1, 9], [1, 9], [3, 1], [3, 1], [3, 1], [1, 9]] as const; // biome-ignore format: a table
    const { path, uri } = await table('run', ms, 3.1);
    const found = await explain(path, uri);
    expect(found.winner).toBe('device0');
    expect(found.movedTogether[0]).toMatchObject({ units: [2, 3, 4], to: 1 });
    expect(found.movedTogether[0]!.costMs).toBeCloseTo(0.2, 12);
    expect(found.movedTogether[0]!.leastAloneMs).toBeCloseTo(4.2, 12);
    // 12 ms against 6 + 2 x 3.1 f: hybrid gains 2 % where 12 >= 1.02 (6 + 6.2 f).
    const copies = found.thresholds.find(({ label }) => label === 'copies')!;
    const price = (12 / 1.02 - 6) / 6.2;
    expect(copies.below).toMatchObject({ winner: 'hybrid', profile: null });
    expect(copies.below!.at).toBeLessThanOrEqual(price);
    expect(copies.below!.last).toBeGreaterThan(price);
    expect(found.bounds!.freeCopiesPercent).toBeCloseTo(100 * (12 / 6 - 1), 9);
  });

  test('the text says what the explanation says', async () => {
    const { path, uri, units } = await table('text', [[1, 2], [4, 1]], 0.25); // biome-ignore format: a table
    const text = explanationText(await explain(path, uri));
    expect(text).toContain(`${units} units (fused)`);
    expect(text).toMatch(/^A hybrid schedule wins: it takes 2\.500 ms/m);
    expect(text).toMatch(/Decisive: CPU alone is slower than GPU alone mostly by kernels/);
    expect(text.trimEnd().split('\n').length).toBeLessThan(40);
  });

  test('its overlap execution needs segments, and says so in two lines', async () => {
    const { path, uri } = await table('overlap', [[1, 2], [4, 1]], 0.25); // biome-ignore format: a table
    await expect(explain(path, uri, { execution: 'overlap' })).rejects.toThrow(/no segments on lanes.*\n/);
  });
});

test.each(['serial', 'overlap'] as const)(
  'every planner is explained in %s execution, at the latency that its schedule has',
  {
    tags: 'gate',
  },
  async (execution) => {
    const path = join(folder, 'planned.onnx');
    writeChain(path, 4);
    const uri = 'profile://jetson-orin-nano?launch=graph';
    const { graph, executor } = await openScenario(path, uri);
    for (const schedule of plannerNames()) {
      const found = await explain(path, uri, { execution, schedule });
      const shares = found.units.map(({ share }) => share);
      const trace = executor.run(graph, Schedule.of(graph, shares), conditionsOf(execution));
      expect(found.schedule.name).toBe(schedule);
      // HEFT's order may be another, which takes no longer in a chain.
      expect('error' in trace ? Number.NaN : trace.makespanMs, schedule).toBeCloseTo(found.schedule.latencyMs, 12);
      expect(explanationText(found)).not.toMatch(/NaN|Infinity|undefined/);
    }
  },
);

test('hardware is refused, and so are unknown planners', async () => {
  const path = join(folder, 'chain.onnx');
  writeChain(path, 3);
  await expect(explain(path, 'lanes://cpu:1+cpu:1')).rejects.toThrow(/is hardware.*\nGive a device profile/);
  await expect(explain(path, 'profile://jetson-agx-orin', { schedule: 'optimun' })).rejects.toThrow(
    /Did you mean "optimum"/,
  );
});

test('an explanation is the same every time, and survives JSON', async () => {
  const path = join(folder, 'again.onnx');
  writeChain(path, 6);
  const one = await explain(path, 'profile://jetson-agx-orin', { schedule: 'random' });
  const other = await explain(path, 'profile://jetson-agx-orin', { schedule: 'random' });
  expect(JSON.stringify(other)).toBe(JSON.stringify(one));
  expect(JSON.parse(JSON.stringify(one)) as Explanation).toEqual(one);
});

test('quantities and lists of units are short', () => {
  expect([quantityText(0.0885, 'ms'), quantityText(2.5, 'ms'), quantityText(204.8e6, 'B/ms')]).toEqual([
    '88.5 us',
    '2.5 ms',
    '205 GB/s',
  ]);
  expect(quantityText(274e6, 'FLOP/ms')).toBe('274 GFLOP/s');
  expect(unitsText([1, 2, 3, 7, 9, 10])).toBe('1-3, 7, 9-10');
});
