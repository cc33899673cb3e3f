// Blocks of branches between two Concats, on two equal devices, where the answer is known.
import { expect, test } from 'vitest';
import type { CostTable } from '../../engine/device/cost-table.js';
import { Schedule } from '../../engine/schedule.js';
import { bareUnit } from '../../models/bare-unit.js';
import { makeGraph } from '../../models/graph.js';
import { upstreamModes, withBlocksCut } from './block-cut.js';

/** Entry -> branches of one or two convolutions with so many channels at their ends -> Concat -> exit. */
function block(branches: readonly { readonly units: number; readonly channels: number }[]) {
  const units = [bareUnit(0, { splitAxis: 1 })];
  const channels = [3, 64];
  const ends = branches.map((branch) => {
    let read = 1;
    for (let left = branch.units; left > 0; left--) {
      const id = units.length;
      units.push(bareUnit(id, { inputs: [read], outputs: [id + 1], splitAxis: 1 }));
      channels.push(branch.channels);
      read = id + 1;
    }
    return read;
  });
  const concat = units.length;
  units.push(bareUnit(concat, { inputs: ends, outputs: [concat + 1], splitAxis: 1, channelReach: 'stacked' }));
  channels.push(branches.reduce((sum, branch) => sum + branch.channels, 0));
  units.push(bareUnit(concat + 1, { splitAxis: 1 }));
  channels.push(16);
  const graph = makeGraph(
    'fused',
    units,
    channels.map((count, id) => ({
      name: `t${id}`,
      type: 'float',
      shape: [1, count, 10],
      bytes: 40 * count,
      graphOutput: id === channels.length - 1,
    })),
  );
  return { graph, concat };
}

const table = (unitMs: readonly number[], moveMs: number): CostTable => ({
  unitMs: (unit, _, share) => share * unitMs[unit]!,
  transferMs: (_, __, fraction = 1) => moveMs * fraction,
  launchMs: () => 0,
  syncMs: 0,
});

const base = (graph: Parameters<typeof withBlocksCut>[0]) => Schedule.onDevice(graph, 0);

test('two equal branches: one on each device, the first on device 0, and the Concat cut between them', () => {
  const { graph } = block([
    { units: 2, channels: 32 },
    { units: 2, channels: 32 },
  ]);
  for (const mode of upstreamModes) {
    const { share } = withBlocksCut(graph, table([1, 2, 2, 2, 2, 0, 1], 1), base(graph), mode);
    expect([...share]).toEqual([0, 0, 0, 1, 1, 0.5, 0]);
  }
});

test('the branch in the middle is cut where both sides take as long', () => {
  const { graph, concat } = block([
    { units: 1, channels: 64 },
    { units: 1, channels: 128 },
    { units: 1, channels: 64 },
  ]);
  // Sides of 1 + 8 (1 - s) and 3 + 8 s: equal at s = 3/8, which cuts the 128 channels at 80 and all 256 at 144.
  const { share } = withBlocksCut(graph, table([1, 1, 8, 3, 0, 1], 0.1), base(graph), 'split');
  expect([share[1], share[2], share[3]]).toEqual([0, 3 / 8, 1]);
  expect(share[concat]).toBeCloseTo(1 - 144 / 256, 6);
});

test('what leads to a split convolution runs where the mode says, before everything else of the block', () => {
  const { graph } = block([
    { units: 1, channels: 64 },
    { units: 2, channels: 128 },
    { units: 1, channels: 64 },
  ]);
  const costs = table([1, 1, 0.5, 8, 1, 0, 1], 0.1);
  for (const [mode, share] of [
    [0, 0],
    [1, 1],
    ['split', 0.5],
  ] as const) {
    const schedule = withBlocksCut(graph, costs, base(graph), mode);
    expect(schedule.share[2]).toBeCloseTo(share, 1);
    expect(schedule.share[3]).toBeGreaterThan(0);
    expect(schedule.share[3]).toBeLessThan(1);
    expect(schedule.order[1]).toBe(2);
    // The other device's branch goes on meanwhile; the split unit is next.
    if (mode !== 'split') expect([...schedule.order.slice(2, 4)]).toEqual([mode === 0 ? 4 : 1, 3]);
  }
});
