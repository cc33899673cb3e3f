// Programs of random graphs, played with lanes of any speed: what is kept at the same time lies apart, and nobody waits for
// ever. No threads here: a player that draws which lane goes on next meets interleavings that no machine shows on demand.
import { describe, expect, test } from 'vitest';
import { Stream } from '../../../base/random/stream.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { randomGraph } from '../../../models/random-graph.js';
import type { ChannelRange } from '../../../models/split.js';
import { memoryPlan } from '../../memory/memory-plan.js';
import { Schedule } from '../../schedule.js';
import { parseDevicePair } from '../device-pair.js';
import { type LaneSpec, lanesOf } from './layout.js';
import { buffersOf, type LaneBuffer, planArenas, residentOverTime } from './memory.js';
import { compileProgram, compileSegments, type Segment, slotsOf } from './program.js';
import type { Operation } from './protocol.js';
import { randomSchedule } from './random-schedule.js';

interface Program {
  readonly graph: OperatorGraph;
  readonly schedule: Schedule;
  readonly lanes: readonly LaneSpec[];
  readonly segments: readonly Segment[];
  readonly operations: readonly (readonly Operation[])[];
  readonly buffers: readonly LaneBuffer[];
}

function programOf(graph: OperatorGraph, schedule: Schedule, cpuLanes: number, maxSegmentUnits: number): Program {
  const lanes = lanesOf(parseDevicePair(`cpu:${cpuLanes}+cpu:1`), cpuLanes);
  const rangesOf = (unit: number, share: number): [ChannelRange, ChannelRange] => {
    const channels = graph.tensors[graph.units[unit]!.outputs[0]!]!.shape[1]!;
    const cut = Math.min(channels - 1, Math.max(1, Math.round((1 - share) * channels)));
    return [
      { from: 0, to: cut },
      { from: cut, to: channels },
    ];
  };
  const segments = compileSegments(graph, schedule, lanes, rangesOf, maxSegmentUnits);
  const slots = slotsOf(graph);
  const slotOf = new Map(slots.map(({ name }, slot) => [name, slot]));
  const operations = compileProgram(graph, segments, slotOf, lanes.length);
  return { graph, schedule, lanes, segments, operations, buffers: buffersOf(graph, operations, segments, slots) };
}

function randomProgram(stream: Stream): Program {
  const graph = randomGraph(stream, { units: 1 + stream.integer(40), maxFanOut: 6 });
  const cpuLanes = 1 + stream.integer(4);
  const drawn = randomSchedule(graph, stream, { cpuLanes });
  // Two outputs of different size have no channels in common.
  const share = drawn.share.map((each, unit) => (graph.units[unit]!.outputs.length > 1 ? Math.round(each) : each));
  const lane = drawn.lane.map((each, unit) => (share[unit] === 1 ? 0 : each));
  const schedule = Schedule.of(graph, share, { order: drawn.order, lane });
  return programOf(
    graph,
    schedule,
    cpuLanes,
    stream.uniform() < 0.5 ? 1 + stream.integer(4) : Number.POSITIVE_INFINITY,
  );
}

/** Per lane, the operation it is at, and whether that has begun. */
type Position = readonly { readonly at: number; readonly begun: boolean }[];

/** Plays a program to its end, one begin or end of an operation at a time. */
function play(operations: Program['operations'], stream: Stream, visit: (position: Position) => void): void {
  const position = operations.map(() => ({ at: 0, begun: false }));
  const raised = new Set<number>();
  for (;;) {
    const able = position.flatMap(({ at, begun }, lane) => {
      const next = operations[lane]![at];
      return next && (begun || next.kind !== 'in' || raised.has(next.flag)) ? [lane] : [];
    });
    if (able.length === 0) break;
    const lane = able[stream.integer(able.length)]!;
    const own = position[lane]!;
    const operation = operations[lane]![own.at]!;
    if (own.begun && operation.kind === 'out') raised.add(operation.flag);
    Object.assign(own, own.begun ? { at: own.at + 1, begun: false } : { begun: true });
    visit(position);
  }
  expect(position.map(({ at }) => at)).toEqual(operations.map(({ length }) => length));
}

describe('memory of programs, on 200 random graphs with lanes, splits and segments of any length', () => {
  test('however fast the lanes are, two tensors that live together overlap nowhere, and every program ends', () => {
    for (let seed = 0; seed < 200; seed++) {
      const stream = Stream.of(seed, 'lane memory');
      const { operations, buffers, lanes } = randomProgram(stream);
      const { offsets, peakBytes } = planArenas(operations, buffers, lanes);
      for (let round = 0; round < 5; round++) {
        play(operations, stream, (position) => {
          for (const device of [0, 1] as const) {
            const live = buffers.flatMap(({ lane, bytes, from, to }, index) => {
              const { at, begun } = position[lane]!;
              const born = from < at || (from === at && begun);
              return lanes[lane]!.device === device && born && at <= to ? [{ offset: offsets[index]!, bytes }] : [];
            });
            live.sort((a, b) => a.offset - b.offset);
            live.forEach(({ offset, bytes }, i) => {
              const end = live[i + 1]?.offset ?? peakBytes[device];
              if (offset + bytes > end) throw new Error(`seed ${seed}: ${offset} + ${bytes} bytes reach beyond ${end}`);
            });
          }
        });
      }
    }
  });

  test('lanes that take turns need no more than was planned, and less than every buffer apart', () => {
    for (let seed = 0; seed < 200; seed++) {
      const { operations, buffers, lanes } = randomProgram(Stream.of(seed, 'lane memory'));
      const { peakBytes } = planArenas(operations, buffers, lanes);
      // One operation at a time over all lanes, a millisecond each.
      const spans = operations.map((own): { startMs: number; endMs: number }[] =>
        own.map(() => ({ startMs: 0, endMs: 0 })),
      );
      let ms = 0;
      let before: Position = operations.map(() => ({ at: 0, begun: false }));
      play(operations, Stream.of(seed, 'turns'), (position) => {
        position.forEach(({ at, begun }, lane) => {
          if (begun && !before[lane]!.begun) spans[lane]![at]!.startMs = ++ms;
          if (at > before[lane]!.at) spans[lane]![before[lane]!.at]!.endMs = ++ms;
        });
        before = position.map((each) => ({ ...each }));
      });
      const memory = residentOverTime(buffers, spans, lanes);
      for (const device of [0, 1] as const) {
        const own = memory.filter((point) => point.device === device);
        const message = `seed ${seed}, device ${device}`;
        for (const { bytes } of own) expect(bytes, message).toBeLessThanOrEqual(peakBytes[device]);
        own.forEach(({ atMs, bytes }, i) => {
          expect(atMs, message).toBeGreaterThan(own[i - 1]?.atMs ?? -1);
          expect(bytes, message).toBeGreaterThanOrEqual(0);
        });
        const apart = buffers.filter(({ lane }) => lanes[lane]!.device === device).length * 64;
        const sum = buffers.reduce(
          (all, { lane, bytes }) => (lanes[lane]!.device === device ? all + bytes : all),
          apart,
        );
        expect(peakBytes[device], message).toBeLessThanOrEqual(sum);
      }
    }
  });

  test('one lane, unit by unit, is the plan of the serial lifetimes', () => {
    for (let seed = 0; seed < 200; seed++) {
      const stream = Stream.of(seed, 'one lane');
      const graph = randomGraph(stream, { units: 1 + stream.integer(40), maxFanOut: 6 });
      const schedule = Schedule.onDevice(graph, 0);
      const { operations, buffers, lanes } = programOf(graph, schedule, 1, 1);
      expect(planArenas(operations, buffers, lanes).peakBytes, `seed ${seed}`).toEqual(
        memoryPlan(graph, schedule).map(({ plannedPeakBytes }) => plannedPeakBytes),
      );
    }
  });
});
