// HEFT and CPOP: Topcuoglu, Hariri, Wu, "Performance-Effective and Low-Complexity Task Scheduling for Heterogeneous
// Computing", IEEE TPDS 13(3), 2002.
import {
  downwardRanks,
  earliestEnd,
  listSchedule,
  type TaskGraph,
  type TaskSchedule,
  upwardRanks,
} from './task-graph.js';

/** HEFT: tasks by upward rank, each on the processor where it ends first, idle slots included (figure 2 of the paper). */
export const heft = (graph: TaskGraph): TaskSchedule => listSchedule(graph, upwardRanks(graph), earliestEnd);

/**
 * CPOP: ready tasks by upward plus downward rank. Those of one critical path all go to the processor that runs the path
 * fastest, the others where they end first (figure 3 of the paper). Tasks of the path that only some processors can run
 * are left out of the path's times; if the chosen processor cannot run one, it goes where it ends first.
 */
export function cpop(graph: TaskGraph): TaskSchedule {
  const downward = downwardRanks(graph);
  const priorities = upwardRanks(graph).map((rank, task) => rank + downward[task]!);
  const path = criticalPath(graph, priorities);
  const pathMs = Array.from({ length: graph.processors }, (_, processor) =>
    [...path]
      .filter((task) => graph.taskMs[task]!.every(Number.isFinite))
      .reduce((sum, task) => sum + graph.taskMs[task]![processor]!, 0),
  );
  const critical = pathMs.indexOf(Math.min(...pathMs));
  return listSchedule(graph, priorities, (task, endsMs) =>
    path.has(task) && Number.isFinite(endsMs[critical]!) ? critical : earliestEnd(task, endsMs),
  );
}

/** From the start of highest priority, always on to the successor of highest priority: on the path all are equal. */
function criticalPath({ inputs, outputs }: TaskGraph, priorities: readonly number[]): ReadonlySet<number> {
  const highest = (tasks: readonly number[]): number | undefined =>
    tasks.length === 0 ? undefined : tasks.reduce((a, b) => (priorities[b]! > priorities[a]! ? b : a));
  const path = new Set<number>();
  let task = highest([...inputs.keys()].filter((each) => inputs[each]!.length === 0));
  while (task !== undefined) {
    path.add(task);
    task = highest(outputs[task]!.map(({ to }) => to));
  }
  return path;
}
