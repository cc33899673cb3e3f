// What a schedule costs, for planners that try schedules. In serial execution the cost table says it exactly, so that searches
// can be given measured or predicted costs; with both devices at once the executor has to play the schedule.
import { InputError } from '../../../base/errors/input-error.js';
import { Schedule } from '../../../engine/schedule.js';
import { SerialKernel } from '../../../engine/simulator/serial-kernel.js';
import { energyOf } from '../../../env/rewards/rewards.js';
import { costOf } from '../objective.js';
import type { PlanningProblem } from '../planner.js';

/**
 * The function that executes a schedule as the problem says, and gives its latency in ms, or with a goal its cost; Infinity where the execution fails.
 * @throws InputError when the execution overlaps and the problem has no executor, or one on devices
 */
export function evaluationOf({
  graph,
  costs,
  conditions,
  executor,
  goal,
}: PlanningProblem): (schedule: Schedule) => number {
  // Prices are exact for whole units and sums; the executor for all, products of energy and latency too.
  if (conditions.execution === 'serial' && !(goal && executor)) {
    const kernel = new SerialKernel(graph, costs);
    const state = new Float64Array(kernel.rowLength);
    return ({ order, share }) => {
      kernel.reset(state);
      let clockMs = 0;
      for (const unit of order) clockMs = kernel.decide(state, unit, share[unit]!);
      return clockMs;
    };
  }
  if (!executor)
    throw new InputError(
      'planner: it tries schedules in overlap execution, and the problem has no executor.',
      'Give the executor of the scenario.',
    );
  if (executor.kind === 'measured')
    throw new InputError(
      'planner: it tries schedules in overlap execution, each of which devices would have to execute.',
      'Choose a planner that does not search, or simulate.',
    );
  return (schedule) => {
    const result = executor.run(graph, schedule, conditions);
    if ('error' in result) return Number.POSITIVE_INFINITY;
    return goal ? costOf(goal, result.makespanMs, energyOf(result)!) : result.makespanMs;
  };
}

/** The schedule as it is played where units are placed whole, or run in the graph's order; all units of a device on its first lane. */
export function asPlayed({ graph, whole = false, graphOrder = false }: PlanningProblem, schedule: Schedule): Schedule {
  if (!whole && !graphOrder) return schedule;
  const { share, order } = schedule;
  return Schedule.of(graph, whole ? share.map((each) => Number(each >= 0.5)) : share, graphOrder ? {} : { order });
}
