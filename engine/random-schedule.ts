// For tests and benchmarks: schedules that use everything a schedule can say.
import type { Stream } from '../base/random/stream.js';
import type { OperatorGraph } from '../models/graph.js';
import { Schedule } from './schedule.js';

/** A random topological order, whole units on any lane, and fractions where a unit can split. */
export function randomSchedule(
  graph: OperatorGraph,
  random: Stream,
  { splits = 0.2, cpuLanes = 1 }: { readonly splits?: number; readonly cpuLanes?: number } = {},
): Schedule {
  const waiting = graph.units.map(
    ({ inputs }) => new Set(inputs.flatMap((tensor) => graph.tensors[tensor]!.producer ?? [])),
  );
  const ready = graph.units.filter(({ id }) => waiting[id]!.size === 0).map(({ id }) => id);
  const order: number[] = [];
  while (ready.length > 0) {
    const [unit] = ready.splice(random.integer(ready.length), 1);
    order.push(unit!);
    for (const { id } of graph.units) if (waiting[id]!.delete(unit!) && waiting[id]!.size === 0) ready.push(id);
  }
  // Places hold for a while, so that segments of several units occur.
  let place = random.integer(cpuLanes + 1);
  const share = new Float32Array(graph.units.length);
  const lane = new Uint8Array(graph.units.length);
  for (const id of order) {
    const { splitAxis, onlyOn } = graph.units[id]!;
    if (random.uniform() < 0.3) place = (place + 1 + random.integer(cpuLanes)) % (cpuLanes + 1);
    const device = onlyOn ?? Number(place === cpuLanes);
    share[id] = splitAxis !== null && random.uniform() < splits ? 0.02 + 0.96 * random.uniform() : device;
    if (share[id]! < 1) lane[id] = place % cpuLanes;
  }
  return Schedule.of(graph, share, { order, lane });
}
