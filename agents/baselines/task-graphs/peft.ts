// PEFT: Arabnejad, Barbosa, "List Scheduling Algorithm for Heterogeneous Systems by an Optimistic Cost Table", IEEE TPDS
// 25(3), 2014.
import { mean } from '../../../base/statistics/faster-half.js';
import { earliestEnd, listSchedule, meanMoveMs, type TaskGraph, type TaskSchedule } from './task-graph.js';

/**
 * The optimistic cost table, by task and processor: the least time from the end of the task there to the end of the last
 * task, if processors were always free (equation 6 of the paper).
 */
export function optimisticCosts({ processors, taskMs, outputs }: TaskGraph): readonly (readonly number[])[] {
  const table = taskMs.map(() => new Array<number>(processors).fill(0));
  for (let task = taskMs.length - 1; task >= 0; task--) {
    for (let on = 0; on < processors; on++) {
      for (const edge of outputs[task]!) {
        const moveMs = meanMoveMs(edge);
        const leastMs = Math.min(
          ...table[edge.to]!.map((afterMs, to) => afterMs + taskMs[edge.to]![to]! + (to === on ? 0 : moveMs)),
        );
        table[task]![on] = Math.max(table[task]![on]!, leastMs);
      }
    }
  }
  return table;
}

/** PEFT: ready tasks by their mean optimistic cost, each where its end plus its optimistic cost is least (figure 3). */
export function peft(graph: TaskGraph): TaskSchedule {
  const optimistic = optimisticCosts(graph);
  const priorities = optimistic.map(mean);
  return listSchedule(graph, priorities, (task, endsMs) =>
    earliestEnd(
      task,
      endsMs.map((end, on) => end + optimistic[task]![on]!),
    ),
  );
}
