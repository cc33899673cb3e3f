import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { optimum } from '../../agents/bounds/optimum.js';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../../base/onnx/proto.js';
import { Rng } from '../../base/random/rng.js';
import { scenarioOf } from '../../engine/scenario.js';
import { Schedule } from '../../engine/schedule.js';
import { loadModel } from '../../models/load.js';
import { loadProfile, profileVariants } from '../../predictor/profiles/profile.js';
import type { AtlasRow } from '../results/rows.js';
import { atlas, chosenBy, sweptLaunchUs, sweptTransferUs } from './atlas.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-atlas-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const model = 'model://mobilenetv3-small?size=64';
const profile = 'profile://jetson-orin-nano';

describe('the atlas', () => {
  test('has every variant at every batch, and the sweep in each power mode; only the former are sourced', async () => {
    const rows = await atlas({ model, profile, batches: [1, 4], sweep: true });
    const variants = profileVariants(profile).length;
    const modes = new Set(profileVariants(profile).map((uri) => loadProfile(uri).axes.mode)).size;
    const swept = modes * sweptLaunchUs.length * sweptTransferUs.length;
    expect(rows).toHaveLength(2 * (variants + swept));
    expect(rows.filter((row) => row.sourced)).toHaveLength(2 * variants);
    expect(new Set(rows.map((row) => `${row.model} ${row.profile}`)).size).toBe(rows.length);
  });

  test('headroom is the better single device over the optimum, less 1, and falls as transfers grow dear', async () => {
    const rows = await atlas({ model, profile, batches: [4], sweep: true });
    for (const row of rows.filter((_, index) => index % 9 === 0)) {
      const { graph, executor, conditions } = scenarioOf(await loadModel(row.model), loadProfile(row.profile));
      const latencyOf = (schedule: Schedule) => executor.run(graph, schedule, conditions).makespanMs;
      const random = Rng.of(0, 'unused');
      const best = latencyOf(optimum({ graph, costs: executor.costs(graph), conditions, random }));
      const [cpu, gpu] = [latencyOf(Schedule.onDevice(graph, 0)), latencyOf(Schedule.onDevice(graph, 1))];
      expect(row.headroomPercent).toBeCloseTo(100 * (Math.min(cpu, gpu) / best - 1), 9);
      expect(row.best).toBe(cpu <= gpu ? 'cpu-only' : 'gpu-only');
    }
    const sweptAt = (launch: number) =>
      rows.filter(({ profile: uri }) => uri.includes('mode=15w') && uri.includes(`device1.launch=${launch}us`));
    // The better single device pays at most two transfers, the optimum any number: dearer ones never add headroom but
    // for those two.
    const headrooms = sweptAt(30).map((row) => row.headroomPercent);
    expect(headrooms).toHaveLength(sweptTransferUs.length);
    expect(headrooms.at(-1)!).toBeLessThanOrEqual(headrooms[0]!);
  });

  test('a model with a fixed batch is explored at its own batch alone', async () => {
    const path = join(folder, 'fixed.onnx');
    const graph = {
      name: 'fixed',
      nodes: [makeNode('Relu', ['x'], ['y']), makeNode('Exp', ['y'], ['z'])],
      inputs: [makeValueInfo('x', DataType.FLOAT, [2, 1000])],
      outputs: [makeValueInfo('z', DataType.FLOAT, [2, 1000])],
      initializers: [],
    };
    writeFileSync(path, encodeModel(makeModel(graph, { '': 17 })));
    const rows = await atlas({ model: path, profile, batches: [1, 4, 16], sweep: false });
    expect(new Set(rows.map((row) => row.batch))).toEqual(new Set([2]));
    expect(chosenBy('largest-headroom', rows)).toBeNull();
  });
});

test('the largest headroom, or room, is looked for among sourced cells, and the first of equals is taken', () => {
  const row = (batch: number, headroomPercent: number, sourced: boolean): AtlasRow => ({
    model,
    profile,
    profileHash: '0',
    kind: 'simulated',
    batch,
    execution: 'serial',
    headroomPercent,
    best: 'cpu-only',
    roomPercent: 10 - headroomPercent,
    bestBaseline: 'cpu-only',
    sourced,
  });
  expect(
    chosenBy('largest-headroom', [row(1, 5, true), row(2, 9, false), row(3, 7, true), row(4, 7, true)])?.batch,
  ).toBe(3);
  expect(chosenBy('largest-headroom', [row(1, 5, false)])).toBeNull();
  expect(chosenBy('largest-room', [row(1, 5, true), row(2, 1, false), row(3, 4, true), row(4, 4, true)])?.batch).toBe(
    3,
  );
});
