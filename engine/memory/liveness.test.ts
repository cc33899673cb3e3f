// Lifetimes of a graph small enough to count by hand, and the simulator's memory over time as their consequence.

import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { makeGraph, type OperatorGraph } from '../../models/graph.js';
import { liveTogether } from '../../predictor/arenas/arena.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { bareUnit } from '../../test/fixtures/bare-unit.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { serialConditions as conditions } from '../../test/fixtures/serial-conditions.js';
import { Schedule } from '../schedule.js';
import { createSimulator } from '../simulator/simulator.js';
import { lifetimes } from './liveness.js';
import { memoryPlan } from './memory-plan.js';

const unit = (id: number, inputs: number[], outputs: number[]) =>
  bareUnit(id, { inputs, outputs, flops: 1, weightBytes: 10, splitAxis: 1 });
// x -> u0 -> a; a -> u1 -> b; a -> u2 -> c; b, c -> u3 -> y
const diamond = makeGraph(
  'operator',
  [unit(0, [0], [1]), unit(1, [1], [2]), unit(2, [1], [3]), unit(3, [2, 3], [4])],
  [100, 200, 300, 400, 500].map((bytes, id) => ({
    name: 'xabcy'[id]!,
    type: 'float',
    shape: [bytes / 4],
    bytes,
    graphOutput: id === 4,
  })),
);

/** Per device, each tensor as `name bytes @ from-to`. */
function described(shares: number[], order?: number[]): string[][] {
  const live = lifetimes(diamond, Schedule.of(diamond, shares, order ? { order } : {}));
  return [0, 1].map((device) =>
    live
      .filter((lifetime) => lifetime.device === device)
      .map(({ tensor, bytes, from, to }) => `${'xabcy'[tensor]} ${bytes} @ ${from}-${to}`),
  );
}

describe('lifetimes', () => {
  test('on one device: from producer to last consumer, the graph output to the end', () => {
    expect(described([0, 0, 0, 0])).toEqual([
      ['x 100 @ 0-0', 'a 200 @ 0-2', 'b 300 @ 1-3', 'c 400 @ 2-3', 'y 500 @ 3-4'],
      [],
    ]);
  });

  test('follow the order of the schedule', () => {
    expect(described([0, 0, 0, 0], [0, 2, 1, 3])[0]).toEqual(
      expect.arrayContaining(['b 300 @ 2-3', 'c 400 @ 1-3', 'a 200 @ 0-2']),
    );
  });

  test('a copy lives from the step that first reads it, its source until it is copied', () => {
    expect(described([0, 0, 1, 0])).toEqual([
      ['x 100 @ 0-0', 'a 200 @ 0-2', 'b 300 @ 1-3', 'c 400 @ 3-3', 'y 500 @ 3-4'],
      ['a 200 @ 2-2', 'c 400 @ 2-3'],
    ]);
  });

  test('a graph output made on device 1 is there for its step, then on device 0 to the end', () => {
    expect(described([0, 0, 0, 1])).toEqual([
      ['x 100 @ 0-0', 'a 200 @ 0-2', 'b 300 @ 1-3', 'c 400 @ 2-3', 'y 500 @ 3-4'],
      ['b 300 @ 3-3', 'c 400 @ 3-3', 'y 500 @ 3-3'],
    ]);
  });

  test('of a split unit each device keeps its part, and room for all of it where the rest arrives', () => {
    expect(described([0, 0, 0.25, 0])).toEqual([
      ['x 100 @ 0-0', 'a 200 @ 0-2', 'b 300 @ 1-3', 'c 400 @ 2-3', 'y 500 @ 3-4'],
      ['a 200 @ 2-2', 'c 100 @ 2-3'],
    ]);
  });
});

const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));

function randomSchedule(graph: OperatorGraph, rng: Rng): Schedule {
  const shares = graph.units.map(({ onlyOn, splitAxis }) => {
    if (onlyOn !== null) return onlyOn;
    return splitAxis !== null && rng.uniform() < 0.3 ? (1 + rng.integer(9)) / 10 : rng.integer(2);
  });
  return Schedule.of(graph, shares);
}

describe('memory over time in traces, and the plan, on 200 random schedules with splits', () => {
  test('starts with the inputs, ends with the graph outputs on device 0 and nothing on device 1', () => {
    for (let seed = 0; seed < 200; seed++) {
      const rng = Rng.of(seed, 'memory');
      const graph = randomGraph(rng, { units: 1 + rng.integer(40), maxFanOut: 6 });
      const { memory, makespanMs } = executor.run(graph, randomSchedule(graph, rng), conditions);
      const outputs = graph.tensors.filter((tensor) => tensor.graphOutput).reduce((sum, { bytes }) => sum + bytes, 0);
      const last = (device: number) => memory.findLast((point) => point.device === device)?.bytes ?? 0;
      expect([last(0), last(1)], `seed ${seed}`).toEqual([outputs, 0]);
      memory.forEach(({ atMs, bytes }, i) => {
        expect(atMs, `seed ${seed}`).toBeGreaterThanOrEqual(memory[i - 1]?.atMs ?? 0);
        expect(bytes, `seed ${seed}`).toBeGreaterThanOrEqual(0);
      });
      expect(memory.at(-1)!.atMs).toBeLessThanOrEqual(makespanMs);
    }
  });

  test('whatever computes or moves is resident then: every tensor a step touches, on the devices of its events', () => {
    for (let seed = 0; seed < 200; seed++) {
      const rng = Rng.of(seed, 'memory');
      const graph = randomGraph(rng, { units: 1 + rng.integer(40), maxFanOut: 6 });
      const schedule = randomSchedule(graph, rng);
      const trace = executor.run(graph, schedule, conditions);
      const live = lifetimes(graph, schedule);
      for (const { kind, units, lane, tensor } of trace.events) {
        const { id, inputs, outputs } = graph.units[units[0]!]!;
        if (kind !== 'compute' && kind !== 'copy') continue;
        // A copy touches both devices: the one that lacks the tensor and the one that has it.
        const touched =
          kind === 'copy' ? [0, 1].map((d) => [d, tensor]) : [...inputs, ...outputs].map((t) => [lane, t]);
        const step = schedule.order.indexOf(id);
        for (const [device, which] of touched) {
          const there = live.some((l) => l.device === device && l.tensor === which && l.from <= step && step <= l.to);
          expect(there, `seed ${seed}: ${kind} of unit ${id}, tensor ${which} on device ${device}`).toBe(true);
        }
      }
    }
  });

  test('never more is resident than the plan reserves, and the plan keeps live buffers apart', () => {
    for (let seed = 0; seed < 200; seed++) {
      const rng = Rng.of(seed, 'memory');
      const graph = randomGraph(rng, { units: 1 + rng.integer(40), maxFanOut: 6 });
      const schedule = randomSchedule(graph, rng);
      const { memory } = executor.run(graph, schedule, conditions);
      memoryPlan(graph, schedule).forEach((plan, device) => {
        const resident = memory.filter((point) => point.device === device).map(({ bytes }) => bytes);
        expect(Math.max(0, ...resident), `seed ${seed}`).toBeLessThanOrEqual(plan.lowerBoundBytes);
        expect(plan.lowerBoundBytes, `seed ${seed}`).toBeLessThanOrEqual(plan.plannedPeakBytes);
        expect(plan.plannedPeakBytes, `seed ${seed}`).toBeLessThanOrEqual(plan.naiveBytes);
        const clash = plan.buffers.some((a, i) =>
          plan.buffers
            .slice(0, i)
            .some((b) => liveTogether(a, b) && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes),
        );
        expect(clash, `seed ${seed}`).toBe(false);
      });
    }
  });

  test('weights are counted where their units run, by their share', () => {
    const [cpu, gpu] = memoryPlan(diamond, Schedule.of(diamond, [0, 1, 0.5, 1]));
    expect([cpu.weightBytes, gpu.weightBytes]).toEqual([15, 25]);
  });
});
