// What a calibrated profile says of a model: which of its modes simulates what this machine measures.
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
import { compareWithMachine } from './machine-comparison.js';
import { simulatedByProfile } from './simulated-model.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-simulated-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a calibrated profile is compared on a model that it has not seen: schedules in segments, units by themselves', {
  tags: 'gate',
}, async () => {
  const pair = parseDevicePair('cpu:1+cpu:1');
  const seen = await loadModel('model://random-cnn?seed=0&size=64');
  writeFileSync(join(folder, 'seen.json'), JSON.stringify(profileModel(seen, pair, 1, false)));
  await calibrate({
    ...{ pair, minutes: 0, rounds: 1, models: [], holdOut: [], fromTrtexec: [], fromOrtProfile: [], refine: null },
    from: [join(folder, 'seen.json')],
    out: folder,
    report: () => {},
  });
  const path = join(folder, 'profile.json');

  const model = await loadModel(writeChain(join(folder, 'chain.onnx'), 4));
  const simulated = simulatedByProfile(model, path);
  const { schedules, units } = await compareWithMachine(model, simulated, { rounds: 1, seed: 0, anew: null });

  expect(simulated).toMatchObject({ devices: 'cpu:1+cpu:1', simulatedBy: expect.stringContaining('mode=segments') });
  const { graph } = simulated.scenario;
  const [segments, alone] = ['segments', 'units'].map((mode) =>
    createSimulator(loadProfile(`${simulated.simulatedBy.split('?')[0]}?mode=${mode}`)),
  );
  const whole = schedules.find(({ name }) => name.startsWith('cpu-only'))!;
  const expected = segments!.run(graph, Schedule.onDevice(graph, 0), simulated.scenario.conditions);
  expect(whole.simulatedMs).toBe('error' in expected ? null : expected.makespanMs);
  expect(whole.measuredMs).toBeGreaterThan(0);
  expect(units).toHaveLength(2 * graph.units.length);
  for (const { unit, device, simulatedMs } of units)
    expect(simulatedMs).toBe(alone!.costs(graph).unitMs(unit, device, 1));
});

test('a profile of devices that are not here is refused', async () => {
  const model = await loadModel(writeChain(join(folder, 'chain.onnx'), 4));
  expect(() => simulatedByProfile(model, 'profile://jetson-orin-nano?launch=graph')).toThrow(
    /jetson-orin-nano.* is of the devices .*, which this machine does not execute on\..*--kit/s,
  );
});
