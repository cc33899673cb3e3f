// The measurement of a model on a pair of devices: times of its units, alone and in segments, and of moves. `device profile`
// writes it, and the simulator of a measured model reads it.

/** A time is this quantile of the measured ones: what interrupts a measurement only ever makes it longer. */
export const undisturbed = 0.25;

/** Moving b bytes to a device takes fixedMs + b * msPerByte. */
export interface FittedMove {
  readonly fixedMs: number;
  readonly msPerByte: number;
}

/** Median and quartiles of measured times, in ms. */
export interface Spread {
  readonly medianMs: number;
  readonly lowMs: number;
  readonly highMs: number;
  readonly samples: number;
}

export interface UnitTime {
  readonly unit: number;
  readonly device: 0 | 1;
  /** The unit as a session of its own, inputs on the device: launch, kernel, synchronisation. Null where it does not run. */
  readonly lane: Spread | null;
}

/**
 * A kernel within one session of the whole model on a device, from a single profiled execution, scaled to the latency
 * without profiling. ONNX Runtime fuses further there than units do, and kernels share layouts.
 */
export interface KernelTime {
  readonly device: 0 | 1;
  /** The units that it runs, whole or in part; one unit can have several kernels. */
  readonly units: readonly number[];
  readonly ms: number;
}

export interface MoveTime extends Spread {
  readonly tensor: number;
  readonly to: 0 | 1;
  readonly bytes: number;
}

export interface UnitMeasurement {
  readonly units: readonly UnitTime[];
  readonly kernels: readonly KernelTime[];
  /**
   * Changes of layout between kernels, each with the units of the kernel that reads the new layout, or wrote the old one;
   * absent if the measuring tool does not report them.
   */
  readonly reorders?: readonly KernelTime[] | undefined;
  readonly moves: readonly MoveTime[];
  /** A line through the moves to each device: a fixed cost and a cost per byte. */
  readonly fittedMoves: readonly [FittedMove, FittedMove];
  /** The whole model in one session on each device, undisturbed, in ms; null where the device does not run all of it. */
  readonly wholeMs: readonly [number | null, number | null];
  /**
   * Segments of random schedules, both devices at work: what fusion, layouts and sharing the machine do to units. None where
   * what measured has no lanes.
   */
  readonly segments: readonly SegmentTime[];
  /** Null where there are no segments. */
  readonly handover: Handover | null;
}

/** Units in one session on a lane, within the faster half of the executions of a schedule. */
export interface SegmentTime extends Spread {
  readonly device: 0 | 1;
  readonly units: readonly number[];
  /** Their channels that it computes, as fractions of all; null: all. */
  readonly part: readonly [from: number, to: number] | null;
  readonly meanMs: number;
  /** For so long the other device computed too, ms; mean. */
  readonly besideMs: number;
}

/** The costs of handing a tensor from lane to lane, beyond waiting for it; per device that does the work. */
export interface Handover {
  /** Copying out of a lane, into memory that both see. */
  readonly out: readonly [FittedMove, FittedMove];
  /** Copying from there into a lane. */
  readonly in: readonly [FittedMove, FittedMove];
  /** From the arrival of a tensor until a polling lane notices it, ms. */
  readonly noticeMs: number;
  /** The same of a lane that has waited so long that it sleeps. */
  readonly wakeMs: number;
}
