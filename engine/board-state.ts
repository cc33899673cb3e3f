// The state of the board as its sensors report it while a model runs: the load of others, clocks, power mode, temperatures, memory in
// use. `board-sensor.ts` has a sensor for each executor.
import type { Conditions } from './conditions.js';

/**
 * What a sensor reports, in this order; 0 where it is not known.
 * - `load`: the fraction of the device, and of the memory's bandwidth, that others take.
 * - `clock`: the clock, as a fraction of what the power mode allows.
 * - `mode`: what the power mode allows, as a fraction of the most that the device can: clocks, in simulation arithmetic.
 * - `celsius`: hundreds of degrees Celsius.
 * - `memoryUsed`: the fraction of the memory in use.
 */
export const boardQuantities = [
  'load0',
  'load1',
  'loadMemory',
  'clock0',
  'clock1',
  'mode0',
  'mode1',
  'celsius0',
  'celsius1',
  'memoryUsed',
] as const;
export type BoardQuantity = (typeof boardQuantities)[number];

export interface BoardSensor {
  /** The latest reading, one value for each of `boardQuantities`; valid until the next one. */
  readonly values: Float64Array;
  /** Of the latest execution; null before the first. */
  readonly conditions: Conditions | null;
  /** Begins an execution under these conditions, and reads. */
  begin(conditions: Conditions): void;
  /** Reads at this time since the execution began; on real devices now. Allocates nothing where the load stays. */
  sense(clockMs: number): void;
}
