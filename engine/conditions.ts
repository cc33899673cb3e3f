// Under which conditions a schedule is executed; part of every trace and of every replayable row.

/** A process of co-running load; the serial regime has none. */
export type LoadProcess = never;

export interface Conditions {
  readonly seed: number;
  /**
   * serial: one unit at a time, synchronous launches, no contention: the makespan is the sum of unit times plus one
   * transfer per (tensor, destination).
   */
  readonly regime: 'serial' | 'overlap';
  /** Power mode of the board, as the profile names it. */
  readonly mode: string;
  readonly load: LoadProcess | null;
  /** For what computes at the same time, activations only; lanes wait to keep to it. Null: no limit. */
  readonly memoryBudgetBytes: number | null;
}
