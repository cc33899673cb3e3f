// Static scheduling of a task graph on unlike processors, the problem of HEFT, CPOP and PEFT: tasks with a time on each
// processor, and edges whose move takes time only between different processors.

import { mean } from '../../../base/statistics/faster-half.js';

export interface TaskEdge {
  readonly from: number;
  readonly to: number;
  /** Time of the move, by the processor that it goes to; nothing within one processor. */
  readonly moveMs: readonly number[];
}

/** Tasks are in topological order: edges go from lower to higher numbers. */
export interface TaskGraph {
  readonly processors: number;
  /** By task and processor; Infinity if the processor cannot run the task. At least one of a task's times is finite. */
  readonly taskMs: readonly (readonly number[])[];
  /** Edges into each task. */
  readonly inputs: readonly (readonly TaskEdge[])[];
  /** Edges out of each task. */
  readonly outputs: readonly (readonly TaskEdge[])[];
}

export interface TaskSchedule {
  readonly processor: readonly number[];
  readonly startMs: readonly number[];
  readonly endMs: readonly number[];
  /** Tasks by start time. Inputs of a task come before it, even where start times are equal. */
  readonly order: readonly number[];
  readonly makespanMs: number;
}

export function makeTaskGraph(taskMs: readonly (readonly number[])[], edges: readonly TaskEdge[]): TaskGraph {
  const inputs: TaskEdge[][] = taskMs.map(() => []);
  const outputs: TaskEdge[][] = taskMs.map(() => []);
  for (const edge of edges) {
    inputs[edge.to]!.push(edge);
    outputs[edge.from]!.push(edge);
  }
  return { processors: taskMs[0]?.length ?? 0, taskMs, inputs, outputs };
}

/** Mean time of a task over the processors that can run it. */
export const meanTaskMs = ({ taskMs }: TaskGraph, task: number): number => mean(taskMs[task]!.filter(Number.isFinite));

/** Mean time of a move over the processors that it may go to. */
export const meanMoveMs = ({ moveMs }: TaskEdge): number => mean(moveMs);

/** Upward rank: the longest path from the task to an end, itself included, in mean times (Topcuoglu et al. 2002, eq. 8). */
export function upwardRanks(graph: TaskGraph): number[] {
  const ranks = graph.taskMs.map(() => 0);
  for (let task = ranks.length - 1; task >= 0; task--) {
    let after = 0;
    for (const edge of graph.outputs[task]!) after = Math.max(after, meanMoveMs(edge) + ranks[edge.to]!);
    ranks[task] = meanTaskMs(graph, task) + after;
  }
  return ranks;
}

/** Downward rank: the longest path from a start to the task, itself not included, in mean times (eq. 9). */
export function downwardRanks(graph: TaskGraph): number[] {
  const ranks = graph.taskMs.map(() => 0);
  for (const task of ranks.keys()) {
    const before = graph.inputs[task]!.map(
      (edge) => ranks[edge.from]! + meanTaskMs(graph, edge.from) + meanMoveMs(edge),
    );
    ranks[task] = Math.max(0, ...before);
  }
  return ranks;
}

/**
 * Takes the ready task of highest priority (of equal ones the first), asks `choose` for its processor, and puts it into the
 * earliest idle slot there that is long enough once its inputs have arrived.
 * @param choose is given the earliest end of the task on each processor, Infinity if it cannot run there
 */
export function listSchedule(
  graph: TaskGraph,
  priorities: readonly number[],
  choose: (task: number, endsMs: readonly number[]) => number,
): TaskSchedule {
  const count = graph.taskMs.length;
  const processor = new Array<number>(count).fill(0);
  const startMs = new Array<number>(count).fill(0);
  const endMs = new Array<number>(count).fill(0);
  const busy = Array.from({ length: graph.processors }, () => new BusyPeriods());
  const missing = graph.inputs.map((edges) => edges.length);
  /** The next one is the last. */
  const ready: number[] = [];
  const enqueue = (task: number) => ready.splice(placeOf(ready, task, priorities), 0, task);
  for (const [task, edges] of missing.entries()) if (edges === 0) enqueue(task);
  const placed: number[] = [];
  for (let first = ready.pop(); first !== undefined; first = ready.pop()) {
    const task = first;
    const starts = busy.map((periods, to) => {
      let readyMs = 0;
      for (const { from, moveMs } of graph.inputs[task]!)
        readyMs = Math.max(readyMs, endMs[from]! + (processor[from] === to ? 0 : moveMs[to]!));
      return periods.earliestStart(readyMs, graph.taskMs[task]![to]!);
    });
    const ends = starts.map((start, to) => start + graph.taskMs[task]![to]!);
    const to = choose(task, ends);
    processor[task] = to;
    startMs[task] = starts[to]!;
    endMs[task] = ends[to]!;
    busy[to]!.add(starts[to]!, ends[to]!);
    placed.push(task);
    for (const edge of graph.outputs[task]!) if (--missing[edge.to]! === 0) enqueue(edge.to);
  }
  // The sort is stable, and tasks were placed behind those that they read from.
  const order = placed.toSorted((a, b) => startMs[a]! - startMs[b]!);
  return { processor, startMs, endMs, order, makespanMs: Math.max(0, ...endMs) };
}

/** Where a task belongs among others of ascending priority, of equal ones the first last; by bisection. */
function placeOf(ready: readonly number[], task: number, priorities: readonly number[]): number {
  let [low, high] = [0, ready.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = ready[middle]!;
    const later = priorities[other]! - priorities[task]! || task - other;
    if (later > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** When a processor is busy: periods that do not touch, ascending. */
class BusyPeriods {
  readonly #startMs: number[] = [];
  readonly #endMs: number[] = [];

  /** The start of the first idle time, at `readyMs` or later, that is long enough. */
  earliestStart(readyMs: number, lengthMs: number): number {
    let startMs = readyMs;
    for (let next = this.#firstAfter(readyMs); next < this.#startMs.length; next++) {
      if (startMs + lengthMs <= this.#startMs[next]!) break;
      startMs = Math.max(startMs, this.#endMs[next]!);
    }
    return startMs;
  }

  /** Adds a period of idle time. */
  add(startMs: number, endMs: number): void {
    const next = this.#firstAfter(startMs);
    const [joinsBefore, joinsNext] = [this.#endMs[next - 1] === startMs, this.#startMs[next] === endMs];
    if (joinsBefore && joinsNext) {
      this.#endMs[next - 1] = this.#endMs[next]!;
      this.#startMs.splice(next, 1);
      this.#endMs.splice(next, 1);
    } else if (joinsBefore) this.#endMs[next - 1] = endMs;
    else if (joinsNext) this.#startMs[next] = startMs;
    else {
      this.#startMs.splice(next, 0, startMs);
      this.#endMs.splice(next, 0, endMs);
    }
  }

  /** The first period that ends after `ms`; by bisection. */
  #firstAfter(ms: number): number {
    let [low, high] = [0, this.#endMs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#endMs[middle]! > ms) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** The processor on which the task ends first; of equal ones the first. */
export const earliestEnd = (_: number, endsMs: readonly number[]): number => endsMs.indexOf(Math.min(...endsMs));
