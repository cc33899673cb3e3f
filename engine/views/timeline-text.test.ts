// The picture's columns against hand-placed events.
import { expect, test } from 'vitest';
import type { Timeline, TraceEvent } from '../trace.js';
import { timelineText } from './timeline-text.js';

const event = (kind: TraceEvent['kind'], lane: number, startMs: number, endMs: number): TraceEvent => ({
  kind,
  lane,
  units: [0],
  startMs,
  endMs,
});
const timeline = (events: TraceEvent[], makespanMs: number): Timeline => ({
  version: 1,
  kind: 'simulated',
  resolution: 'unit',
  graphHash: '',
  profileHash: null,
  conditions: { seed: 0, execution: 'serial', mode: '', load: null, memoryBudgetBytes: null },
  lanes: [
    { id: 'cpu:0', device: 0 },
    { id: 'gpu:0', device: 1 },
  ],
  makespanMs,
  energyMj: null,
  events,
});

test('a column shows what its lane does for most of it', () => {
  // 72 columns of 1 ms.
  const events = [
    event('compute', 0, 0, 30.6),
    event('copy', 1, 30.6, 40),
    event('launch', 1, 40, 40.3),
    event('compute', 1, 40.3, 72),
  ];
  const [cpu, gpu, axis] = timelineText(timeline(events, 72)).split('\n');
  expect(cpu).toBe(`cpu:0 |${'█'.repeat(31)}${' '.repeat(41)}|`);
  expect(gpu).toBe(`gpu:0 |${' '.repeat(31)}${'>'.repeat(9)}${'█'.repeat(32)}|`);
  expect(axis).toMatch(/^ +0 +72 ms \(simulated\)$/);
});

test('nothing has happened yet', () => {
  const [cpu] = timelineText(timeline([], 0)).split('\n');
  expect(cpu).toBe(`cpu:0 |${' '.repeat(72)}|`);
});
