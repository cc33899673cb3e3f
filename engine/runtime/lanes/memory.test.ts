// Programs of random graphs, played with lanes of any speed: what is kept at the same time lies apart, and nobody waits for
// ever.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import { randomGraph } from '../../../test/fixtures/random-graph.js';
import { type Cut, cutSchedule, type Position, play, randomCut } from '../../../test/fixtures/random-program.js';
import { memoryPlan } from '../../memory/memory-plan.js';
import { Schedule } from '../../schedule.js';
import { buffersOf, planArenas, residentOverTime } from '../../segments/memory.js';
import { compileProgram } from '../../segments/program.js';
import { slotsOf } from '../../segments/slots.js';

function programOf({ graph, segments, lanes }: Cut) {
  const slots = slotsOf(graph);
  const operations = compileProgram(
    graph,
    segments,
    new Map(slots.map(({ name }, slot) => [name, slot])),
    lanes.length,
  );
  return { lanes, operations, buffers: buffersOf(graph, operations, segments, slots) };
}

describe('memory of programs, on 200 random graphs with lanes, splits and segments of any length', () => {
  test('however fast the lanes are, two tensors that live together overlap nowhere, and every program ends', () => {
    for (let seed = 0; seed < 200; seed++) {
      const rng = Rng.of(seed, 'lane memory');
      const { operations, buffers, lanes } = programOf(randomCut(rng));
      const { offsets, peakBytes } = planArenas(operations, buffers, lanes);
      for (let round = 0; round < 5; round++) {
        play(operations, rng, (position) => {
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
      const { operations, buffers, lanes } = programOf(randomCut(Rng.of(seed, 'lane memory')));
      const { peakBytes } = planArenas(operations, buffers, lanes);
      // One operation at a time over all lanes, a millisecond each.
      const spans = operations.map((own): { startMs: number; endMs: number }[] =>
        own.map(() => ({ startMs: 0, endMs: 0 })),
      );
      let ms = 0;
      let before: Position = operations.map(() => ({ at: 0, begun: false }));
      play(operations, Rng.of(seed, 'turns'), (position) => {
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
      const rng = Rng.of(seed, 'one lane');
      const graph = randomGraph(rng, { units: 1 + rng.integer(40), maxFanOut: 6 });
      const schedule = Schedule.onDevice(graph, 0);
      const { operations, buffers, lanes } = programOf(cutSchedule(graph, schedule, 1, 1));
      expect(planArenas(operations, buffers, lanes).peakBytes, `seed ${seed}`).toEqual(
        memoryPlan(graph, schedule).map(({ plannedPeakBytes }) => plannedPeakBytes),
      );
    }
  });
});
