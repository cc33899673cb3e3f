// Predicted energies: on boards whose power is known; and, where the public data are, the figures that are promised.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCsv } from '../../../base/files/csv.js';
import { packageRoot } from '../../../base/files/paths.js';
import { type PowerRun, readPowerRuns } from '../../../predictor/measurements/mlperf-power.js';
import { energyFidelity, familyOf, predictedRuns } from './energy-fidelity.js';
import { powerRunsFile } from './energy-tables.js';

const run = (processor: string, framework: string, network: string, latencyMs: number, watts: number): PowerRun => ({
  ...{ board: 'b', processor, framework, network, precision: 'fp32', campaign: 'c', latencyMs },
  energyMj: watts * latencyMs,
});
const networks = ['mobilenet_v1_0.25_128', 'mobilenet_v1_1.0_224', 'resnet50', 'efficientnet_lite0', 'bert-99'];

test('where each framework has one power, energy is exact if it is known, and the order of processors too', () => {
  // The GPU is always slower, and needs less in all but the last network.
  const runs = networks.flatMap((network, i) => [
    run('cpu', 'lean', network, 10 + i, 4),
    run('cpu', 'wide', network, 7 + i, 8),
    run('gpu', 'only', network, i === 4 ? 40 : 12 + i, 2),
  ]);
  const { rows, pairs } = energyFidelity(runs);
  const all = rows.filter(({ board }) => board === 'all');
  expect(all).toHaveLength(6);
  for (const { known, medianPercent, percent90, runs: count } of all) {
    expect(count).toBe(15);
    if (known === 'processor') expect(percent90).toBeGreaterThan(20);
    else expect([medianPercent, percent90]).toEqual([expect.closeTo(0, 9), expect.closeTo(0, 9)]);
  }
  for (const { known, compared, pairs: count, orderRight, fasterRight } of pairs) {
    expect(count).toBe(compared === 'every' ? 10 : 5);
    if (known !== 'processor') expect([orderRight, fasterRight]).toEqual([1, compared === 'every' ? 0.1 : 0.2]);
  }
});

test('no run is predicted by its own network, or with families left out by one of its family', () => {
  // Each network draws a power of its own: the prediction names those that it is of.
  const runs = networks.map((network, i) => run('cpu', 'f', network, 1, 2 ** i));
  const watts = (leftOut: 'network' | 'family', at: number) =>
    predictedRuns(runs, 'framework', leftOut).find(({ network }) => network === networks[at])!.predictedMj;
  expect(watts('network', 0)).toBe((4 + 8) / 2);
  expect(watts('family', 0)).toBe(8);
  expect(networks.map(familyOf)).toEqual(['mobilenet_v1', 'mobilenet_v1', 'resnet50', 'efficientnet', 'bert']);
  expect(predictedRuns(runs.slice(0, 2), 'framework', 'network')).toEqual([]);
});

const data = process.env.SPAROA_GYM_TEST_DATA;
const reason = data ? '' : ' (skipped: SPAROA_GYM_TEST_DATA names no folder with the public measurements)';

describe.skipIf(!data)(`against the public measurements${reason}`, () => {
  test('with the framework known: within 9 % in the median, the order of CPU and GPU right in 0.88 of pairs; as committed', () => {
    const { rows, pairs } = energyFidelity(readPowerRuns(join(data!, powerRunsFile)));
    const energy = rows.find((row) => row.board === 'all' && row.known === 'framework' && row.leftOut === 'network')!;
    expect(energy.runs).toBeGreaterThan(1900);
    expect(energy.medianPercent).toBeLessThan(9);
    const order = pairs.find((row) => row.compared === 'thriftiest' && row.known === 'framework')!;
    expect(order.pairs).toBeGreaterThan(250);
    expect(order.orderRight).toBeGreaterThan(0.88);
    expect(order.fasterRight).toBeLessThan(0.66);
    const committed = readCsv(join(packageRoot, 'results', 'reference', 'fidelity', 'energy.csv'), [
      'board',
      'medianPercent',
    ]);
    expect(committed.map(({ medianPercent }) => Number(medianPercent))).toEqual(rows.map((row) => row.medianPercent));
  });
});
