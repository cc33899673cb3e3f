// A simulated phone takes as long for a whole model as the phone did: the published times, and not what was fitted to them, are the
// truth. Every other shipped profile is simulated in predictor/profiles/profile-numbers.test.ts.
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type LoadedModel, loadModel } from '../../models/load.js';
import { type Phone, readPhoneNetworks } from '../../predictor/measurements/phones.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { scenarioOf } from '../scenario.js';
import { Schedule } from '../schedule.js';

const data = process.env.SPAROA_GYM_TEST_DATA;
const reason = data ? '' : ' (skipped: SPAROA_GYM_TEST_DATA names no folder with the public measurements)';

const phones: Readonly<Record<string, Phone>> = {
  'pixel-4': 'pixel4',
  'galaxy-s10': 's10',
  'mi-8-se': 'mi8se',
  'galaxy-a03s': 'a03s',
  'iphone-7': 'iphone7',
  'iphone-xs': 'iphonexs',
};

describe.skipIf(!data)(`phones against their published networks${reason}`, () => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadModel('model://mobilenetv2');
  });

  test.each(Object.entries(phones))('%s: MobileNetV2 takes what it took there, within 25 %%', (name, phone) => {
    const published = readPhoneNetworks(join(data!, 'phones', 'tflite_cnn_e2e.csv')).filter(
      (network) => network.phone === phone && network.precision === 'float' && network.model === 'mobilenetv2b_w1',
    );
    const profile = loadProfile(`profile://${name}`);
    const { graph, executor, conditions } = scenarioOf(model, profile);
    for (const [device, processor] of [[0, profile.axes.mode] as const, [1, 'gpu'] as const]) {
      const trace = executor.run(graph, Schedule.onDevice(graph, device), conditions);
      const { meanMs } = published.find((network) => network.processor === processor)!;
      expect(trace.makespanMs / meanMs, processor).toBeGreaterThan(0.75);
      expect(trace.makespanMs / meanMs, processor).toBeLessThan(1.25);
    }
  });
});
