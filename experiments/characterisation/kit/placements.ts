// Which schedules a kit measures: placements in one session, from few switches between the devices to many.
import type { Rng } from '../../../base/random/rng.js';
import { cutSchedule } from '../../../engine/cut-schedule.js';
import { Schedule } from '../../../engine/schedule.js';
import type { OperatorGraph } from '../../../models/graph.js';

/**
 * Placements, each a device per unit in topological order: all units on each device first, then random ones that switch, as
 * many as make `count`.
 */
export function drawPlacements(graph: OperatorGraph, count: number, random: Rng): string[] {
  const single = ([0, 1] as const).map((device) => placementOf(Schedule.onDevice(graph, device)));
  const canSwitch = graph.units.filter(({ onlyOn }) => onlyOn === null).length > 1;
  const drawn = [...single];
  while (drawn.length < count) {
    const placement = placementOf(cutSchedule(graph, random, 0));
    if (!canSwitch || !single.includes(placement)) drawn.push(placement);
  }
  return drawn;
}

const placementOf = ({ share }: Schedule): string => share.join('');
