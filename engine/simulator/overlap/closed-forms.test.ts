// Each mechanism of overlap execution against its makespan worked out by hand.
import { describe, expect, test } from 'vitest';
import { overlap, toyBoard, toyGraph, toyTrace } from '../../../test/fixtures/toy-board.js';
import type { Conditions } from '../../conditions.js';
import type { LoadProcess } from '../../load-process.js';
import { traceViolations } from '../../trace-invariants.js';
import type { Board } from './run.js';
import { overlapRun } from './run.js';
import { coresLeft, fairLevel } from './sharing.js';

const chain = (length: number) => toyGraph(Array.from({ length }, (_, id) => (id === 0 ? [] : [id - 1])));
/** Two units that have nothing to do with each other. */
const pair = toyGraph([[], []]);

/** The makespan of a sound trace. */
function makespan(
  graph: ReturnType<typeof toyGraph>,
  board: Board,
  share: readonly number[],
  options: Partial<Conditions> & { readonly lane?: readonly number[] } = {},
): number {
  const trace = toyTrace(graph, board, share, options);
  expect(traceViolations(graph, trace)).toEqual([]);
  return trace.makespanMs;
}

describe('the asynchronous queue', () => {
  const [launchMs, moveMs, syncMs] = [2, 1, 0.5];
  const costs = { launchMs: (device: number) => (device === 1 ? launchMs : 0), transferMs: () => moveMs, syncMs };
  const onGpu = (kernelMs: number, options: Partial<Conditions> = {}) =>
    makespan(
      chain(10),
      toyBoard(() => kernelMs, costs),
      new Array(10).fill(1),
      options,
    );

  test('hides launches behind longer kernels: l + n k, then one wait and the way back', () => {
    expect(onGpu(5)).toBeCloseTo(launchMs + 10 * 5 + syncMs + moveMs, 12);
  });

  test('is fed too slowly by launches that are longer than kernels: n l + k', () => {
    expect(onGpu(1.5)).toBeCloseTo(10 * launchMs + 1.5 + syncMs + moveMs, 12);
  });

  test('switched off, each kernel is launched and waited for: n (l + k + s) and both moves', () => {
    const without = ['asynchronous-launches'] as const;
    expect(onGpu(5, { without })).toBeCloseTo(moveMs + 10 * (launchMs + 5 + syncMs) + moveMs, 12);
  });

  test('switched off, the next move waits too: 2 (m + l + k + s), then the second output comes back', () => {
    const without = ['asynchronous-launches'] as const;
    const twice = 2 * (moveMs + launchMs + 5 + syncMs) + moveMs;
    expect(
      makespan(
        pair,
        toyBoard(() => 5, costs),
        [1, 1],
        { without },
      ),
    ).toBeCloseTo(twice, 12);
  });

  test('a launch waits for what its unit reads of device 0; copies and synchronisation can be switched off', () => {
    // u0 on the CPU, u1 on the GPU, which reads it: 3, then launch beside the move, 5, then the way back.
    const board = toyBoard((unit) => [3, 5][unit]!, costs);
    expect(makespan(chain(2), board, [0, 1])).toBeCloseTo(3 + launchMs + 5 + syncMs + moveMs, 12);
    expect(makespan(chain(2), board, [0, 1], { without: ['copies'] })).toBeCloseTo(3 + launchMs + 5 + syncMs, 12);
    const without = ['copies', 'synchronisation'] as const;
    expect(makespan(chain(2), board, [0, 1], { without })).toBeCloseTo(3 + launchMs + 5, 12);
  });

  test('goes on while the CPU waits for a kernel and copies its output', () => {
    // u0 and u1 on the GPU, u2 on the CPU reads u0: it starts after u0, a wait and a move, beside u1.
    const graph = toyGraph([[], [], [0]]);
    const board = toyBoard((unit) => [4, 20, 7][unit]!, costs);
    const trace = toyTrace(graph, board, [1, 1, 0], { without: ['launching-core'] });
    const computed = trace.events.find(({ kind, units }) => kind === 'compute' && units[0] === 2)!;
    expect(computed.startMs).toBeCloseTo(launchMs + 4 + syncMs + moveMs, 12);
    // u1's input moves when the queue is free again, its output comes back in the end.
    expect(trace.makespanMs).toBeCloseTo(launchMs + 4 + moveMs + 20 + syncMs + moveMs, 12);
  });
});

describe('cores', () => {
  test('the launching thread takes one of c while device 1 is fed: the kernel beside it goes (c - 1) / c as fast', () => {
    // Device 1 is busy for 8 of the 10 ms: the kernel makes up for 8 / 4 ms.
    const board = toyBoard((_, device) => [10, 8][device]!);
    expect(makespan(pair, board, [0, 1])).toBeCloseTo(10 + 8 / 4, 12);
    expect(makespan(pair, board, [0, 1], { without: ['launching-core'] })).toBeCloseTo(10, 12);
    // Longer than the kernel: all of it at 3 / 4.
    const long = toyBoard((_, device) => [3, 8][device]!);
    const trace = toyTrace(pair, long, [0, 1]);
    expect(trace.events.find(({ kind, lane }) => kind === 'compute' && lane === 0)!.endMs).toBeCloseTo(3 / (3 / 4), 12);
  });

  test('where device 1 is a CPU it launches on a core of its own, and both run at full speed', () => {
    const board = toyBoard((_, device) => [10, 8][device]!);
    const cpus: Board = { ...board, kinds: ['cpu', 'cpu'], shared: { ...board.shared, cores: 1 } };
    expect(makespan(pair, cpus, [0, 1])).toBe(10);
    expect(makespan(pair, { ...cpus, kinds: ['cpu', 'gpu'] }, [0, 1])).toBeCloseTo(10 + 8 / 2, 12);
  });

  test('of one core the launching thread takes half', () => {
    expect([1, 2, 3, 12].map((cores) => coresLeft(cores, true))).toEqual([0.5, 1, 2, 11]);
    expect(coresLeft(1, false)).toBe(1);
  });

  test('kernels on two lanes share them: the shorter ends after 2 w1, the longer after w1 + w2', () => {
    const board = toyBoard((unit) => [4, 9][unit]!);
    const trace = toyTrace(pair, board, [0, 0], { lane: [0, 1] });
    expect(trace.events.filter(({ kind }) => kind === 'compute').map(({ endMs }) => endMs)).toEqual([8, 13]);
    expect(makespan(pair, board, [0, 0], { lane: [0, 1], without: ['core-sharing'] })).toBe(9);
  });

  test('branches on two lanes hide the dispatch of one behind the kernel of the other', () => {
    // Dispatch 1, kernel 2: one lane takes 2 (1 + 2). On two both dispatch at once, then share the cores.
    const board = toyBoard(() => 2, { launchMs: () => 1 });
    expect(makespan(pair, board, [0, 0])).toBe(6);
    expect(makespan(pair, board, [0, 0], { lane: [0, 1] })).toBe(1 + 2 * 2);
  });

  test('what one lane computed is handed to another at once, and moves no byte', () => {
    const trace = toyTrace(
      chain(2),
      toyBoard(() => 3),
      [0, 0],
      { lane: [0, 1] },
    );
    expect(trace.makespanMs).toBe(6);
    expect(trace.events.filter(({ kind }) => kind === 'copy')).toEqual([
      { kind: 'copy', lane: 1, units: [1], startMs: 3, endMs: 3, tensor: 0, bytes: 0 },
    ]);
    expect(traceViolations(chain(2), trace)).toEqual([]);
  });
});

describe('contention', () => {
  const trafficOf = (demands: readonly number[], ms: readonly number[]) =>
    toyBoard((unit) => ms[unit]!, { unitTrafficBytes: (unit) => demands[unit]! * ms[unit]! });
  const ends = (board: Board, options = {}) =>
    toyTrace(pair, board, [0, 1], { without: ['launching-core'], ...options })
      .events.filter(({ kind }) => kind === 'compute')
      .map(({ endMs }) => endMs)
      .sort((a, b) => a - b);

  test('two that ask for more than the memory carries get half each, then the longer goes on alone', () => {
    // 60 and 80 of 100 bytes a ms, 10 ms each: 50 each until 12 ms, the other 200 bytes at 80.
    const board = trafficOf([60, 80], [10, 10]);
    const [first, second] = ends(board);
    expect(first).toBeCloseTo(600 / 50, 12);
    expect(second).toBeCloseTo(12 + 200 / 80, 12);
    expect(ends(board, { without: ['launching-core', 'contention'] })).toEqual([10, 10]);
  });

  test('as long as both want more than half, their bytes flow at the capacity: Gables', () => {
    // Equal bytes: both end after (D0 + D1) / B.
    expect(ends(trafficOf([70, 100], [10, 7]))).toEqual([expect.closeTo(14, 12), expect.closeTo(14, 12)]);
  });

  test('who asks for little is not slowed down', () => {
    expect(ends(trafficOf([10, 95], [10.5, 10]))).toEqual([10.5, expect.closeTo((10 * 95) / 90, 1)]);
    expect(ends(trafficOf([10, 90], [10, 10]))).toEqual([10, 10]);
  });

  test('the fair level meets small demands and spends the capacity', () => {
    expect(fairLevel([10, 20], 30)).toBe(Number.POSITIVE_INFINITY);
    expect(fairLevel([10, 200, 50], 90)).toBe(40);
    expect(fairLevel([100, 100, 100], 90)).toBe(30);
  });
});

describe('interference', () => {
  const board = toyBoard((_, device) => [10, 8][device]!);
  const interfering: Board = { ...board, shared: { ...board.shared, interference: [1.5, 2] } };
  const without = ['launching-core'] as const;

  test('slows each device by its factor while both compute', () => {
    // Device 0: 10 x 1.5. By then device 1 has done 7.5 of 8, and the rest alone.
    const trace = toyTrace(pair, interfering, [0, 1], { without });
    const ends = trace.events.filter(({ kind }) => kind === 'compute').map(({ endMs }) => endMs);
    expect(ends.sort((a, b) => a - b)).toEqual([expect.closeTo(15, 12), expect.closeTo(15.5, 12)]);
  });

  test('a budget of power slows both devices alike while both compute', () => {
    // At 0.8 of their speed: device 1 ends at 8 / 0.8 = 10; device 0 has done 8 of 10 by then, and the rest alone.
    const budgeted: Board = { ...board, shared: { ...board.shared, powerRate: 0.8 } };
    const trace = toyTrace(pair, budgeted, [0, 1], { without });
    const ends = trace.events.filter(({ kind }) => kind === 'compute').map(({ endMs }) => endMs);
    expect(ends.sort((a, b) => a - b)).toEqual([expect.closeTo(10, 12), expect.closeTo(12, 12)]);
    for (const device of [0, 1])
      expect(toyTrace(pair, budgeted, [device, device])).toEqual(toyTrace(pair, board, [device, device]));
  });

  test('switched off, not stated, or with one device at work, changes nothing to the byte', () => {
    const off = [...without, 'interference'] as const;
    expect(toyTrace(pair, interfering, [0, 1], { without: off }).events).toEqual(
      toyTrace(pair, board, [0, 1], { without }).events,
    );
    for (const device of [0, 1])
      expect(toyTrace(pair, interfering, [device, device])).toEqual(toyTrace(pair, board, [device, device]));
  });
});

describe('a memory budget', () => {
  const board = toyBoard((unit) => [4, 9][unit]!, { plannedBytes: (_, share) => 60 * share });
  const two = { lane: [0, 1], without: ['core-sharing'] } as const;

  test('delays a branch that does not fit beside the other', () => {
    expect(makespan(pair, board, [0, 0], { ...two, memoryBudgetBytes: 120 })).toBe(9);
    expect(makespan(pair, board, [0, 0], { ...two, memoryBudgetBytes: 119 })).toBe(13);
  });

  test('is an error that names unit and device where one does not fit alone; splits need less', () => {
    const run = overlapRun(pair, board, { ...overlap, memoryBudgetBytes: 59 });
    // The halves do not fit beside each other either: device 1's goes first.
    expect(run.decide(0, 0.5)).toBe(2 + 2);
    expect(run.decide(1, 1)).toBeNaN();
    expect(run.finish()).toEqual({
      error: 'unit 1 "u1" on device 1: 60 bytes planned, more than the memory budget of 59',
      unit: 1,
      device: 1,
    });
  });

  test('holds back what comes after one that waits for memory', () => {
    // u0 30 bytes for 5 ms; u1 60, does not fit beside it; u2 20 would fit, and comes after u1.
    const three = toyGraph([[], [], []]);
    const sizes = toyBoard(() => 5, { plannedBytes: (unit) => [30, 60, 20][unit]! });
    const trace = toyTrace(three, sizes, [0, 0, 0], { ...two, lane: [0, 1, 2], memoryBudgetBytes: 80 });
    expect(trace.events.filter(({ kind }) => kind === 'compute').map(({ startMs }) => startMs)).toEqual([0, 5, 5]);
  });
});

test('memory: from the first write or arrival of a tensor to its last use, moving away included', () => {
  // CPU 3 ms, move 1, GPU 5, move 1, CPU 2, move 1, GPU 4, move 1; 16 bytes each.
  const board = toyBoard((unit) => [3, 5, 2, 4][unit]!, { transferMs: () => 1 });
  const { memory } = toyTrace(chain(4), board, [0, 1, 0, 1], { without: ['launching-core'] });
  const of = (device: number) =>
    memory.filter((point) => point.device === device).map(({ atMs, bytes }) => [atMs, bytes]);
  // x and t0 to 3, t0 until it is moved at 4; t1 arrives from 9, t2 is written from 10 and moved until 13; t3 comes from 17.
  expect(of(0)).toEqual([[0, 32], [3, 16], [4, 0], [9, 16], [10, 32], [12, 16], [13, 0], [17, 16]]); // biome-ignore format: points
  // t0 arrives from 3, t1 is written from 4; t0 until 9, t1 moved until 10; t2 from 12, t3 from 13.
  expect(of(1)).toEqual([[3, 16], [4, 32], [9, 16], [10, 0], [12, 16], [13, 32], [17, 16], [18, 0]]); // biome-ignore format: points
});

describe('co-running load', () => {
  const single = toyGraph([[]]);
  const during = (load: LoadProcess, device: 0 | 1, costs = {}) =>
    makespan(
      single,
      toyBoard(() => 10, costs),
      [device],
      { load, without: ['launching-core'] },
    );
  const none = { cpu: 0, gpu: 0, memory: 0 };
  const half = (resource: keyof typeof none): LoadProcess => ({
    kind: 'recorded',
    samples: [
      { ...none, [resource]: 0.5, atMs: 0 },
      { ...none, atMs: 4 },
    ],
  });

  test('that takes half for 4 ms costs 2 ms, on its own resource only', () => {
    expect([during(half('cpu'), 0), during(half('cpu'), 1)]).toEqual([12, 10]);
    expect([during(half('gpu'), 0), during(half('gpu'), 1)]).toEqual([10, 12]);
    const stream = { unitTrafficBytes: () => 10 * 100 };
    expect([during(half('memory'), 0, stream), during(half('memory'), 0)]).toEqual([12, 10]);
  });

  test('of a Markov chain slows a long kernel by its mean: sum of meanMs u over sum of meanMs', () => {
    const states = [
      { ...none, meanMs: 0.03 },
      { ...none, cpu: 0.8, meanMs: 0.01 },
    ];
    const load = { kind: 'markov', states } as const;
    expect(during(load, 0)).toBeCloseTo(10 / (1 - 0.8 * 0.25), 0);
    const seeded = (seed: number) =>
      makespan(
        single,
        toyBoard(() => 10),
        [0],
        { load, seed },
      );
    expect(seeded(1)).toBe(seeded(1));
    expect(seeded(1)).not.toBe(seeded(2));
  });
});

describe('a split unit', () => {
  test('computes on both devices at once; the part of device 1 comes back', () => {
    const board = toyBoard((_, device) => [8, 4][device]!, { transferMs: (_, __, fraction) => fraction! });
    // Move in whole (1) beside device 0's 0.25 x 8; then 0.75 x 4, and three quarters back.
    expect(makespan(toyGraph([[]]), board, [0.75], { without: ['launching-core'] })).toBeCloseTo(1 + 3 + 0.75, 12);
  });

  test('waits only for the channels that it reads, whoever fetched others', () => {
    // u0 in halves, device 1's taking long; u1 fetches that half to lane 0; u2 reads channel by channel, on lane 1 the first.
    const graph = toyGraph([[], [0], [0]]);
    const units = graph.units.map((unit) => (unit.id === 2 ? { ...unit, channelReach: 0 } : unit));
    const board = toyBoard((unit, device) => [device === 0 ? 4 : 40, 5, 6][unit]!);
    const trace = toyTrace({ ...graph, units }, board, [0.5, 0, 0.5], { lane: [0, 0, 1], without: ['launching-core'] });
    const computed = trace.events.filter(({ kind }) => kind === 'compute');
    expect(computed.map(({ units: [unit], lane, startMs }) => [unit, lane, startMs])).toEqual(
      expect.arrayContaining([
        [0, 0, 0],
        [1, 0, 20],
        [2, 1, 2],
      ]),
    );
  });
});

test('what cannot be executed is refused when it begins', () => {
  const begin = (conditions: object) =>
    overlapRun(
      pair,
      toyBoard(() => 1),
      { ...overlap, ...conditions },
    );
  expect(() => begin({ without: ['contentoin'] })).toThrow(/"contentoin" .* unknown\.\nDid you mean "contention"/);
  expect(() => begin({ load: { kind: 'markov', states: [] } })).toThrow(/has no state/);
  expect(() => begin({}).decide(0, 1, 1)).toThrow(/lane 1 of device 1, which has one/);
  expect(() => begin({}).decide(0, 1.5)).toThrow(/outside \[0, 1\]/);
});
