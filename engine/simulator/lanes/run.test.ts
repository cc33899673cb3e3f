// Two simulated lanes against what can be worked out by hand, and against the invariants of every trace.
import { expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import type { SegmentCosts } from '../../../predictor/tables/segment-costs.js';
import { randomSchedule } from '../../../test/fixtures/random-schedule.js';
import { overlap, toyGraph } from '../../../test/fixtures/toy-board.js';
import { cutSchedule } from '../../cut-schedule.js';
import { decideAll } from '../../executor.js';
import { Schedule } from '../../schedule.js';
import { traceViolations } from '../../trace-invariants.js';
import { type LanesBoard, lanesRun } from './run.js';

/** A unit takes 10 ms, and a session 1 ms more; 16 bytes leave in 2 ms and arrive in 3 ms. */
const costs: SegmentCosts = {
  segmentMs: (_, units, fraction) => 1 + 10 * units.length * fraction,
  slowdown: 0,
  outMs: (_, bytes) => bytes / 8,
  inMs: (_, bytes) => (3 * bytes) / 16,
  noticeMs: 0,
  wakeMs: 0,
  costs: { unitMs: () => 10, transferMs: () => 3, launchMs: () => 0, syncMs: 0 },
};
const board: LanesBoard = {
  lanes: [
    { id: 'cpu:1 #0', device: 0 },
    { id: 'cpu:1 #1', device: 1 },
  ],
  kinds: ['cpu', 'cpu'],
  costs,
  rangesOf: (_, share) => {
    const cut = Math.min(3, Math.max(1, Math.round(4 * (1 - share))));
    return [
      { from: 0, to: cut },
      { from: cut, to: 4 },
    ];
  },
  hash: '0',
};

function traceOf(graph: ReturnType<typeof toyGraph>, schedule: Schedule, own: Partial<LanesBoard> = {}) {
  const trace = decideAll(lanesRun(graph, { ...board, ...own }, overlap), schedule);
  if ('error' in trace) throw new Error(trace.error);
  return trace;
}

const chain = toyGraph([[], [0], [1], [2]]);
const fork = toyGraph([[], [0], [0], [1, 2]]);

test.each([
  ['one session on device 0', [0, 0, 0, 0], 41],
  // The arena takes the tensor in one piece: it is there when it has left.
  ['two sessions and a move there and back', [0, 0, 1, 1], 21 + 2 + 3 + 21 + 2 + 3],
  ['a move for each cut', [0, 1, 0, 0], 11 + 5 + 11 + 5 + 21],
])('a chain: %s', (_, share, makespanMs) => {
  expect(traceOf(chain, Schedule.of(chain, share)).makespanMs).toBeCloseTo(makespanMs, 9);
});

test('a lane that waits for longer than it polls must be woken', () => {
  // Device 1 waits for 13 ms, device 0 for the 26 ms from there, less the tensor's leaving: both sleep.
  const slow = { ...board, costs: { ...costs, noticeMs: 0.25, wakeMs: 4 } };
  expect(traceOf(chain, Schedule.of(chain, [0, 0, 1, 1]), slow).makespanMs).toBeCloseTo(52 + 2 * 4, 9);
  // Units of half a millisecond: the other lane polls still.
  const quick = { ...slow, costs: { ...slow.costs, segmentMs: () => 0.5, outMs: () => 0.125, inMs: () => 0.125 } };
  const ms = traceOf(chain, Schedule.of(chain, [0, 0, 1, 1]), quick).makespanMs;
  expect(ms).toBeCloseTo(2 * (0.5 + 0.125 + 0.25 + 0.125), 9);
});

test('branches run side by side, and slow each other down by what they share', () => {
  const schedule = Schedule.of(fork, [0, 1, 0, 1]);
  // Device 0 goes on when its tensor has left, at 13 ms: unit 2 beside the arrival and unit 1. That ends at 27, the arrival of
  // unit 2's tensor at 30 and unit 3 at 41; then the output returns.
  expect(traceOf(fork, schedule).makespanMs).toBeCloseTo(41 + 2 + 3, 9);
  // Side by side from 16 ms on: the 8 ms that are left of unit 2 take 12 at two thirds of the speed, as do 8 of unit 1.
  const slowed = traceOf(fork, schedule, { costs: { ...costs, slowdown: 0.5 } });
  expect(slowed.makespanMs).toBeCloseTo(46 + 4, 9);
});

test('random schedules keep every invariant, and decisions make what the whole schedule does', () => {
  const random = Rng.of(0, 'lanes-run');
  for (const graph of [chain, fork, toyGraph([[], [0], [0], [1], [2, 0], [3, 4], [], [5, 6]])]) {
    for (let i = 0; i < 60; i++) {
      const schedule = i % 2 === 0 ? randomSchedule(graph, random) : cutSchedule(graph, random, 0.3);
      const trace = traceOf(graph, schedule);
      expect(traceViolations(graph, trace), `${schedule.share}`).toEqual([]);
      expect(lanesRun(graph, board, overlap).run(schedule)).toEqual(trace);
    }
  }
});

test('a fork in the middle goes on like its origin', () => {
  const run = lanesRun(fork, board, overlap);
  run.decide(0, 0);
  run.decide(1, 1);
  const copy = run.forks(1)[0]!;
  for (const each of [run, copy]) {
    each.decide(2, 0.5);
    each.decide(3, 0);
  }
  expect(copy.finish()).toEqual(run.finish());
});
