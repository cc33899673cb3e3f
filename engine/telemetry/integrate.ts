// From samples to energy. A rail is sampled at known times; what was spent between two samples is the trapezoid under its
// power, or the difference of its counter. Pure: clocks and readers are handed in.

/** What one rail has come to. */
export interface RailEnergy {
  /** Null where the rail cannot be accounted for. */
  readonly energyMj: number | null;
  /** Samples that gave a value. */
  readonly samples: number;
  /** The longest time between two of them. */
  readonly longestGapMs: number;
}

/** Takes a rail's samples in order of time. A sample without a value is null. */
export interface Accumulator {
  add(atMs: number, value: number | null): void;
  readonly total: RailEnergy;
}

/**
 * The integral of power (mW) over time by the trapezoidal rule: exact where power is linear between samples. A missing
 * sample lengthens the interval between its neighbours; a rail whose first or last sample is missing has no total,
 * because part of the time would not be counted.
 */
export function powerIntegral(): Accumulator {
  // mW x ms = microjoules
  return accumulator((fromMw, toMw, ms) => ((fromMw + toMw) / 2) * (ms / 1000));
}

/**
 * What a counter (mJ) has advanced. Where it stands lower than before, it has started over once: a counter must be read
 * more often than it wraps. A counter wraps one step of its register after `rangeMj`; that step, at most 0.1 mJ, is lost.
 */
export function counterDifference(rangeMj: number): Accumulator {
  return accumulator((fromMj, toMj) => (toMj >= fromMj ? toMj - fromMj : toMj - fromMj + rangeMj));
}

function accumulator(spentMj: (from: number, to: number, ms: number) => number): Accumulator {
  let energyMj = 0;
  let samples = 0;
  let longestGapMs = 0;
  let lastMs = 0;
  let lastValue = 0;
  let complete = true;
  let missingNow = false;
  return {
    add(atMs, value) {
      missingNow = value === null;
      if (value === null) {
        if (samples === 0) complete = false;
        return;
      }
      if (samples > 0) {
        energyMj += spentMj(lastValue, value, atMs - lastMs);
        longestGapMs = Math.max(longestGapMs, atMs - lastMs);
      }
      samples += 1;
      lastMs = atMs;
      lastValue = value;
    },
    get total() {
      return { energyMj: complete && !missingNow && samples > 1 ? energyMj : null, samples, longestGapMs };
    },
  };
}

/** How a sampling loop sees the world. */
export interface SamplingWorld {
  clockMs(): number;
  /** One value per accumulator. */
  read(): readonly (number | null)[];
  /** Sleeps until `untilMs`, or until stopped; returns true if stopped. */
  sleep(untilMs: number): boolean;
  /** Called once the first sample is taken. */
  started(): void;
}

/** Samples every `periodMs` until stopped, and once more at the end, so that the whole time is covered. */
export function sampleUntilStopped(accumulators: readonly Accumulator[], periodMs: number, world: SamplingWorld): void {
  const sample = () => {
    const beforeMs = world.clockMs();
    const values = world.read();
    // A slow reader (nvidia-smi) shows a state between call and answer: the middle is the least wrong.
    const atMs = (beforeMs + world.clockMs()) / 2;
    for (const [i, accumulator] of accumulators.entries()) accumulator.add(atMs, values[i] ?? null);
  };
  let dueMs = world.clockMs();
  sample();
  world.started();
  for (;;) {
    // A late sample does not make the next ones hurry.
    dueMs = Math.max(dueMs + periodMs, world.clockMs());
    if (world.sleep(dueMs)) break;
    sample();
  }
  sample();
}
