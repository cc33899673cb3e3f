// An executor turns (graph, schedule, conditions) into a trace: the simulator or real hardware, behind one interface.
import type { OperatorGraph } from '../models/graph.js';
import type { Conditions } from './conditions.js';
import type { Schedule } from './schedule.js';
import type { Timeline, Trace } from './trace.js';

export interface DeviceInfo {
  readonly name: string;
  readonly kind: 'cpu' | 'gpu';
}

/** Why an execution did not finish: a value, not a throw, because environments carry it in `info`. */
export interface ExecutionError {
  readonly error: string;
  readonly unit: number | null;
  readonly device: 0 | 1 | null;
}

/** The state of the hardware between two decisions; a live view, read without allocating. */
export interface HardwareState {
  clockMs(): number;
  /** Time that a device has spent on units so far. */
  busyMs(device: number): number;
  /** Fraction of a tensor that a device holds. */
  held(tensor: number, device: number): number;
}

/** The state of an execution as plain data, which survives JSON text and back. */
export interface RunState {
  readonly conditions: Conditions;
  /** Units decided so far, in order, and the share and lane of each. */
  readonly order: readonly number[];
  readonly shares: readonly number[];
  readonly lanes: readonly number[];
  /** The row of the simulator's serial execution; empty in overlap execution, which replays the units. */
  readonly row: readonly number[];
}

/** One execution, unit by unit in the schedule's order. */
export interface Run {
  /** Places `unit` with `share` of it on device 1 and returns the objective so far (ms); NaN once the execution failed. */
  decide(unit: number, share: number, lane?: number): number;
  /**
   * `decide` that returns nothing, where executions cannot fail and the objective is the clock. A number with a fraction
   * that a call returns is allocated wherever the call is not inlined: 16 bytes a step, so a collection per million.
   */
  advance?(unit: number, share: number): void;
  readonly state: HardwareState;
  /** Ends the execution once every unit is decided; the graph outputs then lie on device 0. */
  finish(): Trace | ExecutionError;
  /** Restarts in the same memory. This and the next four methods exist only in simulation. */
  restart?(conditions: Conditions): void;
  /** Energy of the whole board so far, mJ; null without a model of power. Of serial executions. */
  energyMj?(): number | null;
  /** Of the units decided so far; fresh. */
  timeline?(): Timeline;
  snapshot?(): RunState;
  /** Goes on from a snapshot of an execution of the same graph. */
  restore?(state: RunState): void;
  /** `count` independent copies in the same state; if the state is a row, in one block of memory. */
  forks?(count: number): Run[];
}

/** Every decision of a schedule, then the end. */
export function decideAll(run: Run, { order, share, lane }: Schedule): Trace | ExecutionError {
  for (const unit of order) run.decide(unit, share[unit]!, lane[unit]!);
  return run.finish();
}

/** Synchronous: environments and planners are. */
export interface Executor {
  readonly kind: 'simulated' | 'measured';
  readonly devices: readonly DeviceInfo[];
  /** Row-major units x devices: 1 where the device can run the unit. */
  supported(graph: OperatorGraph): Uint8Array;
  begin(graph: OperatorGraph, conditions: Conditions): Run;
  /** The same trace as `begin`, a decision for each unit, `finish`. */
  run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError;
  close(): void;
}
