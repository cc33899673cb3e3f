// Schedulers of task graphs as planners: units are tasks, the two devices processors, tensors edges.
import { Schedule } from '../../../engine/schedule.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { type CostTable, wholeUnitMs } from '../../../predictor/cost-table.js';
import type { Planner } from '../planner.js';
import { makeTaskGraph, type TaskEdge, type TaskGraph, type TaskSchedule } from './task-graph.js';

/** A scheduler of task graphs as a planner of whole units. It does not see that moves and launches keep devices busy. */
export function asPlanner(schedule: (graph: TaskGraph) => TaskSchedule): Planner {
  return ({ graph, costs, conditions }) => {
    const { processor, order } = schedule(taskGraphOf(graph, costs));
    const share = graph.units.map(({ id }) => processor[id + 1]!);
    const units = order.map((task) => task - 1).filter((unit) => unit >= 0 && unit < graph.units.length);
    return Schedule.of(graph, share, conditions.execution === 'overlap' ? { order: units } : {});
  };
}

/**
 * Unit i is task i + 1. Task 0 gives the model's inputs and the last task takes its outputs: both stand for the caller on
 * device 0 and take no time.
 */
export function taskGraphOf({ units, tensors }: OperatorGraph, costs: CostTable): TaskGraph {
  const caller = [0, Number.POSITIVE_INFINITY];
  const last = units.length + 1;
  const taskMs = [caller, ...units.map(({ id }) => [0, 1].map((device) => wholeUnitMs(costs, id, device))), caller];
  for (const { id, onlyOn } of units) if (onlyOn !== null) taskMs[id + 1]![1 - onlyOn] = Number.POSITIVE_INFINITY;
  const edges = tensors.flatMap(({ producer, consumers, graphOutput }, tensor): TaskEdge[] => {
    const from = producer === null ? 0 : producer + 1;
    const moveMs = [0, 1].map((device) => costs.transferMs(tensor, device));
    return [...consumers.map((unit) => unit + 1), ...(graphOutput ? [last] : [])].map((to) => ({ from, to, moveMs }));
  });
  return makeTaskGraph(taskMs, edges);
}
