// A run in serial execution: decisions on a row of the serial kernel and, when it is over, once more to write the trace.
import type { OperatorGraph } from '../../models/graph.js';
import { energyOfUsage } from '../../predictor/power.js';
import type { PowerModel } from '../../predictor/profiles/profile.js';
import type { Conditions } from '../conditions.js';
import type { DeviceInfo, HardwareState, Run, RunState } from '../executor.js';
import type { LoadProcess } from '../load-process.js';
import { lifetimes, memoryOverTime } from '../memory/liveness.js';
import { Schedule } from '../schedule.js';
import type { Timeline, Trace, TraceEvent } from '../trace.js';
import { type EventSink, row, type SerialKernel } from './serial-kernel.js';

/** What is simulated, as traces name it. */
export interface SimulatedBoard {
  readonly hash: string;
  readonly devices: readonly DeviceInfo[];
  /** What devices have in common, where a load can be simulated. */
  readonly shared?: { readonly hash: string } | null;
  /** For energy, where it is known. */
  readonly power?: PowerModel | null;
}

/** Its own state's view too: a view with closures of its own cannot be inlined, and would allocate what it returns. */
export class SerialRun implements Run, HardwareState {
  readonly state: HardwareState = this;
  readonly #graph: OperatorGraph;
  readonly #kernelBeside: (load: LoadProcess | null) => SerialKernel;
  readonly #board: SimulatedBoard;
  #kernel: SerialKernel;
  #conditions: Conditions;
  readonly #row: Float64Array;
  readonly #order: Uint32Array;
  readonly #share: Float32Array;
  #decided = 0;

  /**
   * @param state its row
   * @throws InputError when the load has several levels, or the profile does not say what devices share
   */
  constructor(
    graph: OperatorGraph,
    kernelBeside: (load: LoadProcess | null) => SerialKernel,
    board: SimulatedBoard,
    conditions: Conditions,
    state?: Float64Array,
  ) {
    this.#graph = graph;
    this.#kernelBeside = kernelBeside;
    this.#board = board;
    this.#conditions = conditions;
    this.#kernel = kernelBeside(conditions.load);
    this.#row = state ?? new Float64Array(this.#kernel.rowLength);
    this.#order = new Uint32Array(graph.units.length);
    this.#share = new Float32Array(graph.units.length);
    this.#kernel.reset(this.#row);
  }

  restart(conditions: Conditions): void {
    this.#beside(conditions);
    this.#decided = 0;
    this.#kernel.reset(this.#row);
  }

  #beside(conditions: Conditions): void {
    if (conditions.load !== this.#conditions.load) this.#kernel = this.#kernelBeside(conditions.load);
    this.#conditions = conditions;
  }

  snapshot(): RunState {
    const order = Array.from(this.#order.subarray(0, this.#decided));
    const shares = order.map((unit) => this.#share[unit]!);
    const lanes = order.map(() => 0);
    return { conditions: { ...this.#conditions }, order, shares, lanes, row: Array.from(this.#row) };
  }

  restore({ conditions, order, shares, row: saved }: RunState): void {
    this.#beside({ ...conditions });
    this.#decided = order.length;
    this.#order.set(order);
    order.forEach((unit, i) => {
      this.#share[unit] = shares[i]!;
    });
    this.#row.set(saved);
  }

  forks(count: number): SerialRun[] {
    const { length } = this.#row;
    const rows = new Float64Array(count * length);
    return Array.from({ length: count }, (_, i) => {
      const own = rows.subarray(i * length, (i + 1) * length);
      const copy = new SerialRun(this.#graph, this.#kernelBeside, this.#board, this.#conditions, own);
      copy.#decided = this.#decided;
      copy.#order.set(this.#order);
      copy.#share.set(this.#share);
      own.set(this.#row);
      return copy;
    });
  }

  decide(unit: number, share: number): number {
    this.advance(unit, share);
    return this.clockMs();
  }

  advance(unit: number, share: number): void {
    this.#order[this.#decided++] = unit;
    this.#share[unit] = share;
    this.#kernel.advance(this.#row, unit, this.#share[unit]!, null);
  }

  clockMs(): number {
    return this.#row[row.clockMs]!;
  }

  busyMs(device: number): number {
    return this.#row[row.busyMs + device]!;
  }

  held(tensor: number, device: number): number {
    return this.#kernel.held(this.#row, tensor, device);
  }

  energyMj(): number | null {
    return this.#energyMj(this.#row)?.system ?? null;
  }

  timeline(): Timeline {
    return this.#replay().timeline;
  }

  finish(): Trace {
    const schedule = Schedule.of(this.#graph, this.#share, { order: this.#order });
    const { timeline, stepEndMs } = this.#replay();
    return { ...timeline, schedule, memory: memoryOverTime(lifetimes(this.#graph, schedule), stepEndMs) };
  }

  /** Without a model of power there is no energy: it is never invented. */
  #energyMj(state: Float64Array): Timeline['energyMj'] {
    const { power } = this.#board;
    if (!power) return null;
    const busyMs = [state[row.busyMs]!, state[row.busyMs + 1]!] as const;
    return energyOfUsage(power, { makespanMs: state[row.clockMs]!, busyMs, movingMs: state[row.movingMs]! });
  }

  /** Replays the decisions and records the events. */
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
      // Costs under load depend on the shared numbers of the profile.
      profileHash: this.#conditions.load === null ? this.#board.hash : this.#board.shared!.hash,
      conditions: this.#conditions,
      lanes: this.#board.devices.map((device, index) => ({ id: `${device.kind}:0`, device: index as 0 | 1 })),
      makespanMs: state[row.clockMs]!,
      energyMj: this.#energyMj(state),
      events,
    };
    return { timeline, stepEndMs };
  }
}
