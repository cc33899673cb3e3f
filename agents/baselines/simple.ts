// The baselines that look at one unit at a time, or at none.

import { Schedule } from '../../engine/schedule.js';
import { SerialKernel } from '../../engine/simulator/serial-kernel.js';
import type { Planner } from './planner.js';

/** All on device 0, wherever it is supported. */
export const cpuOnly: Planner = ({ graph }) => Schedule.onDevice(graph, 0);

/** All on device 1, wherever it is supported. */
export const gpuOnly: Planner = ({ graph }) => Schedule.onDevice(graph, 1);

/** A fair coin for each unit. */
export const random: Planner = ({ graph, random: rng }) =>
  Schedule.of(
    graph,
    graph.units.map((unit) => unit.onlyOn ?? rng.integer(2)),
  );

/**
 * Earliest finish time, given where the inputs lie: the move of missing inputs plus the unit itself. It does not see
 * that an output may have to come back.
 */
export const greedy: Planner = ({ graph, costs }) => {
  const kernel = new SerialKernel(graph, costs);
  const state = new Float64Array(kernel.rowLength);
  kernel.reset(state);
  const share = graph.units.map(({ id, onlyOn }) => {
    const finishMs = (device: 0 | 1) => kernel.inputsMoveMs(state, id, device) + kernel.unitMs(id, device);
    const device = onlyOn ?? Number(finishMs(1) < finishMs(0));
    kernel.decide(state, id, device);
    return device;
  });
  return Schedule.of(graph, share);
};
