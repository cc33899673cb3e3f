// A made-up machine whose segments follow the model exactly: what is fitted to some of them must know the others.
import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { toyGraph } from '../../test/fixtures/toy-board.js';
import { fitSegmentCosts } from './segment-costs.js';
import type { SegmentTime, UnitMeasurement } from './unit-times.js';

const count = 12;
const graph = toyGraph(Array.from({ length: count }, (_, id) => (id === 0 ? [] : [id - 1])));
const kernelMs = (unit: number) => 0.1 + 0.05 * (unit % 4);
/** A session, its kernels, and a layout change at either end. */
const segmentMs = (units: readonly number[]) =>
  0.02 + units.reduce((sum, unit) => sum + kernelMs(unit), 0) + 0.05 * ((units[0]! % 3) + (units.at(-1)! % 2));

const spread = (ms: number) => ({ medianMs: ms, lowMs: ms, highMs: ms, samples: 1 });
const chain = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

function profileOf(segments: readonly (readonly number[])[], besideMs = 0, slowdown = 0): UnitMeasurement {
  const time = (device: 0 | 1, units: readonly number[]): SegmentTime => {
    const ms = segmentMs(units) + besideMs * (slowdown / (1 + slowdown));
    return { device, units, part: null, besideMs, meanMs: ms, ...spread(ms) };
  };
  const devices = [0, 1] as const;
  const line = { fixedMs: 0.01, msPerByte: 1e-3 };
  return {
    units: devices.flatMap((device) =>
      chain(0, count).map((unit) => ({ unit, device, lane: spread(segmentMs([unit])) })),
    ),
    kernels: devices.flatMap((device) =>
      chain(0, count).map((unit) => ({ device, units: [unit], ms: kernelMs(unit) })),
    ),
    moves: [],
    fittedMoves: [line, line],
    wholeMs: [null, null],
    segments: devices.flatMap((device) => segments.map((units) => time(device, units))),
    handover: { out: [line, line], in: [line, line], noticeMs: 0.001, wakeMs: 0.05 },
  };
}

const random = Rng.of(0, 'segment-costs');
const drawn = Array.from({ length: 40 }, () => {
  const from = random.integer(count);
  return chain(from, from + 1 + random.integer(count - from));
});

test('segments that were not measured are known from those that were', () => {
  const { segmentMs: fitted } = fitSegmentCosts(graph, profileOf(drawn.slice(0, 25)));
  const errors = drawn.slice(25).map((units) => Math.abs(fitted(0, units, 1) / segmentMs(units) - 1));
  expect(Math.max(...errors)).toBeLessThan(0.05);
});

test('what was measured takes what it took', () => {
  const { segmentMs: fitted } = fitSegmentCosts(graph, profileOf(drawn));
  for (const units of drawn) expect(fitted(1, units, 1)).toBeCloseTo(segmentMs(units), 12);
});

test('that devices slow each other down is found from what ran side by side', () => {
  const alone = profileOf(drawn);
  const beside = profileOf(drawn.slice(0, 20), 0.1, 0.4);
  expect(fitSegmentCosts(graph, alone).slowdown).toBe(0);
  const { slowdown } = fitSegmentCosts(graph, {
    ...alone,
    segments: [...beside.segments, ...alone.segments.slice(20, 40)],
  });
  expect(slowdown).toBeGreaterThanOrEqual(0.2);
});

test('half of a unit that was not measured takes half, and more of it never less', () => {
  const { costs } = fitSegmentCosts(graph, profileOf(drawn));
  for (let unit = 0; unit < count; unit++) {
    expect(costs.unitMs(unit, 0, 0.5)).toBeCloseTo(costs.unitMs(unit, 0, 1) / 2, 2);
    for (let share = 0.1; share < 1; share += 0.1)
      expect(costs.unitMs(unit, 0, share + 0.1)).toBeGreaterThanOrEqual(costs.unitMs(unit, 0, share) - 1e-9);
  }
});
