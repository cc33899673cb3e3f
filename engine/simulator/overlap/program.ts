// Turns a schedule into tasks: the sequence of each lane, and the dependencies of each task. Times here are those of tasks
// alone; the player computes how they slow each other.
// Internal lanes are fixed, so that a schedule can grow: the queue in front of device 1, the thread that launches into it,
// then the CPU's lanes.

import type { OperatorGraph } from '../../../models/graph.js';
import { fractionRead, fractionSlack } from '../../../models/parts/channels.js';
import type { CostTable } from '../../../predictor/cost-table.js';
import type { Mechanism } from '../../conditions.js';
import type { EventKind } from '../../trace.js';

/** Internal lanes. */
export const queueLane = 0;
export const launchLane = 1;
export const cpuLane = (n: number): number => 2 + n;

export interface Task {
  readonly kind: EventKind;
  readonly lane: number;
  readonly unit: number;
  /** Duration alone. */
  readonly workMs: number;
  /** Duration alone where its lane has had nothing to do for longer than `afterMs`, if that is another. */
  readonly asleep?: { readonly afterMs: number; readonly workMs: number };
  /** Indices of tasks that end before this one starts; the lane's earlier tasks do so anyway. */
  readonly after: readonly number[];
  /** Bytes that it reads from and writes to memory. */
  readonly trafficBytes: number;
  /** Of a computing task: what it plans for while it runs, bytes. */
  readonly plannedBytes: number;
  /** Of a copy, else -1. */
  readonly tensor: number;
  /** Of a copy: what crosses to the other device; 0: handed over within one. */
  readonly movedBytes: number;
  /** Of a copy, and of computing: the channels, as fractions of all. */
  readonly part: Part;
}

export type Part = readonly [from: number, to: number];

/** Costs of units and moves alone, and what they need of the memory. */
export interface OverlapCosts extends CostTable {
  /** What the memory carries meanwhile, bytes. */
  unitTrafficBytes(unit: number, share: number): number;
  transferTrafficBytes(tensor: number, fraction: number): number;
  /** What a memory budget counts while a share of the unit computes, bytes. */
  plannedBytes(unit: number, share: number): number;
}

/** Channels of a tensor on a device: who wrote or fetched them, and which lanes of the device have seen them. */
interface Piece {
  readonly device: 0 | 1;
  readonly part: Part;
  /** The task that wrote or fetched it; -1: there from the start. */
  readonly task: number;
  readonly written: boolean;
  readonly lanes: number[];
}

/** Appends units, in the schedule's order, as tasks. */
export class OverlapProgram {
  readonly tasks: Task[] = [];
  readonly #graph: OperatorGraph;
  readonly #costs: OverlapCosts;
  readonly #has: (mechanism: Mechanism) => boolean;
  readonly #pieces: Piece[][];
  /** Per tensor and device, the fraction there. */
  readonly #held: Float64Array;
  /** Graph outputs, in the order they are computed in. */
  readonly #outputs: number[] = [];
  /** The last task of the launching thread, -1 before the first. */
  #launched = -1;

  constructor(graph: OperatorGraph, costs: OverlapCosts, without: readonly Mechanism[] = []) {
    this.#graph = graph;
    this.#costs = costs;
    this.#has = (mechanism) => !without.includes(mechanism);
    this.#held = new Float64Array(2 * graph.tensors.length);
    this.#pieces = graph.tensors.map(() => []);
    for (const { id, producer } of graph.tensors) if (producer === null) this.#write(id, 0, 1, -1, cpuLane(0));
  }

  /** Fraction of the tensor on the device. */
  held(tensor: number, device: number): number {
    return this.#held[2 * tensor + device]!;
  }

  /** The unit, with `share` of it on device 1 and device 0's part on its lane `lane`. */
  append(unit: number, share: number, lane: number): void {
    const second = share > 0 ? this.#onQueue(unit, share) : -1;
    const first = share < 1 ? this.#onCpu(unit, 1 - share, cpuLane(lane)) : -1;
    for (const tensor of this.#graph.units[unit]!.outputs) {
      if (share < 1) this.#write(tensor, 0, 1 - share, first, cpuLane(lane));
      if (share > 0) this.#write(tensor, 1, share, second, queueLane);
      if (this.#graph.tensors[tensor]!.graphOutput) this.#outputs.push(tensor);
    }
  }

  /** All tasks, and the return of what device 0 lacks of graph outputs to its first lane; units may still be appended. */
  returned(): readonly Task[] {
    const tasks = [...this.tasks];
    for (const tensor of this.#outputs) {
      const heldFirst = this.held(tensor, 0);
      if (heldFirst < 1)
        this.#move(tasks, tensor, 0, [heldFirst, 1], cpuLane(0), this.#graph.tensors[tensor]!.producer!);
    }
    return tasks;
  }

  /** Device 0's part: what it lacks, the dispatch, the kernel; the index of its last task. */
  #onCpu(unit: number, part: number, lane: number): number {
    for (const tensor of this.#graph.units[unit]!.inputs)
      this.#bring(tensor, 0, lane, fractionRead(this.#graph, unit, tensor, 0, part), unit);
    const launchMs = this.#costs.launchMs(0);
    if (launchMs > 0) this.#add(plainTask('launch', lane, unit, launchMs, []));
    return this.#compute(unit, 0, part, lane, []);
  }

  /**
   * Device 1's part. The launching thread launches when what the unit reads of device 0 is computed there; the queue takes
   * moves and kernels in order. Synchronous launches follow the moves and are waited for.
   */
  #onQueue(unit: number, part: number): number {
    const asynchronous = this.#has('asynchronous-launches');
    const moves: number[] = [];
    for (const tensor of this.#graph.units[unit]!.inputs)
      moves.push(...this.#bring(tensor, 1, queueLane, fractionRead(this.#graph, unit, tensor, 1, part), unit));
    const after = asynchronous ? moves.flatMap((move) => this.#sourcesOf(move)) : moves;
    const launch = this.#add(plainTask('launch', launchLane, unit, this.#costs.launchMs(1), after));
    this.#launched = launch;
    const computed = this.#compute(unit, 1, part, queueLane, [launch]);
    if (asynchronous) return computed;
    const workMs = this.#has('synchronisation') ? this.#costs.syncMs : 0;
    this.#launched = this.#add(plainTask('sync', launchLane, unit, workMs, [computed]));
    return this.#launched;
  }

  #compute(unit: number, device: 0 | 1, part: number, lane: number, after: readonly number[]): number {
    return this.#add({
      kind: 'compute',
      lane,
      unit,
      workMs: this.#costs.unitMs(unit, device, part),
      after,
      trafficBytes: this.#costs.unitTrafficBytes(unit, part),
      plannedBytes: this.#costs.plannedBytes(unit, part),
      tensor: -1,
      movedBytes: 0,
      part: device === 0 ? [0, part] : [1 - part, 1],
    });
  }

  /** Brings the fraction `needed` of a tensor to a lane, what it lacks; the indices of moves from the other device. */
  #bring(tensor: number, device: 0 | 1, lane: number, needed: number, unit: number): number[] {
    const [from, to] = device === 0 ? [0, needed] : [1 - needed, 1];
    for (const piece of this.#pieces[tensor]!) {
      const { part } = piece;
      if (piece.device !== device || piece.lanes.includes(lane) || part[0] >= to || part[1] <= from) continue;
      // Lanes of one device work on the same memory: handing over takes no time and moves no byte.
      const after = piece.task < 0 ? [] : [piece.task];
      this.#add(copyTask(lane, unit, 0, after, 0, tensor, 0, part));
      piece.lanes.push(lane);
    }
    const held = this.held(tensor, device);
    if (held >= needed - fractionSlack) return [];
    const lacking: Part = device === 0 ? [held, needed] : [1 - needed, 1 - held];
    const move = this.#move(this.tasks, tensor, device, lacking, lane, unit);
    this.#pieces[tensor]!.push({ device, part: lacking, task: move, written: false, lanes: [lane] });
    this.#held[2 * tensor + device] = needed;
    return [move];
  }

  /** Adds the move of a part from the other device to `tasks`: to device 0 after waiting for device 1, to device 1 as launched. */
  #move(tasks: Task[], tensor: number, to: 0 | 1, part: Part, lane: number, unit: number): number {
    const source = this.#pieces[tensor]!.find(({ device, written }) => device !== to && written)!.task;
    const after = source < 0 ? [] : [source];
    if (to === 0 && this.#has('asynchronous-launches') && this.#costs.syncMs > 0) {
      const workMs = this.#has('synchronisation') ? this.#costs.syncMs : 0;
      tasks.push(plainTask('sync', lane, unit, workMs, after));
    }
    if (to === 1 && this.#launched >= 0) after.push(this.#launched);
    const fraction = part[1] - part[0];
    const workMs = this.#has('copies') ? this.#costs.transferMs(tensor, to, fraction) : 0;
    const trafficBytes = this.#costs.transferTrafficBytes(tensor, fraction);
    const movedBytes = this.#graph.tensors[tensor]!.bytes * fraction;
    tasks.push(copyTask(lane, unit, workMs, after, trafficBytes, tensor, movedBytes, part));
    return tasks.length - 1;
  }

  /** What a move from device 0 waits for there. */
  #sourcesOf(move: number): number[] {
    return this.tasks[move]!.after.filter((index) => this.tasks[index]!.lane !== launchLane);
  }

  #write(tensor: number, device: 0 | 1, fraction: number, by: number, lane: number): void {
    const part: Part = device === 0 ? [0, fraction] : [1 - fraction, 1];
    this.#held[2 * tensor + device] = fraction;
    this.#pieces[tensor]!.push({ device, part, task: by, written: true, lanes: [lane] });
  }

  #add(added: Task): number {
    return this.tasks.push(added) - 1;
  }
}

const whole: Part = [0, 1];

// Tasks are made by the thousand: literals of one shape take a fraction of the time of spread ones.
function plainTask(kind: EventKind, lane: number, unit: number, workMs: number, after: readonly number[]): Task {
  return { kind, lane, unit, workMs, after, trafficBytes: 0, plannedBytes: 0, tensor: -1, movedBytes: 0, part: whole };
}

function copyTask(
  lane: number,
  unit: number,
  workMs: number,
  after: readonly number[],
  trafficBytes: number,
  tensor: number,
  movedBytes: number,
  part: Part,
): Task {
  return { kind: 'copy', lane, unit, workMs, after, trafficBytes, plannedBytes: 0, tensor, movedBytes, part };
}
