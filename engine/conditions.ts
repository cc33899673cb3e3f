// The conditions of an execution; part of every trace and of every replayable row.
import type { LoadProcess } from './load-process.js';

/**
 * The mechanisms of the simulator's overlap execution; docs/simulator.md has the equations.
 * - `asynchronous-launches`: without, the launching thread waits for every kernel before it launches the next.
 * - `launching-core`: without, the launching thread takes no core from the CPU's kernels.
 * - `core-sharing`: without, each lane of the CPU computes as if it were alone.
 * - `contention`: without, the memory's bandwidth is not shared.
 * - `interference`: without, no device is slower because the other one computes.
 * - `copies`: without, moves take no time. `synchronisation`: without, neither does waiting for device 1.
 */
export const mechanisms = [
  'asynchronous-launches',
  'launching-core',
  'core-sharing',
  'contention',
  'interference',
  'copies',
  'synchronisation',
] as const;
export type Mechanism = (typeof mechanisms)[number];

export interface Conditions {
  readonly seed: number;
  /**
   * serial: one unit at a time, synchronous launches, no contention: the makespan is the sum of unit times plus one
   * transfer per (tensor, destination).
   * overlap: lanes in parallel, an asynchronous queue in front of device 1, cores and memory bandwidth shared.
   */
  readonly execution: 'serial' | 'overlap';
  /** Power mode of the board, as the profile names it. */
  readonly mode: string;
  /**
   * Co-running load of the simulator, in serial execution of one level; on real devices the load is the machine's. Null: the
   * board is otherwise idle.
   */
  readonly load: LoadProcess | null;
  /** Memory limit for units that compute at the same time, activations only; lanes wait to stay within it. Null: no limit. */
  readonly memoryBudgetBytes: number | null;
  /** Mechanisms of the simulator's overlap execution that are switched off; none unless given. */
  readonly without?: readonly Mechanism[];
}

/** One unit at a time, nothing beside it: the simulator fails under none of these. */
export interface SerialConditions extends Conditions {
  readonly execution: 'serial';
}
