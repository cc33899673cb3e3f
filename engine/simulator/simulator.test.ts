import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { makeGraph, type OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { bareUnit } from '../../test/fixtures/bare-unit.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { serialConditions as conditions } from '../../test/fixtures/serial-conditions.js';
import type { Conditions } from '../conditions.js';
import { Schedule } from '../schedule.js';
import type { Trace } from '../trace.js';
import { traceViolations } from '../trace-invariants.js';
import { SerialKernel } from './serial-kernel.js';
import { createSimulator } from './simulator.js';

/** Shares on either device, and fractions where a unit can split. */
function randomShares(graph: OperatorGraph, rng: Rng): number[] {
  return graph.units.map(({ onlyOn, splitAxis }) => {
    if (onlyOn !== null) return onlyOn;
    return splitAxis !== null && rng.uniform() < 0.4 ? (1 + rng.integer(9)) / 10 : rng.integer(2);
  });
}

describe('serial execution', () => {
  const unit = (id: number, inputs: number[], outputs: number[]) => bareUnit(id, { inputs, outputs, splitAxis: 1 });
  const tensor = (name: string, graphOutput = false) => ({ name, type: 'float', shape: [1], bytes: 4, graphOutput });
  // x -> u0 -> a; a -> u1 -> b; a -> u2 -> c; b, c -> u3 -> y
  const diamond = makeGraph(
    'operator',
    [unit(0, [0], [1]), unit(1, [1], [2]), unit(2, [1], [3]), unit(3, [2, 3], [4])],
    [tensor('x'), tensor('a'), tensor('b'), tensor('c'), tensor('y', true)],
  );
  const costs: CostTable = {
    unitMs: (id, device, share) => share * (device === 0 ? 10 * (id + 1) : id + 1),
    transferMs: (id, to, fraction = 1) => 0.5 + (to === 0 ? 0.25 : 0.125) * (id + 1) * fraction,
    launchMs: (device) => (device === 0 ? 0.01 : 0.02),
    syncMs: 0.04,
  };
  const makespan = (shares: number[]) => {
    const kernel = new SerialKernel(diamond, costs);
    const state = new Float64Array(kernel.rowLength);
    kernel.reset(state);
    return shares.reduce((_, share, id) => kernel.decide(state, id, share), 0);
  };

  test('all on device 0 is the sum of launches and kernels', () => {
    expect(makespan([0, 0, 0, 0])).toBeCloseTo(10 + 20 + 30 + 40 + 4 * 0.01, 12);
  });

  test('all on device 1 adds synchronisation, the input in and the output back', () => {
    const moves = costs.transferMs(0, 1) + costs.transferMs(4, 0);
    expect(makespan([1, 1, 1, 1])).toBeCloseTo(1 + 2 + 3 + 4 + 4 * (0.02 + 0.04) + moves, 12);
  });

  test('a tensor with two consumers on the other device moves once', () => {
    const moves = costs.transferMs(1, 1) + costs.transferMs(2, 0) + costs.transferMs(3, 0);
    expect(makespan([0, 1, 1, 0])).toBeCloseTo(10 + 2 + 3 + 40 + 2 * 0.01 + 2 * 0.06 + moves, 12);
  });

  test('a split unit takes launch 1, the longer side and the synchronisation; its consumer fetches the missing share', () => {
    // u3 at half: device 1 launched first (0.02), then device 0: 0.01 + 20, device 1: 2; then 0.04.
    // b and c were computed on device 0 and move to device 1 whole; y lies half on each and the other half comes back.
    const split = 0.02 + Math.max(0.01 + 20, 2) + 0.04;
    const moves = costs.transferMs(2, 1) + costs.transferMs(3, 1) + costs.transferMs(4, 0, 0.5);
    expect(makespan([0, 0, 0, 0.5])).toBeCloseTo(10 + 20 + 30 + 3 * 0.01 + split + moves, 12);
  });
});

describe('parts that read parts', () => {
  // Sixteen channels of 1 KB: x -> convolution -> LRN, reading two neighbours on either side -> pooling -> y.
  const reaches = [null, 2, 0];
  const units = reaches.map((channelReach, id) =>
    bareUnit(id, { bytesRead: 16_000, bytesWritten: 16_000, splitAxis: 1, channelReach }),
  );
  const tensors = ['x', 'a', 'b', 'y'].map((name) => ({
    name,
    type: 'float',
    shape: [1, 16, 250],
    bytes: 16_000,
    graphOutput: name === 'y',
  }));
  const graph = makeGraph('operator', units, tensors);
  const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));
  const moved = (shares: number[]) => {
    const trace = executor.run(graph, Schedule.of(graph, shares), conditions);
    expect(traceViolations(graph, trace)).toEqual([]);
    return trace.events
      .filter(({ kind }) => kind === 'copy')
      .map(({ tensor, lane, bytes, part }) => [tensors[tensor!]!.name, lane, Math.round(bytes!), part]);
  };

  test('a convolution reads everything, LRN its neighbours too, pooling its own channels', () => {
    expect(moved([0.5, 0.5, 0.5])).toEqual([
      ['x', 1, 16_000, undefined],
      ['a', 0, 2000, [8 / 16, 10 / 16]],
      ['a', 1, 2000, [6 / 16, 8 / 16]],
      ['y', 0, 8000, [0.5, 1]],
    ]);
  });

  test('device 1 reads from where its part begins', () => {
    expect(moved([0, 0.25, 0.75])).toEqual([
      ['a', 1, 6000, [10 / 16, 1]],
      ['b', 1, 8000, [4 / 16, 12 / 16]],
      ['y', 0, 12_000, [0.25, 1]],
    ]);
  });
});

test('parts of a concatenation read the inputs that lie in them, and what the cut goes through in parts', () => {
  // x -> a (4 channels), b (8), c (4); a, b, c one after the other -> y.
  const sizes = [4, 8, 4];
  const traffic = { bytesRead: 16_000, bytesWritten: 16_000 };
  const units = [
    ...sizes.map((_, id) => bareUnit(id, { inputs: [0], outputs: [id + 1], splitAxis: 1, ...traffic })),
    bareUnit(3, { inputs: [1, 2, 3], outputs: [4], splitAxis: 1, channelReach: 'stacked', ...traffic }),
  ];
  const tensors = [2, ...sizes, 16].map((channels, id) => ({
    name: 'xabcy'[id]!,
    type: 'float',
    shape: [1, channels, 250],
    bytes: 1000 * channels,
    graphOutput: id === 4,
  }));
  const graph = makeGraph('operator', units, tensors);
  const moved = (execution: Conditions['execution'], shares: number[]) => {
    const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));
    const trace = executor.run(graph, Schedule.of(graph, shares), { ...conditions, execution } as Conditions) as Trace;
    expect(traceViolations(graph, trace)).toEqual([]);
    return trace.events
      .filter(({ kind, bytes }) => kind === 'copy' && bytes! > 0)
      .map(({ tensor, bytes }) => `${'xabcy'[tensor!]} ${Math.round(bytes!)}`);
  };
  for (const execution of ['serial', 'overlap'] as const) {
    // The cut goes through b where b is cut, at 6 of 16: nothing but x and the result moves.
    expect(moved(execution, [0, 0.75, 1, 10 / 16])).toEqual(['x 2000', 'y 10000']);
    // At 5 of 16, device 1 lacks one of b's channels; at 14 it lacks none, and device 0 lacks b's last and two of c's.
    expect(moved(execution, [0, 0.75, 1, 11 / 16])).toEqual(['x 2000', 'b 1000', 'y 11000']);
    expect(moved(execution, [0, 0.75, 1, 2 / 16])).toEqual(['x 2000', 'b 6000', 'c 2000', 'y 2000']);
    const random = Rng.of(4, 'stacked', execution);
    for (let repeat = 0; repeat < 50; repeat++)
      moved(
        execution,
        [0, 0, 0, 0].map(() => random.uniform()),
      );
    // Whole, it reads everything.
    expect(moved(execution, [0, 0.75, 1, 0])).toEqual(['x 2000', 'b 6000', 'c 4000']);
  }
});

describe('traces', () => {
  const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));

  test('are sound for 300 random schedules with splits, and agree with the clock of step-by-step decisions', () => {
    for (let seed = 0; seed < 300; seed++) {
      const rng = Rng.of(seed, 'trace');
      const graph = randomGraph(rng, { units: 1 + rng.integer(40), maxFanOut: 6 });
      const schedule = Schedule.of(graph, randomShares(graph, rng));
      const trace = executor.run(graph, schedule, conditions);
      expect(traceViolations(graph, trace), `seed ${seed}`).toEqual([]);
      const run = executor.begin(graph, conditions);
      let clockMs = 0;
      for (const { id } of graph.units) clockMs = run.decide(id, schedule.share[id]!);
      expect(trace.makespanMs, `seed ${seed}`).toBe(clockMs);
      expect(trace.events.at(-1)!.endMs, `seed ${seed}`).toBeCloseTo(clockMs, 9);
    }
  });

  test('tampering is found: overlap, early start, a second move, a missing unit', () => {
    const graph = randomGraph(Rng.of(1, 'tamper'), { units: 12 });
    const trace = executor.run(graph, Schedule.of(graph, randomShares(graph, Rng.of(2, 'tamper'))), conditions);
    const shifted = { ...trace, events: trace.events.map((event) => ({ ...event, startMs: event.startMs * 0.5 })) };
    expect(traceViolations(graph, shifted).join()).toMatch(/overlaps/);
    const copy = trace.events.find((event) => event.kind === 'copy')!;
    expect(traceViolations(graph, { ...trace, events: [...trace.events, copy] }).join()).toMatch(/moves 2 times/);
    const withoutCopies = { ...trace, events: trace.events.filter((event) => event.kind !== 'copy') };
    expect(traceViolations(graph, withoutCopies).join()).toMatch(/starts before tensor/);
    const withoutUnit = { ...trace, events: trace.events.filter((event) => !event.units.includes(3)) };
    expect(traceViolations(graph, withoutUnit).join()).toMatch(/unit 3 .* ran on lanes \[\]/);
    expect(traceViolations(graph, { ...trace, makespanMs: 0 }).join()).toMatch(/critical path/);
  });

  test('a co-running load that changes is refused in serial execution, whose conditions are static', () => {
    const graph = randomGraph(Rng.of(1, 'execution'), { units: 3 });
    const level = { cpu: 0.5, gpu: 0, memory: 0 };
    const load = {
      kind: 'recorded',
      samples: [
        { atMs: 0, ...level },
        { atMs: 1, ...level },
      ],
    } as const;
    expect(() => executor.begin(graph, { ...conditions, load })).toThrow(/serial execution has static conditions/);
  });
});

describe('Schedule.of', () => {
  const graph = randomGraph(Rng.of(5, 'schedule'), { units: 20 });
  const shares = Schedule.onDevice(graph, 0).share;

  test('refuses shares outside [0, 1], splits of units that cannot split, and orders against the edges', () => {
    const whole = graph.units.find((unit) => unit.splitAxis === null && unit.onlyOn === null)!;
    expect(() => Schedule.of(graph, shares.with(whole.id, 0.5))).toThrow(/cannot be split/);
    expect(() => Schedule.of(graph, shares.with(whole.id, 1.5))).toThrow(/outside \[0, 1\]/);
    expect(() => Schedule.of(graph, shares.subarray(1))).toThrow(/19 shares for 20 units/);
    const backwards = graph.units.map((unit) => 19 - unit.id);
    expect(() => Schedule.of(graph, shares, { order: backwards })).toThrow(/comes before unit/);
    expect(() => Schedule.of(graph, shares, { order: graph.units.map(() => 0) })).toThrow(/repeated/);
  });

  test("carries the graph's batch", () => {
    const tensors = ['x', 'y'].map((name) => ({
      name,
      type: 'float',
      shape: [16, 3],
      bytes: 192,
      graphOutput: name === 'y',
    }));
    const four = makeGraph('operator', [{ ...graph.units[0]!, inputs: [0], outputs: [1] }], tensors);
    expect(four.batch).toBe(16);
    expect(Schedule.onDevice(four, 0).batch).toBe(16);
  });

  test('refuses a unit on a device that cannot run it', () => {
    const only = randomGraph(Rng.of(7, 'schedule'), { units: 400 });
    const unit = only.units.find(({ onlyOn }) => onlyOn === 0)!;
    expect(() => Schedule.of(only, Schedule.onDevice(only, 1).share.with(unit.id, 1))).toThrow(
      /only device 0 can run it/,
    );
  });
});
