// A run in overlap execution: a decided unit becomes tasks of a program, and the program so far is played from the start,
// because later tasks may slow down earlier ones.
import { didYouMean, InputError } from '../../../base/errors/input-error.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { energyOfUsage } from '../../../predictor/power.js';
import type { PowerModel } from '../../../predictor/profiles/profile.js';
import { type Conditions, mechanisms } from '../../conditions.js';
import type { ExecutionError } from '../../executor.js';
import { checkLoad, slowedLevel } from '../../load-process.js';
import type { Lane, Timeline, TraceEvent } from '../../trace.js';
import { type Decided, type Playback, ReplayedRun } from '../replayed-run.js';
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
  /** For energy; null where it is not known. */
  readonly power: PowerModel | null;
}

/** @throws InputError when the load makes no sense, or a mechanism to switch off is unknown. */
export function overlapRun(graph: OperatorGraph, board: Board, conditions: Conditions): ReplayedRun {
  return new ReplayedRun(graph, (own, decided) => new OverlapPlayback(graph, board, own, decided), conditions);
}

class OverlapPlayback implements Playback {
  readonly #graph: OperatorGraph;
  readonly #board: Board;
  readonly #decided: Decided;
  readonly #stage: Stage;
  readonly #program: OverlapProgram;
  #tasks: readonly Task[] = [];
  #timing: Timing = { startMs: new Float64Array(), endMs: new Float64Array(), makespanMs: 0 };
  #failure: ExecutionError | null = null;

  constructor(graph: OperatorGraph, board: Board, conditions: Conditions, decided: Decided) {
    this.#graph = graph;
    this.#board = board;
    this.#decided = decided;
    this.#stage = stageOf(board, conditions);
    this.#program = new OverlapProgram(graph, board.costs, conditions.without);
  }

  /** @throws InputError when device 1 has not the lane. */
  append(unit: number, share: number, lane: number): void {
    if (share === 1 && lane !== 0)
      throw new InputError(
        `simulator: unit ${unit} "${this.#graph.units[unit]!.name}" is to run on lane ${lane} of device 1, which has one.`,
        'Give lane 0; only device 0 has several.',
      );
    this.#failure ??= this.#tooLarge(unit, share);
    if (!this.#failure) this.#program.append(unit, share, lane);
  }

  play(): ExecutionError | null {
    if (this.#failure) return this.#failure;
    this.#tasks = this.#program.returned();
    this.#timing = play(this.#tasks, this.#stage);
    return null;
  }

  #tooLarge(unit: number, share: number): ExecutionError | null {
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

  clockMs(): number {
    return this.#timing.makespanMs;
  }

  busyMs(device: number): number {
    const { startMs, endMs } = this.#timing;
    let busyMs = 0;
    this.#tasks.forEach(({ kind, lane }, i) => {
      const own = device === 1 ? lane === queueLane : lane >= cpuLane(0);
      if (own && (kind === 'compute' || kind === 'launch')) busyMs += endMs[i]! - startMs[i]!;
    });
    return busyMs;
  }

  /** A device is busy while any of its lanes is; launching into device 1 and waiting for it are device 1's. */
  #energyMj(): Timeline['energyMj'] {
    const { power } = this.#board;
    if (!power) return null;
    const coveredMs = (of: (task: Task) => boolean) => this.#coveredMs(of);
    const moves = ({ kind }: Task) => kind === 'copy';
    const ofDevice1 = ({ kind, lane }: Task) => kind === 'sync' || lane === queueLane || lane === launchLane;
    return energyOfUsage(power, {
      makespanMs: this.#timing.makespanMs,
      busyMs: [
        coveredMs((task) => !moves(task) && !ofDevice1(task)),
        coveredMs((task) => !moves(task) && ofDevice1(task)),
      ],
      movingMs: coveredMs(moves),
    });
  }

  /** Time during which at least one such task runs. */
  #coveredMs(of: (task: Task) => boolean): number {
    const { startMs, endMs } = this.#timing;
    const own = [...this.#tasks.keys()].filter((i) => of(this.#tasks[i]!)).sort((a, b) => startMs[a]! - startMs[b]!);
    let coveredMs = 0;
    let untilMs = 0;
    for (const i of own) {
      coveredMs += Math.max(0, endMs[i]! - Math.max(untilMs, startMs[i]!));
      untilMs = Math.max(untilMs, endMs[i]!);
    }
    return coveredMs;
  }

  held(tensor: number, device: number): number {
    return this.#program.held(tensor, device);
  }

  execution() {
    const { order, lane } = this.#decided;
    const { startMs, endMs, makespanMs } = this.#timing;
    const { lanes, laneOf } = traceLanes(this.#board.kinds, 1 + Math.max(0, ...order.map((unit) => lane[unit]!)));
    return {
      resolution: 'unit' as const,
      profileHash: this.#board.profileHash,
      lanes,
      makespanMs,
      energyMj: this.#energyMj(),
      memory: residency(this.#graph, this.#tasks, this.#timing),
      events: this.#tasks.flatMap((task, i) => eventOf(task, laneOf(task.lane), startMs[i]!, endMs[i]!)),
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
  // A second CPU's thread launches and computes on a core of its own: none of device 0's polls for it.
  const polled = board.kinds[1] === 'gpu';
  return {
    rates: (running, launching, level) =>
      progressRates(running, launching && polled, slowedLevel(level), board.shared, without),
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
