// An execution in the serial regime: decisions on a row of the serial kernel and, when it is over, once more to write the
// trace.
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions } from '../conditions.js';
import type { DeviceInfo, HardwareState, Run, RunState } from '../executor.js';
import { lifetimes, memoryOverTime } from '../memory/liveness.js';
import { Schedule } from '../schedule.js';
import type { Timeline, Trace, TraceEvent } from '../trace.js';
import { type EventSink, row, type SerialKernel } from './serial-kernel.js';

/** What is simulated, as traces name it. */
export interface SimulatedBoard {
  readonly hash: string;
  readonly devices: readonly DeviceInfo[];
}

export class SerialRun implements Run {
  readonly #graph: OperatorGraph;
  readonly #kernel: SerialKernel;
  readonly #board: SimulatedBoard;
  #conditions: Conditions;
  readonly #row: Float64Array;
  readonly #order: Uint32Array;
  readonly #share: Float32Array;
  #decided = 0;

  constructor(graph: OperatorGraph, kernel: SerialKernel, board: SimulatedBoard, conditions: Conditions) {
    this.#graph = graph;
    this.#kernel = kernel;
    this.#board = board;
    this.#conditions = conditions;
    this.#row = new Float64Array(kernel.rowLength);
    this.#order = new Uint32Array(graph.units.length);
    this.#share = new Float32Array(graph.units.length);
    kernel.reset(this.#row);
  }

  restart(conditions: Conditions): void {
    this.#conditions = conditions;
    this.#decided = 0;
    this.#kernel.reset(this.#row);
  }

  snapshot(): RunState {
    const order = Array.from(this.#order.subarray(0, this.#decided));
    const shares = order.map((unit) => this.#share[unit]!);
    const lanes = order.map(() => 0);
    return { conditions: { ...this.#conditions }, order, shares, lanes, row: Array.from(this.#row) };
  }

  restore({ conditions, order, shares, row: saved }: RunState): void {
    this.#conditions = { ...conditions };
    this.#decided = order.length;
    this.#order.set(order);
    order.forEach((unit, i) => {
      this.#share[unit] = shares[i]!;
    });
    this.#row.set(saved);
  }

  fork(): SerialRun {
    const copy = new SerialRun(this.#graph, this.#kernel, this.#board, this.#conditions);
    copy.#decided = this.#decided;
    copy.#order.set(this.#order);
    copy.#share.set(this.#share);
    copy.#row.set(this.#row);
    return copy;
  }

  decide(unit: number, share: number): number {
    this.#order[this.#decided++] = unit;
    this.#share[unit] = share;
    return this.#kernel.decide(this.#row, unit, this.#share[unit]!);
  }

  readonly state: HardwareState = {
    clockMs: () => this.#row[row.clockMs]!,
    busyMs: (device) => this.#row[row.busyMs + device]!,
    held: (tensor, device) => this.#kernel.held(this.#row, tensor, device),
  };

  timeline(): Timeline {
    return this.#replay().timeline;
  }

  finish(): Trace {
    const schedule = Schedule.of(this.#graph, this.#share, { order: this.#order });
    const { timeline, stepEndMs } = this.#replay();
    return { ...timeline, schedule, memory: memoryOverTime(lifetimes(this.#graph, schedule), stepEndMs) };
  }

  /** Decides once more, and writes down what happens. */
  #replay(): { timeline: Timeline; stepEndMs: number[] } {
    const graph = this.#graph;
    const events: TraceEvent[] = [];
    const state = new Float64Array(this.#kernel.rowLength);
    this.#kernel.reset(state);
    const sink: EventSink = (kind, lane, id, startMs, endMs, from, to, tensor) => {
      const copied = tensor === undefined ? {} : { tensor, bytes: graph.tensors[tensor]!.bytes * (to - from) };
      const part = from > 0 || to < 1 ? { part: [from, to] as const } : {};
      events.push({ kind, lane, units: [id], startMs, endMs, ...copied, ...part });
    };
    const decided = this.#order.subarray(0, this.#decided);
    const stepEndMs = Array.from(decided, (unit) => this.#kernel.decide(state, unit, this.#share[unit]!, sink));
    const timeline: Timeline = {
      version: 1,
      kind: 'simulated',
      resolution: 'unit',
      graphHash: graph.hash,
      profileHash: this.#board.hash,
      conditions: this.#conditions,
      lanes: this.#board.devices.map((device, index) => ({ id: `${device.kind}:0`, device: index as 0 | 1 })),
      makespanMs: state[row.clockMs]!,
      // No profile models power yet, and energy is never invented.
      energyMj: null,
      events,
    };
    return { timeline, stepEndMs };
  }
}
