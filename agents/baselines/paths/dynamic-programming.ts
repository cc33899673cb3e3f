// Dynamic programming over the units in graph order, as if they were a chain: the state is the device of the latest unit.
import type { Planner } from '../planner.js';
import { devicesOf, emptyPath, extended, shortestPaths, shortestSchedule } from './device-paths.js';

/**
 * T(i, d) = time of unit i on d + min over d' of T(i - 1, d') + moves. On a chain it is the optimum of serial execution. On a
 * graph with branches, each of the two paths keeps its own choices: moves are charged as they are, but a choice that pays
 * only at a later join is forgotten.
 */
export const dynamicProgramming: Planner = ({ graph, costs }) => {
  let paths = [emptyPath(graph)];
  for (const unit of graph.units)
    paths = shortestPaths(
      paths.flatMap((path) => devicesOf(unit).map((device) => extended(graph, costs, path, unit.id, device))),
      ({ last }) => last!.device,
    );
  return shortestSchedule(graph, paths);
};
