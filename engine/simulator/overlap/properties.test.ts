// Overlap execution on random graphs and random schedules: what must hold whatever the mechanisms do.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { localArena } from '../../../predictor/arenas/local-arena.js';
import type { CostTable } from '../../../predictor/cost-table.js';
import { loadProfile } from '../../../predictor/profiles/profile.js';
import { randomGraph } from '../../../test/fixtures/random-graph.js';
import { randomSchedule } from '../../../test/fixtures/random-schedule.js';
import { type Conditions, mechanisms, type SerialConditions } from '../../conditions.js';
import { lifetimes } from '../../memory/liveness.js';
import { Schedule } from '../../schedule.js';
import type { Trace } from '../../trace.js';
import { traceViolations } from '../../trace-invariants.js';
import { createSimulator } from '../simulator.js';

const overlap: Conditions = { seed: 0, execution: 'overlap', mode: 'maxn', load: null, memoryBudgetBytes: null };
const serial: SerialConditions = { ...overlap, execution: 'serial' };
const load = {
  kind: 'markov',
  states: [
    { cpu: 0, gpu: 0, memory: 0, meanMs: 0.2 },
    { cpu: 0.5, gpu: 0.3, memory: 0.6, meanMs: 0.1 },
  ],
} as const;
/** Nothing that slows one task down because another runs: every task takes what it takes alone. */
const alone = ['launching-core', 'core-sharing', 'contention'] as const;
// The first with no more bandwidth than either device can use alone: both at once contend.
const simulators = [
  'device0.bandwidth=190 GB/s&shared.bandwidth=190 GB/s',
  'transfer=copy',
  'launch=graph&mode=15w',
].map((query) => createSimulator(loadProfile(`profile://jetson-agx-orin?${query}`)));

/** A graph, a schedule with splits on up to three lanes of device 0, and a simulator, drawn from the seed. */
function drawn(seed: number) {
  const rng = Rng.of(seed, 'overlap');
  const graph = randomGraph(rng, { units: 1 + rng.integer(30), maxFanOut: 5 });
  const schedule = randomSchedule(graph, rng, { cpuLanes: 1 + rng.integer(3) });
  return { rng, graph, schedule, executor: simulators[seed % simulators.length]! };
}

function traced(result: ReturnType<(typeof simulators)[0]['run']>): Trace {
  if ('error' in result) throw new Error(result.error);
  return result;
}

/** Enough for the largest unit, and for not much beside it. */
function tightBudget(graph: OperatorGraph): number {
  const bytes = graph.units.map(({ outputs }) => outputs.reduce((sum, id) => sum + graph.tensors[id]!.bytes + 64, 0));
  return 1.2 * Math.max(...bytes);
}

test('300 random schedules: sound traces, the same step by step and again, no lane busier than the makespan', () => {
  for (let seed = 0; seed < 300; seed++) {
    const { rng, graph, schedule, executor } = drawn(seed);
    const conditions: Conditions = {
      ...overlap,
      seed,
      load: rng.uniform() < 0.5 ? load : null,
      memoryBudgetBytes: rng.uniform() < 0.5 ? tightBudget(graph) : null,
      without: mechanisms.filter(() => rng.uniform() < 0.2),
    };
    const trace = traced(executor.run(graph, schedule, conditions));
    const what = `seed ${seed}`;
    expect(traceViolations(graph, trace), what).toEqual([]);
    expect(executor.run(graph, schedule, conditions), what).toEqual(trace);
    for (const lane of trace.lanes.keys()) {
      const busyMs = trace.events.reduce(
        (sum, event) => sum + (event.lane === lane ? event.endMs - event.startMs : 0),
        0,
      );
      expect(busyMs, what).toBeLessThanOrEqual(trace.makespanMs * (1 + 1e-9));
    }
    expect(trace.makespanMs, what).toBeGreaterThanOrEqual(
      longestChainMs(graph, schedule, executor.costs(graph)) * (1 - 1e-9),
    );
    if (seed % 5 > 0) continue;
    const run = executor.begin(graph, conditions);
    let objectiveMs = 0;
    for (const unit of schedule.order) objectiveMs = run.decide(unit, schedule.share[unit]!, schedule.lane[unit]!);
    expect(objectiveMs, what).toBe(trace.makespanMs);
    expect(run.state.clockMs(), what).toBe(trace.makespanMs);
    expect(run.finish(), what).toEqual(trace);
  }
});

/** The longest chain of kernels, each alone on its device: no mechanism makes one faster. */
function longestChainMs(graph: OperatorGraph, { share }: Schedule, costs: CostTable): number {
  const endMs = new Float64Array(graph.units.length);
  for (const { id, inputs } of graph.units) {
    // Parts read parts: only whole units are certain to wait for the whole of what they read.
    if (share[id]! > 0 && share[id]! < 1) continue;
    const readyMs = inputs.map((tensor) => endMs[graph.tensors[tensor]!.producer ?? -1] ?? 0);
    endMs[id] = Math.max(0, ...readyMs) + costs.unitMs(id, share[id]!, 1);
  }
  return Math.max(...endMs);
}

test('what computes at the same time plans for no more than the budget', () => {
  let waited = 0;
  for (let seed = 0; seed < 60; seed++) {
    const { graph, schedule, executor } = drawn(seed);
    const memoryBudgetBytes = tightBudget(graph);
    const planned = (trace: Trace) => mostPlannedBytes(graph, trace);
    const free = traced(executor.run(graph, schedule, overlap));
    expect(planned(traced(executor.run(graph, schedule, { ...overlap, memoryBudgetBytes })))).toBeLessThanOrEqual(
      memoryBudgetBytes,
    );
    if (planned(free) > memoryBudgetBytes) waited++;
  }
  expect(waited).toBeGreaterThan(5);
});

/** The most that units which compute at one time plan for together. */
function mostPlannedBytes(graph: OperatorGraph, { events }: Trace): number {
  const computing = events.filter(({ kind, startMs, endMs }) => kind === 'compute' && endMs > startMs);
  const together = computing.map(({ startMs: atMs }) =>
    computing
      .filter(({ startMs, endMs }) => startMs <= atMs && atMs < endMs)
      .reduce((sum, { units: [unit], part: [from, to] = [0, 1] }) => {
        const { peakBytes } = localArena(graph, [unit!]);
        return sum + Math.ceil(peakBytes * (to - from));
      }, 0),
  );
  return Math.max(0, ...together);
}

describe('with nothing that slows tasks down beside each other', () => {
  // Starts are then the least solution of a system of maxima and sums (a longest path): longer tasks and more to wait for
  // can only delay. The profiles wait 0 ms for a kernel, so an asynchronous queue waits for a subset of what a synchronous
  // one does.
  const ideal = { ...overlap, without: alone };
  const slower: readonly [string, (graph: OperatorGraph) => Conditions][] = [
    ['the launching core', () => ({ ...overlap, without: ['core-sharing', 'contention'] })],
    ['shared cores', () => ({ ...overlap, without: ['launching-core', 'contention'] })],
    ['contention', () => ({ ...overlap, without: ['launching-core', 'core-sharing'] })],
    ['all of them', () => overlap],
    ['co-running load', () => ({ ...ideal, load })],
    ['a memory budget', (graph) => ({ ...ideal, memoryBudgetBytes: tightBudget(graph) })],
    ['synchronous launches', () => ({ ...ideal, without: [...alone, 'asynchronous-launches'] })],
  ];

  test.each(slower)('%s never makes it faster, and somewhere slower', (_, conditionsOf) => {
    let slowed = 0;
    for (let seed = 0; seed < 60; seed++) {
      const { graph, schedule, executor } = drawn(seed);
      const idealMs = traced(executor.run(graph, schedule, ideal)).makespanMs;
      const { makespanMs } = traced(executor.run(graph, schedule, conditionsOf(graph)));
      expect(makespanMs, `seed ${seed}`).toBeGreaterThanOrEqual(idealMs * (1 - 1e-9));
      if (makespanMs > idealMs * (1 + 1e-6)) slowed++;
    }
    expect(slowed).toBeGreaterThan(0);
  });

  test('moves that take no time never make it slower', () => {
    for (let seed = 0; seed < 60; seed++) {
      const { graph, schedule, executor } = drawn(seed);
      const idealMs = traced(executor.run(graph, schedule, ideal)).makespanMs;
      const free = traced(executor.run(graph, schedule, { ...ideal, without: [...alone, 'copies'] })).makespanMs;
      expect(free, `seed ${seed}`).toBeLessThanOrEqual(idealMs * (1 + 1e-9));
    }
  });
});

describe('one device, everything switched off, is the serial sum', () => {
  const off: Conditions = { ...overlap, without: [...alone, 'asynchronous-launches'] };

  test('on device 0, whatever the graph; also with the mechanisms on, as nothing runs beside it', () => {
    for (let seed = 0; seed < 60; seed++) {
      const { graph, executor } = drawn(seed);
      const schedule = Schedule.of(
        graph,
        graph.units.map(() => 0),
      );
      const serialTrace = executor.run(graph, schedule, serial);
      for (const conditions of [off, overlap]) {
        const trace = traced(executor.run(graph, schedule, conditions));
        expect(trace.makespanMs, `seed ${seed}`).toBeCloseTo(serialTrace.makespanMs, 9);
        const peak = (memory: Trace['memory']) => Math.max(...memory.map(({ bytes }) => bytes));
        expect(peak(trace.memory), `seed ${seed}`).toBe(peak(serialTrace.memory));
      }
    }
  });

  test('on device 1, where outputs return in the end anyway: a chain', () => {
    for (const executor of simulators) {
      const { graph } = drawn(0);
      const chain = chainOf(graph);
      const schedule = Schedule.onDevice(chain, 1);
      const { makespanMs } = traced(executor.run(chain, schedule, off));
      expect(makespanMs).toBeCloseTo(executor.run(chain, schedule, serial).makespanMs, 9);
      expect(traced(executor.run(chain, schedule, overlap)).makespanMs).toBeLessThan(makespanMs);
    }
  });
});

/** 20 units, each reading only the one before. */
function chainOf(graph: OperatorGraph): OperatorGraph {
  const tensor = { type: 'float', shape: [1, 4096], bytes: 16_384, consumers: [] as number[] };
  const units = Array.from({ length: 20 }, (_, id) => ({
    ...graph.units[0]!,
    id,
    onlyOn: null,
    inputs: [id],
    outputs: [id + 1],
  }));
  const tensors = Array.from({ length: 21 }, (_, id) => ({
    ...tensor,
    id,
    name: `t${id}`,
    producer: id === 0 ? null : id - 1,
    consumers: id < 20 ? [id] : [],
    graphOutput: id === 20,
  }));
  return { ...graph, units, tensors };
}

test('memory over time ends with the graph outputs on device 0, and holds at most what lifetimes say is ever needed', () => {
  for (let seed = 0; seed < 60; seed++) {
    const { graph, schedule, executor } = drawn(seed);
    const { memory } = traced(executor.run(graph, schedule, overlap));
    const outputs = graph.tensors.filter(({ graphOutput }) => graphOutput).reduce((sum, { bytes }) => sum + bytes, 0);
    const of = (device: number) => memory.filter((point) => point.device === device).map(({ bytes }) => bytes);
    expect(of(0).at(-1) ?? 0, `seed ${seed}`).toBe(outputs);
    expect(of(1).at(-1) ?? 0, `seed ${seed}`).toBe(0);
    const needed = [0, 1].map((device) =>
      lifetimes(graph, schedule).reduce((sum, { bytes, device: on }) => sum + (on === device ? bytes : 0), 0),
    );
    for (const { device, bytes } of memory) {
      expect(bytes, `seed ${seed}`).toBeGreaterThanOrEqual(0);
      expect(bytes, `seed ${seed}`).toBeLessThanOrEqual(needed[device]! + graph.tensors.length);
    }
  }
});
