// What benchmarks of real executors share.
import type { Conditions } from '../engine/conditions.js';
import type { Executor } from '../engine/executor.js';
import type { Schedule } from '../engine/schedule.js';
import type { Trace } from '../engine/trace.js';
import type { OperatorGraph } from '../models/graph.js';

export const conditions: Conditions = {
  seed: 0,
  execution: 'overlap',
  mode: 'host',
  load: null,
  memoryBudgetBytes: null,
};

/** The measured variants take turns, and the fastest turn of each counts, so that a busy moment of the machine hits none. */
export const turns = 40;
/** Where both cores have to be free at the same moment, that takes longer to happen. */
export const turnsOnTwoLanes = 400;

export function executed(
  executor: Executor,
  graph: OperatorGraph,
  schedule: Schedule,
  under: Conditions = conditions,
): Trace {
  const result = executor.run(graph, schedule, under);
  if ('error' in result) throw new Error(result.error);
  return result;
}
