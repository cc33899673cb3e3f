// Lifetimes of tensors on a device. Time is counted in steps of the schedule's order, one unit a step, as in serial
// execution: inputs and outputs of a step are live together, and a missing input is copied in the step that reads it.

import type { OperatorGraph } from '../../models/graph.js';
import { fractionRead } from '../../models/parts/channels.js';
import type { Schedule } from '../schedule.js';
import type { Trace } from '../trace.js';

/** A tensor (or the part a split unit wrote) on one device, from step `from` to step `to`, both included. */
export interface Lifetime {
  readonly tensor: number;
  readonly device: 0 | 1;
  /** The largest size of the buffer: the part written here, and what arrives of the other. */
  readonly bytes: number;
  readonly from: number;
  /** The number of units, one past the last step, for graph outputs. */
  readonly to: number;
}

/**
 * Lifetimes of activations; weights are constants and not counted. On the device that computed it, a tensor lives until its
 * last use there, copies to the other device included. A copy lives from its arrival to its last use. Graph inputs are on
 * device 0 from the first step; graph outputs return to device 0 in the step that computes them and stay.
 */
export function lifetimes(graph: OperatorGraph, schedule: Schedule): Lifetime[] {
  const { order, share } = schedule;
  const stepOf = new Uint32Array(order.length);
  order.forEach((unit, step) => {
    stepOf[unit] = step;
  });
  const live: Lifetime[] = [];
  // Every trace needs this once, so it is loops on scalars: 0.02 ms for MobileNetV3-small; closures took 0.24 ms.
  const first = [0, 0];
  const last = [0, 0];
  const most = [0, 0];
  const complete = [0, 0];
  const need = (device: 0 | 1, step: number, fraction: number): void => {
    if (fraction === 0) return;
    first[device] = Math.min(first[device]!, step);
    last[device] = Math.max(last[device]!, step);
    if (fraction < most[device]! || (fraction === most[device] && step > complete[device]!)) return;
    most[device] = fraction;
    complete[device] = step;
  };
  for (const { id, producer, consumers, bytes, graphOutput } of graph.tensors) {
    const born = producer === null ? 0 : stepOf[producer]!;
    const shareOn1 = producer === null ? 0 : share[producer]!;
    // Per device: first and last step that needs the tensor, the most of it that one needs, and the first that does.
    first.fill(Number.POSITIVE_INFINITY);
    last.fill(-1);
    most.fill(0);
    complete.fill(-1);
    if (graphOutput) {
      need(0, born, 1);
      last[0] = order.length;
    }
    for (const unit of consumers) {
      const step = stepOf[unit]!;
      const part = share[unit]!;
      if (part < 1) need(0, step, fractionRead(graph, unit, id, 0, 1 - part));
      if (part > 0) need(1, step, fractionRead(graph, unit, id, 1, part));
    }
    for (const device of [0, 1] as const) {
      const written = device === 0 ? 1 - shareOn1 : shareOn1;
      if (written === 0 && last[device]! < 0) continue;
      const from = written > 0 ? born : first[device]!;
      // The other device has fetched what it lacks by the step that needs the most of it there.
      const other = 1 - device;
      const fetched = written > 0 && most[other]! > 1 - written ? complete[other]! : -1;
      const to = Math.max(from, last[device]!, fetched);
      live.push({ tensor: id, device, bytes: Math.ceil(bytes * Math.max(written, most[device]!)), from, to });
    }
  }
  return live;
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
