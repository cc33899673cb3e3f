// The best placement of a small model in overlap execution, by playing every one in the graph's order.
import type { Conditions } from '../../engine/conditions.js';
import type { Executor } from '../../engine/executor.js';
import { Schedule } from '../../engine/schedule.js';
import type { OperatorGraph } from '../../models/graph.js';

/** The most units that either device can run; each more doubles the time, which is half a second at 12. */
export const mostFreeUnits = 12;

export interface Exhausted {
  readonly schedule: Schedule;
  readonly makespanMs: number;
}

/** Units with a choice. */
const freeUnits = ({ units }: OperatorGraph) => units.filter(({ onlyOn }) => onlyOn === null);

export const canExhaust = (graph: OperatorGraph): boolean => freeUnits(graph).length <= mostFreeUnits;

/**
 * The placement of least makespan among all in which units come in the graph's order on one lane of each device; null if none
 * of them can be executed.
 */
export function exhaustPlacements(graph: OperatorGraph, executor: Executor, conditions: Conditions): Exhausted | null {
  const free = freeUnits(graph).map(({ id }) => id);
  const share = Float32Array.from(graph.units, ({ onlyOn }) => onlyOn ?? 0);
  let best: Exhausted | null = null;
  for (let placement = 0; placement < 2 ** free.length; placement++) {
    free.forEach((unit, bit) => {
      share[unit] = (placement >> bit) & 1;
    });
    const schedule = Schedule.of(graph, share);
    const result = executor.run(graph, schedule, conditions);
    if (!('error' in result) && (best === null || result.makespanMs < best.makespanMs))
      best = { schedule, makespanMs: result.makespanMs };
  }
  return best;
}
