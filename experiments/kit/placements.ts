// Which schedules a kit measures: placements in one session, from few switches between the devices to many.
import type { Stream } from '../../base/random/stream.js';
import type { OperatorGraph } from '../../models/graph.js';

/**
 * Placements, each a device per unit in topological order: all units on each device first, then as many random ones as make
 * `count`. Their number of switches is log-uniform from 1 to one between every two units, where the switches are is uniform,
 * and so is the device that begins.
 */
export function drawPlacements(graph: OperatorGraph, count: number, random: Stream): string[] {
  const units = graph.units.length;
  const drawn = [0, 1].map((device) => Array<number>(units).fill(device));
  while (drawn.length < count) {
    const switches = units < 2 ? 0 : Math.min(units - 1, Math.floor(units ** random.uniform()));
    const places = Array.from({ length: Math.max(0, units - 1) }, (_, i) => i + 1);
    const at = new Set(Array.from({ length: switches }, () => places.splice(random.integer(places.length), 1)[0]!));
    let device = random.integer(2);
    drawn.push(graph.units.map(({ id }) => (at.has(id) ? (device = 1 - device) : device)));
  }
  return drawn.map((placement) => placement.map((device, unit) => graph.units[unit]!.onlyOn ?? device).join(''));
}
