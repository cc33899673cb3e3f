// HEFT, CPOP and PEFT: the worked examples of their papers, the optimum by brute force, and what every schedule must keep.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import { createSimulator } from '../../../engine/simulator/simulator.js';
import { loadProfile } from '../../../predictor/profiles/profile.js';
import { randomGraph } from '../../../test/fixtures/random-graph.js';
import { cpop, heft } from './heft.js';
import { optimisticCosts, peft } from './peft.js';
import { taskGraphOf } from './planners.js';
import { earliestEnd, listSchedule, makeTaskGraph, type TaskGraph, type TaskSchedule } from './task-graph.js';

const schedulers = { heft, cpop, peft };

/** Times `P1,P2,P3 | ...` by task, edges `from-to:cost ...`: the form of the papers' figures. */
function parsed(times: string, edges: string): TaskGraph {
  const taskMs = times.split(' | ').map((row) => row.split(',').map(Number));
  return makeTaskGraph(
    taskMs,
    edges.split(' ').map((edge) => {
      const [from, to, moveMs] = edge.split(/[-:]/).map(Number) as [number, number, number];
      return { from, to, moveMs: taskMs[0]!.map(() => moveMs) };
    }),
  );
}

/** Figure 2 of Topcuoglu et al. 2002. */
const topcuoglu = parsed(
  '14,16,9 | 13,19,18 | 11,13,19 | 13,8,17 | 12,13,10 | 13,16,9 | 7,15,11 | 5,11,14 | 18,12,20 | 21,7,16',
  '0-1:18 0-2:12 0-3:9 0-4:11 0-5:14 1-7:19 1-8:16 2-6:23 3-7:27 3-8:23 4-8:13 5-7:15 6-9:17 7-9:11 8-9:13',
);

/** The example of Arabnejad and Barbosa 2014. */
const arabnejad = parsed(
  '22,21,36 | 22,18,18 | 32,27,43 | 7,10,4 | 29,27,35 | 26,17,24 | 14,25,30 | 29,23,36 | 15,21,8 | 13,16,33',
  '0-1:17 0-2:31 0-3:29 0-4:13 0-5:7 1-7:3 1-8:30 2-6:16 3-7:11 3-8:7 4-8:57 5-7:5 6-9:9 7-9:42 8-9:7',
);

const text = ({ processor, startMs, endMs }: TaskSchedule): string[] =>
  processor.map((on, task) => `${task}@P${on + 1}[${startMs[task]},${endMs[task]}]`);

const placed = (schedule: string): string[] =>
  schedule.split(' ').sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));

describe('worked examples', () => {
  test('HEFT: 80', () => {
    const schedule = heft(topcuoglu);
    expect(schedule.makespanMs).toBe(80);
    expect(text(schedule)).toEqual(
      placed(
        '0@P3[0,9] 3@P2[18,26] 2@P3[9,28] 1@P1[27,40] 4@P3[28,38] 5@P2[26,42] 8@P2[56,68] 6@P3[38,49] 7@P1[57,62] 9@P2[73,80]',
      ),
    );
  });

  test('CPOP: 86', () => {
    const schedule = cpop(topcuoglu);
    expect(schedule.makespanMs).toBe(86);
    expect(text(schedule)).toEqual(
      placed(
        '0@P2[0,16] 1@P2[16,35] 2@P1[28,39] 6@P1[39,46] 3@P3[25,42] 4@P2[35,48] 8@P2[65,77] 5@P3[42,51] 7@P3[54,68] 9@P2[79,86]',
      ),
    );
  });

  test('PEFT: 122, with the optimistic cost table of the paper', () => {
    expect(optimisticCosts(arabnejad).slice(0, 6)).toEqual([
      [64, 68, 86],
      [42, 39, 42],
      [27, 41, 43],
      [42, 39, 50],
      [28, 37, 28],
      [42, 39, 44],
    ]);
    const schedule = peft(arabnejad);
    expect(schedule.makespanMs).toBe(122);
    expect(text(schedule)).toEqual(
      placed(
        '0@P1[0,22] 3@P1[22,29] 1@P1[29,51] 2@P1[51,83] 6@P1[83,97] 5@P2[29,46] 7@P2[54,77] 9@P2[106,122] 4@P3[35,70] 8@P3[81,89]',
      ),
    );
  });
});

/** Whether any schedule ends before `limitMs`: branch and bound over all schedules, tasks in the order of their starts. */
function endsBefore({ taskMs, inputs, outputs, processors }: TaskGraph, limitMs: number): boolean {
  const leastMs = taskMs.map((times) => Math.min(...times));
  const tailMs = leastMs.map(() => 0);
  for (let task = taskMs.length - 1; task >= 0; task--)
    tailMs[task] = leastMs[task]! + Math.max(0, ...outputs[task]!.map(({ to }) => tailMs[to]!));
  const on = taskMs.map(() => -1);
  const endMs = taskMs.map(() => 0);
  const freeMs = Array.from({ length: processors }, () => 0);
  const startOn = (task: number, processor: number): number =>
    Math.max(
      freeMs[processor]!,
      ...inputs[task]!.map(({ from, moveMs }) => endMs[from]! + (on[from] === processor ? 0 : moveMs[processor]!)),
    );
  const search = (done: number, latestMs: number): boolean => {
    if (done === taskMs.length) return true;
    const ready = taskMs.flatMap((times, task) => {
      if (on[task]! >= 0 || inputs[task]!.some(({ from }) => on[from]! < 0)) return [];
      const starts = times.map((_, processor) => startOn(task, processor));
      const most = Math.min(...starts.map((start, p) => Math.max(start, latestMs) + times[p]!));
      return [{ task, starts, bound: most - leastMs[task]! + tailMs[task]! }];
    });
    if (ready.some(({ bound }) => bound >= limitMs)) return false;
    for (const { task, starts } of ready)
      for (const [processor, startMs] of starts.entries()) {
        const end = startMs + taskMs[task]![processor]!;
        if (startMs < latestMs || end - leastMs[task]! + tailMs[task]! >= limitMs) continue;
        const freeBefore = freeMs[processor]!;
        [on[task], endMs[task], freeMs[processor]] = [processor, end, end];
        if (search(done + 1, startMs)) return true;
        [on[task], endMs[task], freeMs[processor]] = [-1, 0, freeBefore];
      }
    return false;
  };
  return search(0, 0);
}

test.each([
  ['Topcuoglu', topcuoglu, 73],
  ['Arabnejad', arabnejad, 113],
] as const)('%s: a schedule ends at the published optimum, and none before', (_, graph, optimumMs) => {
  expect(endsBefore(graph, optimumMs)).toBe(false);
  expect(endsBefore(graph, optimumMs + 1)).toBe(true);
});

/** Sources, sinks and parts without a connection are as drawn; some times are 0, some tasks run on one processor only. */
function drawn(rng: Rng, tasks: number, processors: number): TaskGraph {
  const ms = () => (rng.integer(5) === 0 ? 0 : 10 * rng.uniform());
  const taskMs = Array.from({ length: tasks }, () => {
    const times = Array.from({ length: processors }, ms);
    const only = rng.integer(3 * processors);
    return only < processors ? times.map((time, on) => (on === only ? time : Number.POSITIVE_INFINITY)) : times;
  });
  const edges = taskMs.flatMap((_, to) =>
    Array.from({ length: to }, (__, from) => from)
      .filter(() => rng.integer(3) === 0)
      .map((from) => ({ from, to, moveMs: Array.from({ length: processors }, ms) })),
  );
  return makeTaskGraph(taskMs, edges);
}

function expectSound({ taskMs, inputs }: TaskGraph, { processor, startMs, endMs, order, makespanMs }: TaskSchedule) {
  expect([...order].sort((a, b) => a - b)).toEqual([...taskMs.keys()]);
  expect(makespanMs).toBe(Math.max(0, ...endMs));
  for (const [task, on] of processor.entries()) {
    expect(endMs[task]).toBe(startMs[task]! + taskMs[task]![on]!);
    expect(endMs[task]).toBeLessThan(Number.POSITIVE_INFINITY);
    for (const { from, moveMs } of inputs[task]!) {
      expect(startMs[task]).toBeGreaterThanOrEqual(endMs[from]! + (processor[from] === on ? 0 : moveMs[on]!));
      expect(order.indexOf(from)).toBeLessThan(order.indexOf(task));
    }
    for (const [other, its] of processor.entries())
      if (other !== task && its === on && startMs[other]! < endMs[task]! && startMs[task]! < endMs[other]!)
        expect.fail(`tasks ${task} and ${other} overlap on processor ${on}`);
  }
}

describe.each(Object.entries(schedulers))('%s', (_, schedule) => {
  test('is sound on 200 random graphs, and the same again', () => {
    for (let seed = 0; seed < 200; seed++) {
      const rng = Rng.of(seed, 'task-graphs');
      const graph = drawn(rng, rng.integer(25), 1 + rng.integer(4));
      const result = schedule(graph);
      expectSound(graph, result);
      expect(schedule(graph)).toEqual(result);
    }
  });

  test('is never better than the optimum by brute force, and equal to it for a single task', () => {
    let optimal = 0;
    for (let seed = 0; seed < 60; seed++) {
      const rng = Rng.of(seed, 'task-graphs-brute');
      const graph = drawn(rng, 1 + rng.integer(5), 2);
      const leastMs = bruteForce(graph);
      const { makespanMs } = schedule(graph);
      expect(makespanMs, `seed ${seed}`).toBeGreaterThanOrEqual(leastMs - 1e-9);
      if (graph.taskMs.length === 1) expect(makespanMs).toBe(leastMs);
      optimal += Number(makespanMs < leastMs + 1e-9);
    }
    expect(optimal).toBeGreaterThan(20);
  });

  test('an empty graph takes no time', () => {
    expect(schedule(makeTaskGraph([], [])).makespanMs).toBe(0);
  });
});

/** The least makespan over all orders and processors: some order of starts is an optimal one. */
function bruteForce(graph: TaskGraph): number {
  let leastMs = Number.POSITIVE_INFINITY;
  const count = graph.taskMs.length;
  for (let code = 0; code < graph.processors ** count; code++) {
    const on = (task: number) => Math.floor(code / graph.processors ** task) % graph.processors;
    if (graph.taskMs.some((times, task) => times[on(task)] === Number.POSITIVE_INFINITY)) continue;
    const extend = (endMs: ReadonlyMap<number, number>, freeMs: readonly number[]): void => {
      if (endMs.size === count) leastMs = Math.min(leastMs, Math.max(...freeMs));
      for (const task of graph.taskMs.keys()) {
        if (endMs.has(task) || graph.inputs[task]!.some(({ from }) => !endMs.has(from))) continue;
        const arrivals = graph.inputs[task]!.map(
          ({ from, moveMs }) => endMs.get(from)! + (on(from) === on(task) ? 0 : moveMs[on(task)]!),
        );
        const end = Math.max(freeMs[on(task)]!, ...arrivals) + graph.taskMs[task]![on(task)]!;
        extend(new Map([...endMs, [task, end]]), freeMs.with(on(task), end));
      }
    };
    extend(new Map(), new Array<number>(graph.processors).fill(0));
  }
  return leastMs;
}

test('no schedule of the first example is below its optimum, which branch and bound proves to be 73', () => {
  for (const schedule of Object.values(schedulers)) expect(schedule(topcuoglu).makespanMs).toBeGreaterThanOrEqual(73);
});

test('a task fills an idle slot before one that was placed earlier', () => {
  // 1 waits for its input from 0 on the other processor; 2, of lower priority, fits in before it.
  const graph = makeTaskGraph(
    [
      [9, 1],
      [2, 9],
      [1, 9],
    ],
    [{ from: 0, to: 1, moveMs: [3, 3] }],
  );
  const { processor, startMs } = listSchedule(graph, [3, 2, 1], earliestEnd);
  expect(processor).toEqual([1, 0, 0]);
  expect(startMs).toEqual([0, 4, 0]);
});

test('the task graph of a model: units between the caller, who gives inputs and takes outputs on device 0', () => {
  const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));
  for (let seed = 0; seed < 20; seed++) {
    const graph = randomGraph(Rng.of(seed, 'task-graph-of'), { units: 30, maxFanOut: 5 });
    const tasks = taskGraphOf(graph, executor.costs(graph));
    expect(tasks.taskMs).toHaveLength(graph.units.length + 2);
    for (const { id, onlyOn, inputs } of graph.units) {
      expect(tasks.taskMs[id + 1]!.map(Number.isFinite)).toEqual([0, 1].map((device) => onlyOn !== 1 - device));
      expect(tasks.inputs[id + 1]).toHaveLength(inputs.length);
    }
    for (const schedule of Object.values(schedulers)) expectSound(tasks, schedule(tasks));
  }
});
