// Schedules that switch between the devices at random places of a model, from rarely to at every unit.
import type { Rng } from '../base/random/rng.js';
import type { OperatorGraph } from '../models/graph.js';
import { Schedule } from './schedule.js';

/**
 * Units in the graph's order. The number of switches is log-uniform in 1 to n - 1, less one; their places are uniform, and so
 * is the first device. Units that one device cannot run are on the other whatever was drawn.
 * @param splits probability that a unit which can split is shared evenly
 */
export function cutSchedule(graph: OperatorGraph, random: Rng, splits: number): Schedule {
  const places = Math.max(1, graph.units.length - 1);
  const switches = Math.round(places ** random.uniform()) - 1;
  const gaps = random.shuffle(Array.from({ length: places }, (_, i) => i + 1)).slice(0, switches);
  const switched = new Set(gaps);
  let device = random.integer(2);
  const share = graph.units.map(({ id, splitAxis, onlyOn }) => {
    if (switched.has(id)) device = 1 - device;
    return onlyOn ?? (splitAxis !== null && random.uniform() < splits ? 0.5 : device);
  });
  return Schedule.of(graph, share);
}

/** The same with the devices exchanged, where both run a unit. */
export function exchanged(graph: OperatorGraph, { share }: Schedule): Schedule {
  return Schedule.of(
    graph,
    graph.units.map(({ id, onlyOn }) => onlyOn ?? 1 - share[id]!),
  );
}
