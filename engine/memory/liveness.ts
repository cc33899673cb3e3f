// When does a device have to keep a tensor? Time is counted in steps of the schedule's order, one unit a step, as in the
// serial regime: inputs and outputs of a step are live together, and a missing input is copied in the step that reads it.
import type { OperatorGraph } from '../../models/graph.js';
import type { Schedule } from '../schedule.js';
import type { Trace } from '../trace.js';

/** A tensor (or the part a split unit wrote) on one device, from step `from` to step `to`, both included. */
export interface Lifetime {
  readonly tensor: number;
  readonly device: 0 | 1;
  /** As large as the buffer ever gets: the whole tensor if its missing part arrives later. */
  readonly bytes: number;
  readonly from: number;
  /** The number of units, one past the last step, for graph outputs. */
  readonly to: number;
}

/**
 * Lifetimes of activations; weights are constants and not counted. On the device that wrote it a tensor lives to its last
 * use there, being copied away included; a copy lives from its arrival to its last use; graph inputs are on device 0 from
 * the first step, graph outputs return to device 0 in the step that computes them and stay.
 */
export function lifetimes(graph: OperatorGraph, schedule: Schedule): Lifetime[] {
  const { order, share } = schedule;
  const stepOf = new Uint32Array(order.length);
  order.forEach((unit, step) => {
    stepOf[unit] = step;
  });
  const runsOn = (unit: number, device: 0 | 1) => (device === 0 ? share[unit]! < 1 : share[unit]! > 0);

  return graph.tensors.flatMap(({ id, producer, consumers, bytes, graphOutput }) => {
    const born = producer === null ? 0 : stepOf[producer]!;
    const shareOn1 = producer === null ? 0 : share[producer]!;
    const written = [1 - shareOn1, shareOn1] as const;
    const uses = ([0, 1] as const).map((device) => {
      const steps = consumers.filter((unit) => runsOn(unit, device)).map((unit) => stepOf[unit]!);
      return device === 0 && graphOutput ? [born, order.length, ...steps] : steps;
    });
    /** The step in which the part that `device` lacks is copied to it; -1 where it never is. */
    const arrival = (device: 0 | 1) =>
      written[device] < 1 && uses[device]!.length > 0 ? Math.min(...uses[device]!) : -1;

    return ([0, 1] as const)
      .filter((device) => written[device] > 0 || arrival(device) >= 0)
      .map((device): Lifetime => {
        const other = device === 0 ? 1 : 0;
        const from = written[device] > 0 ? born : arrival(device);
        const fraction = uses[device]!.length > 0 ? 1 : written[device];
        const to = Math.max(from, arrival(other), ...uses[device]!);
        return { tensor: id, device, bytes: Math.ceil(bytes * fraction), from, to };
      });
  });
}

/**
 * Bytes resident per device over time: a point wherever they change, valid until the device's next point.
 * @param stepEndMs when each step ended; a step starts when the one before it ends.
 */
export function memoryOverTime(live: readonly Lifetime[], stepEndMs: readonly number[]): Trace['memory'] {
  const steps = stepEndMs.length;
  const change = [new Float64Array(steps + 2), new Float64Array(steps + 2)];
  for (const { device, bytes, from, to } of live) {
    change[device]![from]! += bytes;
    change[device]![to + 1]! -= bytes;
  }
  const points: { atMs: number; device: 0 | 1; bytes: number }[] = [];
  const resident = [0, 0];
  // Point `steps` is the end: what lives on is the graph's outputs.
  for (let step = 0; step <= steps; step++) {
    for (const device of [0, 1] as const) {
      const delta = change[device]![step]!;
      if (delta === 0) continue;
      resident[device]! += delta;
      points.push({ atMs: step === 0 ? 0 : stepEndMs[step - 1]!, device, bytes: resident[device]! });
    }
  }
  return points;
}
