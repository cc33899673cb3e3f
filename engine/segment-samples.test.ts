// What schedules are taken apart into, where it is known what they are made of: simulated lanes in place of real ones.
import { expect, test } from 'vitest';
import { overlap, toyGraph } from '../test/fixtures/toy-board.js';
import { decideAll } from './executor.js';
import { sampleSegments } from './runtime/measuring/segment-samples.js';
import { type LanesBoard, lanesRun } from './simulator/lanes/run.js';

test('lanes that poll and lanes that sleep notice a tensor in times of their own', () => {
  // A tensor of 16 bytes leaves in 0.2 ms and arrives in 0.3. Units of half a millisecond: some waits outlast the polling.
  const board: LanesBoard = {
    lanes: [
      { id: 'cpu:1 #0', device: 0 },
      { id: 'cpu:1 #1', device: 1 },
    ],
    kinds: ['cpu', 'cpu'],
    costs: {
      segmentMs: (_, units, fraction) => 0.5 * units.length * fraction,
      slowdown: 0,
      outMs: (_, bytes) => bytes / 80,
      inMs: (_, bytes) => (3 * bytes) / 160,
      noticeMs: 0.01,
      wakeMs: 0.08,
      costs: { unitMs: () => 0.5, transferMs: () => 0.5, launchMs: () => 0, syncMs: 0 },
    },
    rangesOf: () => [
      { from: 0, to: 2 },
      { from: 2, to: 4 },
    ],
    hash: '0',
  };
  const graph = toyGraph([[], [0], [1], [2], [3], [4]]);
  const lanes = {
    run: (...[of, schedule, conditions]: Parameters<Run>) => decideAll(lanesRun(of, board, conditions), schedule),
  };
  const { segments, handover } = sampleSegments(lanes, graph, overlap, 1);
  expect(handover!.noticeMs).toBeCloseTo(0.01, 9);
  expect(handover!.wakeMs).toBeCloseTo(0.08, 9);
  for (const { units, part, meanMs } of segments)
    expect(meanMs).toBeCloseTo(0.5 * units.length * (part ? part[1] - part[0] : 1), 9);
});

type Run = Parameters<typeof sampleSegments>[0]['run'];
