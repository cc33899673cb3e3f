// Chips of the zoo as profiles: each opens, keeps the rules of profile files, and simulates networks in both executions.
import { describe, expect, test } from 'vitest';
import { Schedule } from '../../engine/schedule.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import { loadModel } from '../../models/load.js';
import { bareUnit } from '../../test/fixtures/bare-unit.js';
import { operatorFeatures, unitFeatureRows, unitFeatures } from '../features/unit-features.js';
import { deviceTerms, layerTerm } from '../latency/layer-terms.js';
import { loadProfile, profileVariants } from './profile.js';
import { openProfile } from './profile-file.js';
import { profileFileSchema, uncertainKinds } from './profile-schema.js';
import { unfittedNotes } from './unfitted.js';
import { zooProfiles } from './zoo.js';

const network = loadModel('model://mobilenetv2?size=64');

describe.each(zooProfiles())('%s', (name) => {
  const { file } = openProfile(`profile://${name}`);
  const variants = profileVariants(`profile://${name}`).map(loadProfile);

  test('keeps the rules of profile files; what nobody measured has a prior', () => {
    expect(profileFileSchema.safeParse(file).error).toBeUndefined();
    expect(new Set(variants.map(({ hash }) => hash)).size).toBe(file.axes.mode.length);
    JSON.stringify(file, (_, value) => {
      if (value?.value && uncertainKinds.includes(value.kind) && Number.parseFloat(value.value) !== 0)
        expect(value.prior, value.source).toBeDefined();
      return value;
    });
    // Transfers are assumed, so nothing that rests on them can claim more.
    for (const { weakestSource } of variants) expect(weakestSource).toBe('assumed');
  });

  test('simulates a network in both executions; alone on a device it takes what the constants say', async () => {
    const model = await network;
    for (const profile of variants) {
      const graph = model.graph(profile.granularity);
      const rows = unitFeatureRows(graph);
      const simulator = createSimulator(profile);
      for (const execution of ['serial', 'overlap'] as const) {
        const conditions = { seed: 0, execution, mode: profile.axes.mode, load: null, memoryBudgetBytes: null };
        for (const place of [() => 0, () => 1, (at: number) => at % 2]) {
          const result = simulator.run(
            graph,
            Schedule.of(
              graph,
              graph.units.map((_, at) => place(at)),
            ),
            conditions,
          );
          if ('error' in result) throw new Error(result.error);
          expect(result.makespanMs).toBeGreaterThan(0);
          if (place(1) !== 0 || execution === 'overlap') continue;
          const constants = profile.predictors[0]!.toJSON() as { constants: Record<string, number> };
          const expected = deviceTerms.cpu.reduce(
            (sum, term) =>
              sum +
              constants.constants[term]! *
                graph.units.reduce((total, { id }) => total + layerTerm(term, rows, id * unitFeatures.length), 0),
            0,
          );
          expect(result.makespanMs / expected).toBeCloseTo(1, 9);
        }
      }
    }
  });
});

test('a layer has the terms of its class', () => {
  const row = (said: Partial<Record<(typeof operatorFeatures)[number], number>>) =>
    Float64Array.from(operatorFeatures, (name) => said[name] ?? 0);
  const conv3x3 = row({ class: 0, macs: 1e6, window: 9, weightBytes: 400, activationBytes: 40, outputBytes: 80 });
  expect(layerTerm('conv3x3', conv3x3)).toBeCloseTo(1e6 ** 0.85, 6);
  expect(layerTerm('otherMacs', conv3x3)).toBe(0);
  expect(layerTerm('activations', conv3x3)).toBe(30);
  const conv1x1 = row({ class: 0, macs: 1e6, window: 1 });
  expect([layerTerm('conv3x3', conv1x1), layerTerm('otherMacs', conv1x1)]).toEqual([0, 1e6]);
  const connected = row({ class: 2, macs: 100, weightBytes: 400 });
  expect([layerTerm('otherMacs', connected), layerTerm('connectedWeights', connected)]).toEqual([0, 100]);
  const reshape = row({ class: 10, operator: 21, activationBytes: 400 });
  expect([layerTerm('layers', reshape), layerTerm('activations', reshape)]).toEqual([0, 0]);
});

test('a network of classes that nobody fitted says so', () => {
  const profile = loadProfile('profile://ncnn/jetson-agx-orin');
  const units = (matmul: number) => [
    bareUnit(0, { opClass: 'conv', macs: 100 - matmul }),
    bareUnit(1, { opClass: 'matmul', macs: matmul }),
  ];
  expect(unfittedNotes({ units: units(90) }, profile).join()).toMatch(/^90 % of the multiply-accumulates/);
  expect(unfittedNotes({ units: units(5) }, profile)).toEqual([]);
});
