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
    const after = graph.outputs[task]!.map((edge) => meanMoveMs(edge) + ranks[edge.to]!);
    ranks[task] = meanTaskMs(graph, task) + Math.max(0, ...after);
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
  const busy: Slot[][] = Array.from({ length: graph.processors }, () => []);
  const missing = graph.inputs.map((edges) => edges.length);
  const ready = missing.flatMap((edges, task) => (edges === 0 ? [task] : []));
  const placed: number[] = [];
  while (ready.length > 0) {
    const first = ready.reduce((a, b) => {
      const difference = priorities[b]! - priorities[a]!;
      return difference > 0 || (difference === 0 && b < a) ? b : a;
    });
    ready.splice(ready.indexOf(first), 1);
    const starts = busy.map((slots, to) => {
      const arrivals = graph.inputs[first]!.map(
        ({ from, moveMs }) => endMs[from]! + (processor[from] === to ? 0 : moveMs[to]!),
      );
      return earliestStart(slots, Math.max(0, ...arrivals), graph.taskMs[first]![to]!);
    });
    const ends = starts.map((start, to) => start + graph.taskMs[first]![to]!);
    const to = choose(first, ends);
    processor[first] = to;
    startMs[first] = starts[to]!;
    endMs[first] = ends[to]!;
    insert(busy[to]!, { startMs: starts[to]!, endMs: ends[to]! });
    placed.push(first);
    for (const edge of graph.outputs[first]!) if (--missing[edge.to]! === 0) ready.push(edge.to);
  }
  // The sort is stable, and tasks were placed behind those that they read from.
  const order = placed.toSorted((a, b) => startMs[a]! - startMs[b]!);
  return { processor, startMs, endMs, order, makespanMs: Math.max(0, ...endMs) };
}

interface Slot {
  readonly startMs: number;
  readonly endMs: number;
}

/** Keeps slots by start, then by end; most go to the end. */
function insert(slots: Slot[], slot: Slot): void {
  let at = slots.length;
  while (at > 0 && (slots[at - 1]!.startMs - slot.startMs || slots[at - 1]!.endMs - slot.endMs) > 0) at--;
  slots.splice(at, 0, slot);
}

/** Slots do not overlap, so that their ends ascend too: those that end before the task is ready are passed over. */
function earliestStart(slots: readonly Slot[], readyMs: number, lengthMs: number): number {
  let next = slots.length;
  while (next > 0 && slots[next - 1]!.endMs > readyMs) next--;
  let startMs = readyMs;
  for (; next < slots.length; next++) {
    if (startMs + lengthMs <= slots[next]!.startMs) return startMs;
    startMs = Math.max(startMs, slots[next]!.endMs);
  }
  return startMs;
}

/** The processor on which the task ends first; of equal ones the first. */
export const earliestEnd = (_: number, endsMs: readonly number[]): number => endsMs.indexOf(Math.min(...endsMs));
