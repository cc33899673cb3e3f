// An execution on lanes, simulated: the schedule so far is cut into the segments that real lanes would run, and played. A
// decision may lengthen a segment, so all is cut and played again, as if no unit followed.
import type { OperatorGraph } from '../../../models/graph.js';
import type { Conditions } from '../../conditions.js';
import type { SegmentCosts } from '../../device/segment-costs.js';
import type { ExecutionError, HardwareState, Run, RunState } from '../../executor.js';
import { checkLoad, type LoadLevel } from '../../load-process.js';
import { checkShare, Schedule } from '../../schedule.js';
import { budgetWaits } from '../../segments/budget.js';
import { buffersOf } from '../../segments/memory.js';
import type { Operation, Stamps, TensorSlot } from '../../segments/operations.js';
import { compileProgram } from '../../segments/program.js';
import { compileSegments, type RangesOf, type Segment } from '../../segments/segments.js';
import { slotsOf } from '../../segments/slots.js';
import { executionOf } from '../../segments/timeline.js';
import type { Lane, Timeline, Trace } from '../../trace.js';
import type { Stage } from '../overlap/player.js';
import { cpuLane, type Task } from '../overlap/program.js';
import { playProgram } from './play.js';

/** Lanes, one on each device, and what a model costs there. */
export interface LanesBoard {
  readonly lanes: readonly Lane[];
  readonly kinds: readonly ('cpu' | 'gpu')[];
  readonly costs: SegmentCosts;
  readonly rangesOf: RangesOf;
  readonly hash: string;
}

export class LanesRun implements Run {
  readonly #graph: OperatorGraph;
  readonly #board: LanesBoard;
  readonly #slots: readonly TensorSlot[];
  readonly #slotOf: ReadonlyMap<string, number>;
  readonly #share: Float32Array;
  readonly #lane: Uint8Array;
  #conditions: Conditions;
  #stage: Stage;
  #order: number[] = [];
  #segments: readonly Segment[] = [];
  #operations: readonly (readonly Operation[])[] = [];
  #stamps: Stamps = [];
  #clockMs = 0;
  #failure: ExecutionError | null = null;

  /** @throws InputError when the load makes no sense. */
  constructor(graph: OperatorGraph, board: LanesBoard, conditions: Conditions) {
    this.#graph = graph;
    this.#board = board;
    this.#conditions = conditions;
    this.#stage = stageOf(board, conditions);
    this.#slots = slotsOf(graph);
    this.#slotOf = new Map(this.#slots.map(({ name }, slot) => [name, slot]));
    this.#share = new Float32Array(graph.units.length);
    this.#lane = new Uint8Array(graph.units.length);
  }

  /** @throws InputError as the constructor does */
  restart(conditions: Conditions): void {
    this.#stage = stageOf(this.#board, conditions);
    this.#conditions = conditions;
    this.#order = [];
    this.#segments = [];
    this.#operations = [];
    this.#stamps = [];
    this.#clockMs = 0;
    this.#failure = null;
  }

  snapshot(): RunState {
    const order = [...this.#order];
    const of = (values: ArrayLike<number>): number[] => order.map((unit) => values[unit]!);
    return { conditions: { ...this.#conditions }, order, shares: of(this.#share), lanes: of(this.#lane), row: [] };
  }

  restore({ conditions, order, shares, lanes }: RunState): void {
    this.restart({ ...conditions });
    order.forEach((unit, i) => {
      this.append(unit, shares[i]!, lanes[i]!);
    });
    if (order.length > 0) this.play();
  }

  fork(): LanesRun {
    const copy = new LanesRun(this.#graph, this.#board, this.#conditions);
    copy.restore(this.snapshot());
    return copy;
  }

  /** @throws InputError when the unit cannot have the share, or the device has not the lane. */
  decide(unit: number, share: number, lane = 0): number {
    this.append(unit, share, lane);
    return this.play();
  }

  /** Appends the unit without playing. */
  append(unit: number, share: number, lane: number): void {
    // As schedules hold it: what rounds to a whole is one.
    checkShare(this.#graph.units[unit]!, Math.fround(share));
    this.#share[unit] = share;
    this.#lane[unit] = lane;
    this.#order.push(unit);
  }

  /** Plays what has been appended, graph outputs returned to device 0; the makespan, NaN once the execution failed. */
  play(): number {
    if (this.#failure) return Number.NaN;
    const { lanes, rangesOf, costs } = this.#board;
    const { memoryBudgetBytes } = this.#conditions;
    const graph = this.#graph;
    const decided = { order: this.#order, share: this.#share, lane: this.#lane } as const;
    this.#segments = compileSegments(graph, decided, lanes, rangesOf, Number.POSITIVE_INFINITY);
    const waits = memoryBudgetBytes === null ? [] : budgetWaits(graph, this.#segments, lanes, memoryBudgetBytes);
    if ('error' in waits) {
      this.#failure = waits;
      return Number.NaN;
    }
    this.#operations = compileProgram(graph, this.#segments, this.#slotOf, lanes.length, waits);
    this.#stamps = playProgram(this.#operations, this.#segments, lanes, costs, this.#stage);
    this.#clockMs = this.#stamps.reduce((last, own) => Math.max(last, own[lastStamp(own)] ?? 0), 0);
    return this.#clockMs;
  }

  readonly state: HardwareState = {
    clockMs: () => this.#clockMs,
    busyMs: (device) =>
      this.#execution().events.reduce(
        (sum, { kind, lane, startMs, endMs }) =>
          kind === 'compute' && this.#board.lanes[lane]!.device === device ? sum + endMs - startMs : sum,
        0,
      ),
    held: (tensor, device) => this.#held(tensor, device),
  };

  /** Fraction of a tensor that the device has from the start, computed or fetched. */
  #held(tensor: number, device: number): number {
    const { producer, bytes, name } = this.#graph.tensors[tensor]!;
    let held = producer === null && device === 0 ? 1 : 0;
    for (const { lane, units, fraction } of this.#segments)
      if (this.#board.lanes[lane]!.device === device && units.includes(producer ?? -1)) held += fraction;
    const slot = this.#slotOf.get(name);
    this.#operations.forEach((own, lane) => {
      if (this.#board.lanes[lane]!.device !== device) return;
      for (const operation of own)
        if (operation.kind === 'in' && operation.slot === slot)
          held += (operation.region.rows * operation.region.length) / Math.max(1, bytes);
    });
    return Math.min(1, held);
  }

  finish(): Trace | ExecutionError {
    if (this.#failure) return this.#failure;
    const schedule = Schedule.of(this.#graph, this.#share, { order: this.#order, lane: this.#lane });
    return { ...this.timeline(), schedule, memory: this.#execution().memory };
  }

  timeline(): Timeline {
    const { memory: _, ...execution } = this.#execution();
    return {
      version: 1,
      kind: 'simulated',
      graphHash: this.#graph.hash,
      profileHash: this.#board.hash,
      conditions: this.#conditions,
      energyMj: null,
      ...execution,
    };
  }

  #execution() {
    const [operations, segments, slots] = [this.#operations, this.#segments, this.#slots];
    const buffers = buffersOf(this.#graph, operations, segments, slots);
    return executionOf(this.#graph, this.#board.lanes, { operations, segments, buffers, slots }, this.#stamps);
  }
}

/** The lane's last operation ends with its latest stamp: that of an `in` is the third, of all others the second. */
function lastStamp(own: ArrayLike<number>): number {
  const last = own.length - 1;
  return own[last]! >= own[last - 1]! ? last : last - 1;
}

/** Lanes slow each other down while both compute; co-running load takes its part of each. */
function stageOf({ kinds, lanes, costs: { slowdown } }: LanesBoard, { load, seed }: Conditions): Stage {
  if (load) checkLoad(load);
  const shares = lanes.map(
    ({ device }) =>
      (level: LoadLevel) =>
        1 - (kinds[device] === 'gpu' ? level.gpu : level.cpu),
  );
  const computes = ({ kind }: Task) => kind === 'compute';
  return {
    rates: (running, _, level) => {
      const together = running.filter(computes).length > 1 ? 1 / (1 + slowdown) : 1;
      return running.map((task) => (computes(task) ? together * shares[task.lane - cpuLane(0)]!(level) : 1));
    },
    load,
    seed,
    // Programs keep to a budget by waiting.
    budgetBytes: Number.POSITIVE_INFINITY,
  };
}
