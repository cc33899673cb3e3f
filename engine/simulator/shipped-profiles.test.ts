// Every shipped profile opens with a model and simulates it in both executions; a phone's simulated GPU takes as long as the phone did.
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type LoadedModel, loadModel } from '../../models/load.js';
import { wholeUnitMs } from '../../predictor/cost-table.js';
import { type Phone, readPhoneNetworks } from '../../predictor/measurements/phones.js';
import { loadProfile, profileVariants } from '../../predictor/profiles/profile.js';
import { shippedProfiles } from '../../predictor/profiles/profile-file.js';
import { scenarioOf } from '../scenario.js';
import { Schedule } from '../schedule.js';
import type { Trace } from '../trace.js';
import { traceViolations } from '../trace-invariants.js';

let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel('model://mobilenetv2');
});

/** The scenario of a variant, its traces on the CPU, on the GPU and on both in turns. */
function simulate(uri: string, execution: 'serial' | 'overlap') {
  const { graph, executor, costs, conditions } = scenarioOf(model, loadProfile(uri));
  const schedules = [
    Schedule.onDevice(graph, 0),
    Schedule.onDevice(graph, 1),
    Schedule.of(
      graph,
      graph.units.map(({ id, onlyOn }) => onlyOn ?? id % 2),
    ),
  ];
  const traces = schedules.map((schedule) => {
    const result = executor.run(graph, schedule, { ...conditions, execution });
    expect('error' in result ? result.error : traceViolations(graph, result), `${uri} ${execution}`).toEqual([]);
    return result as Trace;
  });
  return { graph, costs, traces };
}

describe.each(shippedProfiles())('%s', (name) => {
  const variants = profileVariants(`profile://${name}`);

  test('simulates a model in serial execution: units, and crossings where its trace has them', () => {
    for (const uri of variants) {
      const { graph, costs, traces } = simulate(uri, 'serial');
      for (const [device, trace] of traces.slice(0, 2).entries()) {
        const unitsMs = graph.units.reduce((sum, { id }) => sum + wholeUnitMs(costs, id, device), 0);
        // The graph's inputs lie on the CPU, and its outputs end there.
        const movesMs = graph.tensors.reduce(
          (sum, { id, producer, graphOutput }) =>
            sum + (producer === null ? costs.transferMs(id, 1) : graphOutput ? costs.transferMs(id, 0) : 0),
          0,
        );
        expect(trace.makespanMs, uri).toBeCloseTo(unitsMs + device * movesMs, 6);
      }
    }
  });

  test('simulates it in overlap execution', () => {
    for (const uri of variants)
      for (const { makespanMs } of simulate(uri, 'overlap').traces) expect(makespanMs).toBeGreaterThan(0);
  });
});

const data = process.env.SPAROA_GYM_TEST_DATA;
const reason = data ? '' : ' (skipped: SPAROA_GYM_TEST_DATA names no folder with the public measurements)';

describe.skipIf(!data)(`phones against their published networks${reason}`, () => {
  const phones: Readonly<Record<string, Phone>> = {
    'pixel-4': 'pixel4',
    'galaxy-s10': 's10',
    'mi-8-se': 'mi8se',
    'galaxy-a03s': 'a03s',
    'iphone-7': 'iphone7',
    'iphone-xs': 'iphonexs',
  };

  test.each(Object.entries(phones))('%s: MobileNetV2 takes what it took on the phone, within 25 %%', (name, phone) => {
    const published = readPhoneNetworks(join(data!, 'phones', 'tflite_cnn_e2e.csv')).filter(
      (network) => network.phone === phone && network.precision === 'float' && network.model === 'mobilenetv2b_w1',
    );
    const uri = profileVariants(`profile://${name}`)[0]!;
    const [cpu, gpu] = simulate(uri, 'serial').traces;
    const ms = (processor: string) => published.find((network) => network.processor === processor)!.meanMs;
    const mode = loadProfile(uri).axes.mode;
    expect(gpu!.makespanMs / ms('gpu')).toBeGreaterThan(0.75);
    expect(gpu!.makespanMs / ms('gpu')).toBeLessThan(1.25);
    expect(cpu!.makespanMs / ms(mode)).toBeGreaterThan(0.75);
    expect(cpu!.makespanMs / ms(mode)).toBeLessThan(1.25);
  });
});
