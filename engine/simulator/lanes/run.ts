// A simulated execution on lanes: the schedule so far is cut into the segments that real lanes would run, and played. A
// decision may lengthen a segment, so every decision cuts and plays the whole schedule again.
import type { OperatorGraph } from '../../../models/graph.js';
import type { SegmentCosts } from '../../../predictor/tables/segment-costs.js';
import type { Conditions } from '../../conditions.js';
import type { ExecutionError } from '../../executor.js';
import { checkLoad, type LoadLevel, slowedLevel } from '../../load-process.js';
import { budgetWaits } from '../../segments/budget.js';
import { buffersOf } from '../../segments/memory.js';
import type { Operation, Stamps, TensorSlot } from '../../segments/operations.js';
import { compileProgram } from '../../segments/program.js';
import { compileSegments, type RangesOf, type Segment } from '../../segments/segments.js';
import { slotsOf } from '../../segments/slots.js';
import { executionOf } from '../../segments/timeline.js';
import type { Lane } from '../../trace.js';
import type { Stage } from '../overlap/player.js';
import { cpuLane, type Task } from '../overlap/program.js';
import { type Decided, type Playback, ReplayedRun } from '../replayed-run.js';
import { playProgram } from './play.js';

/** Lanes, one on each device, and what a model costs there. */
export interface LanesBoard {
  readonly lanes: readonly Lane[];
  readonly kinds: readonly ('cpu' | 'gpu')[];
  readonly costs: SegmentCosts;
  readonly rangesOf: RangesOf;
  readonly hash: string;
}

/** @throws InputError when the load makes no sense. */
export function lanesRun(graph: OperatorGraph, board: LanesBoard, conditions: Conditions): ReplayedRun {
  const slots = slotsOf(graph);
  return new ReplayedRun(graph, (own, decided) => new LanesPlayback(graph, board, slots, own, decided), conditions);
}

class LanesPlayback implements Playback {
  readonly #graph: OperatorGraph;
  readonly #board: LanesBoard;
  readonly #slots: readonly TensorSlot[];
  readonly #slotOf: ReadonlyMap<string, number>;
  readonly #decided: Decided;
  readonly #budgetBytes: number | null;
  readonly #stage: Stage;
  #segments: readonly Segment[] = [];
  #operations: readonly (readonly Operation[])[] = [];
  #stamps: Stamps = [];
  #clockMs = 0;

  constructor(
    graph: OperatorGraph,
    board: LanesBoard,
    slots: readonly TensorSlot[],
    conditions: Conditions,
    decided: Decided,
  ) {
    this.#graph = graph;
    this.#board = board;
    this.#slots = slots;
    this.#slotOf = new Map(slots.map(({ name }, slot) => [name, slot]));
    this.#decided = decided;
    this.#budgetBytes = conditions.memoryBudgetBytes;
    this.#stage = stageOf(board, conditions);
  }

  /** @throws InputError when the schedule uses a lane that there is not. */
  play(): ExecutionError | null {
    const { lanes, rangesOf, costs } = this.#board;
    const graph = this.#graph;
    this.#segments = compileSegments(graph, this.#decided, lanes, rangesOf, Number.POSITIVE_INFINITY);
    const waits = this.#budgetBytes === null ? [] : budgetWaits(graph, this.#segments, lanes, this.#budgetBytes);
    if ('error' in waits) return waits;
    this.#operations = compileProgram(graph, this.#segments, this.#slotOf, lanes.length, waits);
    this.#stamps = playProgram(this.#operations, this.#segments, lanes, costs, this.#stage);
    this.#clockMs = this.#stamps.reduce((last, own) => Math.max(last, own[lastStamp(own)] ?? 0), 0);
    return null;
  }

  clockMs(): number {
    return this.#clockMs;
  }

  busyMs(device: number): number {
    return this.execution().events.reduce(
      (sum, { kind, lane, startMs, endMs }) =>
        kind === 'compute' && this.#board.lanes[lane]!.device === device ? sum + endMs - startMs : sum,
      0,
    );
  }

  /** Fraction of a tensor that the device has from the start, computed or fetched. */
  held(tensor: number, device: number): number {
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

  execution() {
    const [operations, segments, slots] = [this.#operations, this.#segments, this.#slots];
    const buffers = buffersOf(this.#graph, operations, segments, slots);
    const program = { operations, segments, buffers, slots };
    return {
      profileHash: this.#board.hash,
      // A measured table has no power.
      energyMj: null,
      ...executionOf(this.#graph, this.#board.lanes, program, this.#stamps),
    };
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
  const shares = lanes.map(({ device }) => (level: LoadLevel) => {
    const { cpu, gpu } = slowedLevel(level);
    return 1 - (kinds[device] === 'gpu' ? gpu : cpu);
  });
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
