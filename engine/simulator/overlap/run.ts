// An execution in the regime `overlap`, unit by unit. A decision appends the unit to the schedule and plays the schedule so
// far from the start, as if no unit followed: what comes later may slow down what was decided before.
import { didYouMean, InputError } from '../../../base/errors/input-error.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { type Conditions, mechanisms } from '../../conditions.js';
import type { ExecutionError, HardwareState, Run, RunState } from '../../executor.js';
import { checkLoad } from '../../load-process.js';
import { checkShare, Schedule } from '../../schedule.js';
import type { Lane, Timeline, Trace, TraceEvent } from '../../trace.js';
import { play, type Stage, type Timing } from './player.js';
import { cpuLane, launchLane, type OverlapCosts, OverlapProgram, queueLane, type Task } from './program.js';
import { residency } from './residency.js';
import { progressRates, type SharedResources } from './sharing.js';

/** A board: what units cost alone, and what they share. */
export interface Board {
  readonly costs: OverlapCosts;
  readonly shared: SharedResources;
  readonly kinds: readonly ['cpu' | 'gpu', 'cpu' | 'gpu'];
  readonly profileHash: string;
}

export class OverlapRun implements Run {
  readonly #graph: OperatorGraph;
  readonly #board: Board;
  readonly #share: Float32Array;
  readonly #lane: Uint8Array;
  #conditions: Conditions;
  #stage: Stage;
  #program: OverlapProgram;
  #order: number[] = [];
  #tasks: readonly Task[] = [];
  #timing: Timing = { startMs: new Float64Array(), endMs: new Float64Array(), makespanMs: 0 };
  #failure: ExecutionError | null = null;

  /** @throws InputError when the load makes no sense, or a mechanism to switch off is unknown. */
  constructor(graph: OperatorGraph, board: Board, conditions: Conditions) {
    this.#graph = graph;
    this.#board = board;
    this.#conditions = conditions;
    this.#stage = stageOf(board, conditions);
    this.#program = new OverlapProgram(graph, board.costs, conditions.without);
    this.#share = new Float32Array(graph.units.length);
    this.#lane = new Uint8Array(graph.units.length);
  }

  /** @throws InputError as the constructor does */
  restart(conditions: Conditions): void {
    this.#stage = stageOf(this.#board, conditions);
    this.#conditions = conditions;
    this.#program = new OverlapProgram(this.#graph, this.#board.costs, conditions.without);
    this.#order = [];
    this.#tasks = [];
    this.#timing = { startMs: new Float64Array(), endMs: new Float64Array(), makespanMs: 0 };
    this.#failure = null;
  }

  snapshot(): RunState {
    const of = (values: ArrayLike<number>): number[] => this.#order.map((unit) => values[unit]!);
    const order = [...this.#order];
    return { conditions: { ...this.#conditions }, order, shares: of(this.#share), lanes: of(this.#lane), row: [] };
  }

  restore({ conditions, order, shares, lanes }: RunState): void {
    this.restart({ ...conditions });
    order.forEach((unit, i) => {
      this.append(unit, shares[i]!, lanes[i]!);
    });
    if (order.length > 0) this.play();
  }

  fork(): OverlapRun {
    const copy = new OverlapRun(this.#graph, this.#board, this.#conditions);
    copy.restore(this.snapshot());
    return copy;
  }

  forks(count: number): OverlapRun[] {
    return Array.from({ length: count }, () => this.fork());
  }

  /** @throws InputError when the unit cannot have the share, or device 1 the lane. */
  decide(unit: number, share: number, lane = 0): number {
    this.append(unit, share, lane);
    return this.play();
  }

  /** Appends the unit without playing. */
  append(unit: number, exactShare: number, lane: number): void {
    // As schedules hold it: what rounds to a whole is one.
    const share = Math.fround(exactShare);
    checkShare(this.#graph.units[unit]!, share);
    if (share === 1 && lane !== 0)
      throw new InputError(
        `simulator: unit ${unit} "${this.#graph.units[unit]!.name}" is to run on lane ${lane} of device 1, which has one.`,
        'Give lane 0; only device 0 has several.',
      );
    this.#share[unit] = share;
    this.#lane[unit] = lane;
    this.#order.push(unit);
    this.#failure ??= this.#tooLarge(unit);
    if (!this.#failure) this.#program.append(unit, share, lane);
  }

  /** Plays what has been appended, graph outputs returned to device 0; the makespan, NaN once the execution failed. */
  play(): number {
    if (this.#failure) return Number.NaN;
    this.#tasks = this.#program.returned();
    this.#timing = play(this.#tasks, this.#stage);
    return this.#timing.makespanMs;
  }

  #tooLarge(unit: number): ExecutionError | null {
    const share = this.#share[unit]!;
    for (const device of [0, 1] as const) {
      const part = device === 0 ? 1 - share : share;
      const bytes = part > 0 ? this.#board.costs.plannedBytes(unit, part) : 0;
      if (bytes <= this.#stage.budgetBytes) continue;
      const { name } = this.#graph.units[unit]!;
      const error = `unit ${unit} "${name}" on device ${device}: ${bytes} bytes planned, more than the memory budget of ${this.#stage.budgetBytes}`;
      return { error, unit, device };
    }
    return null;
  }

  readonly state: HardwareState = {
    clockMs: () => this.#timing.makespanMs,
    busyMs: (device) => {
      const { startMs, endMs } = this.#timing;
      let busyMs = 0;
      this.#tasks.forEach(({ kind, lane }, i) => {
        const own = device === 1 ? lane === queueLane : lane >= cpuLane(0);
        if (own && (kind === 'compute' || kind === 'launch')) busyMs += endMs[i]! - startMs[i]!;
      });
      return busyMs;
    },
    held: (tensor, device) => this.#program.held(tensor, device),
  };

  finish(): Trace | ExecutionError {
    if (this.#failure) return this.#failure;
    const schedule = Schedule.of(this.#graph, this.#share, { order: this.#order, lane: this.#lane });
    return { ...this.timeline(), schedule, memory: residency(this.#graph, this.#tasks, this.#timing) };
  }

  timeline(): Timeline {
    const graph = this.#graph;
    const cpuLanes = 1 + Math.max(0, ...this.#order.map((unit) => this.#lane[unit]!));
    const { lanes, laneOf } = traceLanes(this.#board.kinds, cpuLanes);
    return {
      version: 1,
      kind: 'simulated',
      resolution: 'unit',
      graphHash: graph.hash,
      profileHash: this.#board.profileHash,
      conditions: this.#conditions,
      lanes,
      makespanMs: this.#timing.makespanMs,
      // No profile models power yet, and energy is never invented.
      energyMj: null,
      events: this.#tasks.flatMap((task, i) =>
        eventOf(task, laneOf(task.lane), this.#timing.startMs[i]!, this.#timing.endMs[i]!),
      ),
    };
  }
}

function stageOf(board: Board, { without = [], load, seed, memoryBudgetBytes }: Conditions): Stage {
  const unknown = without.find((mechanism) => !mechanisms.includes(mechanism));
  if (unknown !== undefined)
    throw new InputError(
      `simulator: the mechanism "${unknown}" that is to be switched off is unknown.`,
      didYouMean(unknown, mechanisms),
    );
  if (load) checkLoad(load);
  return {
    rates: (running, launching, level) => progressRates(running, launching, level, board.shared, without),
    load,
    seed,
    budgetBytes: memoryBudgetBytes ?? Number.POSITIVE_INFINITY,
  };
}

/** Device 0's lanes in the schedule's order, then the launching thread, then device 1's queue. */
function traceLanes([first, second]: Board['kinds'], cpuLanes: number) {
  const lanes: Lane[] = [
    ...Array.from({ length: cpuLanes }, (_, n): Lane => ({ id: `${first}:${n}`, device: 0 })),
    { id: 'launching thread', device: 0 },
    { id: `${second}:0`, device: 1 },
  ];
  const laneOf = (lane: number): number =>
    lane === queueLane ? cpuLanes + 1 : lane === launchLane ? cpuLanes : lane - cpuLane(0);
  return { lanes, laneOf };
}

/** Launches and waits that take no time leave no event. */
function eventOf(
  { kind, unit, tensor, movedBytes, part: [from, to] }: Task,
  lane: number,
  startMs: number,
  endMs: number,
): TraceEvent[] {
  if ((kind === 'launch' || kind === 'sync') && startMs === endMs) return [];
  const copied = tensor < 0 ? {} : { tensor, bytes: movedBytes };
  const part = from > 0 || to < 1 ? { part: [from, to] as const } : {};
  return [{ kind, lane, units: [unit], startMs, endMs, ...copied, ...part }];
}
