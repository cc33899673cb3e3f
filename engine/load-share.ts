// The part of the work that a schedule gives to device 1, counted in three ways, because papers do not say which they use.
import type { OperatorGraph } from '../models/graph.js';
import type { Trace } from './trace.js';

/** Fractions in [0, 1]. */
export interface LoadShare {
  readonly units: number;
  readonly flops: number;
  /** By compute time. */
  readonly time: number;
}

export function gpuLoadShare(graph: OperatorGraph, trace: Trace): LoadShare {
  let units = 0;
  let flops = 0;
  let totalFlops = 0;
  for (const unit of graph.units) {
    const share = trace.schedule.share[unit.id]!;
    units += share;
    flops += share * unit.flops;
    totalFlops += unit.flops;
  }
  const busyMs = [0, 0];
  for (const event of trace.events) {
    if (event.kind === 'compute') busyMs[trace.lanes[event.lane]!.device]! += event.endMs - event.startMs;
  }
  const fraction = (part: number, whole: number) => (whole > 0 ? part / whole : 0);
  return {
    units: fraction(units, graph.units.length),
    flops: fraction(flops, totalFlops),
    time: fraction(busyMs[1]!, busyMs[0]! + busyMs[1]!),
  };
}
