// What a calibrated profile says of a model, as this machine judges it: which of its modes stands for what.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseDevicePair } from '../../../engine/runtime/devices/device-pair.js';
import { Schedule } from '../../../engine/schedule.js';
import { createSimulator } from '../../../engine/simulator/simulator.js';
import { loadModel } from '../../../models/load.js';
import { loadProfile } from '../../../predictor/profiles/profile.js';
import { writeChain } from '../../../test/fixtures/chain-model.js';
import { calibrate } from '../calibration/calibrate.js';
import { profileModel } from '../profiling.js';
import { judgedProfile } from './judged.js';
import { judgeByMachine } from './machine-judge.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-judged-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a calibrated profile is judged on a model that it has not seen: schedules in segments, units by themselves', {
  tags: 'gate',
}, async () => {
  const pair = parseDevicePair('cpu:1+cpu:1');
  const seen = await loadModel('model://random-cnn?seed=0&size=64');
  writeFileSync(join(folder, 'seen.json'), JSON.stringify(profileModel(seen, pair, 1, false)));
  await calibrate({
    ...{ pair, minutes: 0, rounds: 1, models: [], judges: [], fromTrtexec: [], fromOrtProfile: [], refine: null },
    from: [join(folder, 'seen.json')],
    out: folder,
    report: () => {},
  });
  const path = join(folder, 'profile.json');

  const model = await loadModel(writeChain(join(folder, 'chain.onnx'), 4));
  const judged = judgedProfile(model, path);
  const { schedules, units } = await judgeByMachine(model, judged, { rounds: 1, seed: 0, anew: null });

  expect(judged).toMatchObject({ devices: 'cpu:1+cpu:1', simulatedBy: expect.stringContaining('mode=segments') });
  const { graph } = judged.scenario;
  const [segments, alone] = ['segments', 'units'].map((mode) =>
    createSimulator(loadProfile(`${judged.simulatedBy.split('?')[0]}?mode=${mode}`)),
  );
  const whole = schedules.find(({ name }) => name.startsWith('cpu-only'))!;
  const simulated = segments!.run(graph, Schedule.onDevice(graph, 0), judged.scenario.conditions);
  expect(whole.simulatedMs).toBe('error' in simulated ? null : simulated.makespanMs);
  expect(whole.measuredMs).toBeGreaterThan(0);
  expect(units).toHaveLength(2 * graph.units.length);
  for (const { unit, device, simulatedMs } of units)
    expect(simulatedMs).toBe(alone!.costs(graph).unitMs(unit, device, 1));
});

test('a profile of devices that are not here is refused', async () => {
  const model = await loadModel(writeChain(join(folder, 'chain.onnx'), 4));
  expect(() => judgedProfile(model, 'profile://jetson-orin-nano?launch=graph')).toThrow(
    /jetson-orin-nano.* is of the devices .*, which this machine does not execute on\..*--judge/s,
  );
});
