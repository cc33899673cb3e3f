// The memory of a schedule on each device: planned, lower bound, and without any reuse.
import type { OperatorGraph } from '../../models/graph.js';
import { maxLiveBytes, naiveBytes, planArena } from '../../predictor/arenas/arena.js';
import type { Schedule } from '../schedule.js';
import { type Lifetime, lifetimes } from './liveness.js';

/** All in bytes; activations only, but for `weightBytes`. */
export interface DeviceMemory {
  /** Size of the planned arena. */
  readonly plannedPeakBytes: number;
  /** The most that is live at one time: a lower bound for every plan. */
  readonly lowerBoundBytes: number;
  /** One buffer for each tensor. */
  readonly naiveBytes: number;
  /** Constants of the units that run here; of a split unit, its share. */
  readonly weightBytes: number;
  readonly buffers: readonly (Lifetime & { readonly offset: number })[];
}

/** Plans one arena per device for units that run one at a time in the schedule's order. */
export function memoryPlan(graph: OperatorGraph, schedule: Schedule): readonly [DeviceMemory, DeviceMemory] {
  const live = lifetimes(graph, schedule);
  const onDevice = (device: 0 | 1): DeviceMemory => {
    const own = live.filter((lifetime) => lifetime.device === device);
    const { offsets, peakBytes } = planArena(own);
    const weights = graph.units.map(({ id, weightBytes }) => {
      const share = schedule.share[id]!;
      return Math.ceil(weightBytes * (device === 0 ? 1 - share : share));
    });
    return {
      plannedPeakBytes: peakBytes,
      lowerBoundBytes: maxLiveBytes(own),
      naiveBytes: naiveBytes(own),
      weightBytes: weights.reduce((sum, bytes) => sum + bytes, 0),
      buffers: own.map((lifetime, index) => ({ ...lifetime, offset: offsets[index]! })),
    };
  };
  return [onDevice(0), onDevice(1)];
}
