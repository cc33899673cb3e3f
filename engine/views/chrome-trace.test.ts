// The export against the trace it was made of, and against what the Trace Event Format asks for.
import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { randomSchedule } from '../../test/fixtures/random-schedule.js';
import { createSimulator } from '../simulator/simulator.js';
import { type ChromeEvent, chromeTrace } from './chrome-trace.js';

const rng = Rng.of(3, 'chrome-trace');
const graph = randomGraph(rng, { units: 25 });
const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));
const trace = executor.run(graph, randomSchedule(graph, rng, { cpuLanes: 2 }), {
  seed: 0,
  execution: 'overlap',
  mode: 'maxn',
  load: null,
  memoryBudgetBytes: null,
});
if ('error' in trace) throw new Error(trace.error);
const { traceEvents, otherData } = JSON.parse(JSON.stringify(chromeTrace(graph, trace))) as ReturnType<
  typeof chromeTrace
>;
const of = (phase: ChromeEvent['ph']) => traceEvents.filter(({ ph }) => ph === phase);

test('every event is a slice of its lane, in microseconds, and the last one ends with the makespan', () => {
  expect(of('X').map(({ tid, cat, ts, dur }) => [tid, cat, ts! / 1000, dur! / 1000])).toEqual(
    trace.events.map(({ lane, kind, startMs, endMs }) => [
      lane,
      kind,
      expect.closeTo(startMs, 9),
      expect.closeTo(endMs - startMs, 9),
    ]),
  );
  expect(Math.max(...of('X').map(({ ts, dur }) => ts! + dur!))).toBeCloseTo(1000 * trace.makespanMs, 6);
});

test('lanes are named threads of their device; slices carry names of units and tensors', () => {
  const threads = of('M').filter(({ name }) => name === 'thread_name');
  expect(threads.map(({ pid, tid, args }) => [pid, tid, args.name])).toEqual(
    trace.lanes.map(({ id, device }, lane) => [device, lane, id]),
  );
  for (const { pid, tid } of of('X')) expect(trace.lanes[tid!]!.device).toBe(pid);
  const named = of('X').map(({ name }) => name);
  expect(named).toContain(graph.units[7]!.name);
  const moved = trace.events.find(({ kind }) => kind === 'copy')!;
  expect(named).toContain(`copy ${graph.tensors[moved.tensor!]!.name}`);
});

test('memory is a counter of its device; the kind of the numbers travels with them', () => {
  expect(of('C').map(({ pid, args }) => [pid, args.bytes])).toEqual(
    trace.memory.map(({ device, bytes }) => [device, bytes]),
  );
  expect(otherData).toMatchObject({ kind: 'simulated', profileHash: trace.profileHash, makespanMs: trace.makespanMs });
});
