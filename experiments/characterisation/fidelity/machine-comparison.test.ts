// Which table is compared where the machine measures another between the passes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseDevicePair } from '../../../engine/runtime/devices/device-pair.js';
import { loadModel } from '../../../models/load.js';
import { loadTable, tableUri } from '../../../predictor/tables/profile-table.js';
import type { SegmentTime } from '../../../predictor/tables/unit-times.js';
import { writeChain } from '../../../test/fixtures/chain-model.js';
import { profileModel } from '../profiling.js';
import { compareWithMachine } from './machine-comparison.js';
import { simulatedByTable } from './simulated-model.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-comparison-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a table measured anew is the one that is simulated, on the same schedules', { tags: 'gate' }, async () => {
  const model = await loadModel(writeChain(join(folder, 'chain.onnx'), 4));
  const profile = profileModel(model, parseDevicePair('cpu:1+cpu:1'), 1);
  const path = join(folder, 'profile.json');
  const stored = (name: string, segments: readonly SegmentTime[]) => {
    writeFileSync(path, JSON.stringify({ ...profile, segments }));
    return { ...loadTable(tableUri(path)), hash: name };
  };
  const table = stored('first', profile.segments);
  // As if the machine had become ten times slower. Whole models are segments that were measured.
  const slower = profile.segments.map((each) => ({ ...each, meanMs: 10 * each.meanMs, besideMs: 10 * each.besideMs }));
  const options = { rounds: 1, seed: 0 };
  const given = simulatedByTable(model, table);
  const first = await compareWithMachine(model, given, { ...options, anew: null });
  const anew = await compareWithMachine(model, given, {
    ...options,
    anew: async () => simulatedByTable(model, stored('anew', slower)),
  });
  expect([first.simulated.hash, anew.simulated.hash]).toEqual(['first', 'anew']);
  expect(anew.schedules.map(({ name }) => name)).toEqual(first.schedules.map(({ name }) => name));
  const onCpu = [first, anew].map(({ schedules }) => schedules.find(({ name }) => name.startsWith('cpu-only'))!);
  expect(onCpu[1]!.simulatedMs).toBeCloseTo(10 * onCpu[0]!.simulatedMs, 9);
  // What was executed is no slower for that.
  for (const { measuredMs } of onCpu) expect(measuredMs).toBeLessThan(5 * onCpu[0]!.measuredMs + 5);
});
