// The roofline against arithmetic done by hand on a graph and a profile with round numbers.
import { describe, expect, test } from 'vitest';
import { makeGraph, type OpClass, opClasses, type Unit } from '../../models/graph.js';
import { bareUnit } from '../../test/fixtures/bare-unit.js';
import { wholeUnitMs } from '../cost-table.js';
import type { DeviceProfile } from './profile.js';
import { rooflineCosts } from './roofline.js';

const flat = (flopPerMs: number) =>
  Object.fromEntries(opClasses.map((opClass) => [opClass, flopPerMs])) as Record<OpClass, number>;

/** CPU: 1,000 FLOP and 100 bytes a ms; GPU: 10,000 FLOP (convolutions 5,000) and 400 bytes a ms. */
function profileOf(precision: 'fp32' | 'fp16'): DeviceProfile {
  return {
    version: 1,
    name: 'round',
    uri: 'profile://round',
    hash: '0',
    fileHash: '0',
    axes: { mode: 'only', precision, launch: 'eager', transfer: 'direct' },
    granularity: 'operator',
    devices: [
      { name: 'c', kind: 'cpu', flopPerMs: flat(1000), bytesPerMs: 100, launchMs: 0.5 },
      { name: 'g', kind: 'gpu', flopPerMs: { ...flat(10_000), conv: 5000 }, bytesPerMs: 400, launchMs: 3 },
    ],
    syncMs: 0.25,
    transfer: [
      { latencyMs: 2, bytesPerMs: 50 },
      { latencyMs: 4, bytesPerMs: 25 },
    ],
    shared: null,
    power: null,
    unsupported: [],
    priors: {},
    constants: [],
    notes: [],
    predictors: [null, null],
    partPredictors: [null, null],
    predictedClasses: [null, null],
    weakestSource: 'measured',
  };
}

const unit = (id: number, said: Partial<Unit>) => bareUnit(id, { opTypes: ['Any'], ...said });

// Compute-bound convolution, memory-bound addition, control flow that only the CPU runs.
const graph = makeGraph(
  'operator',
  [
    unit(0, { flops: 20_000, bytesRead: 300, weightBytes: 200, bytesWritten: 100, splitAxis: 1 }),
    unit(1, { opClass: 'elementwise', flops: 100, bytesRead: 200, bytesWritten: 100 }),
    unit(2, { opClass: 'control-flow', flops: 0, bytesRead: 100, bytesWritten: 100, onlyOn: 0 }),
  ],
  [100, 200, 100, 100].map((bytes, id) => ({
    name: `tensor${id}`,
    type: 'float',
    shape: [bytes / 4],
    bytes,
    graphOutput: id === 3,
  })),
);

describe('roofline costs', () => {
  const costs = rooflineCosts(graph, profileOf('fp32'));

  test('a unit takes its arithmetic or its memory traffic, whichever is longer', () => {
    expect(costs.unitMs(0, 0, 1)).toBe(20); // max(20,000 / 1,000, 400 / 100)
    expect(costs.unitMs(0, 1, 1)).toBe(4); // max(20,000 / 5,000, 400 / 400)
    expect(costs.unitMs(1, 0, 1)).toBe(3); // max(100 / 1,000, 300 / 100)
    expect(costs.unitMs(1, 1, 1)).toBe(0.75); // max(100 / 10,000, 300 / 400)
  });

  test('a share of the output channels reads all activations but its part of weights and output', () => {
    expect(costs.unitMs(0, 0, 0.25)).toBe(5); // compute: a quarter of 20
    // 100 activation bytes + 0.01 x (200 + 100), over 100 bytes a ms; arithmetic is 0.2.
    expect(costs.unitMs(0, 0, 0.01)).toBeCloseTo(1.03, 12);
    expect(costs.unitMs(0, 1, 0)).toBe(0);
  });

  test('two shares of a unit cost more than the whole where activations are read twice', () => {
    const halves = costs.unitMs(1, 0, 0.5) * 2;
    expect(halves).toBe(5); // 2 x (200 + 0.5 x 100) / 100
    expect(halves).toBeGreaterThan(costs.unitMs(1, 0, 1));
  });

  test('a device that cannot run the unit takes forever, and nothing for no share of it', () => {
    expect(costs.unitMs(2, 0, 1)).toBe(2);
    expect(costs.unitMs(2, 1, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(costs.unitMs(2, 1, 0.5)).toBe(Number.POSITIVE_INFINITY);
    expect(costs.unitMs(2, 1, 0)).toBe(0);
  });

  test('a tensor moves at the latency and bandwidth of its destination', () => {
    expect(costs.transferMs(1, 0)).toBe(6); // 2 + 200 / 50
    expect(costs.transferMs(1, 1)).toBe(12); // 4 + 200 / 25
    expect(costs.transferMs(1, 1, 0.5)).toBe(8); // the latency is not shared
  });

  test('a whole unit pays the launch, and synchronisation on device 1 only', () => {
    expect(wholeUnitMs(costs, 0, 0)).toBe(20.5);
    expect(wholeUnitMs(costs, 0, 1)).toBe(7.25);
  });

  test('fp16 halves bytes, in memory and in transfers, and leaves FLOPs and latencies', () => {
    const half = rooflineCosts(graph, profileOf('fp16'));
    expect(half.unitMs(0, 1, 1)).toBe(4);
    expect(half.unitMs(1, 0, 1)).toBe(1.5);
    expect(half.transferMs(1, 0)).toBe(4); // 2 + 100 / 50
    expect(half.transferMs(1, 1)).toBe(8); // 4 + 100 / 25
    expect(half.launchMs(1)).toBe(costs.launchMs(1));
  });
});
