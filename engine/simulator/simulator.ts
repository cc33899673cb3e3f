// The simulator: an executor over a cost table. In the serial regime it decides on rows of the serial kernel and, when an
// execution is over, replays the decisions once more to write the trace; overlap/ has the other regime.
import { InputError } from '../../base/errors/input-error.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions, SerialConditions } from '../conditions.js';
import type { CostTable } from '../device/cost-table.js';
import type { DeviceProfile } from '../device/profile.js';
import { profileCosts } from '../device/profile-costs.js';
import type { ExecutionError, Executor, HardwareState, Run, RunState } from '../executor.js';
import { lifetimes, memoryOverTime } from '../memory/liveness.js';
import { Schedule } from '../schedule.js';
import type { Timeline, Trace, TraceEvent } from '../trace.js';
import { boardOf } from './overlap/board.js';
import { type Board, OverlapRun } from './overlap/run.js';
import { type EventSink, row, SerialKernel } from './serial-kernel.js';

export interface Simulator extends Executor {
  readonly kind: 'simulated';
  readonly profile: DeviceProfile;
  costs(graph: OperatorGraph): CostTable;
  /** The transition function of the serial regime itself, for planners that explore. */
  kernel(graph: OperatorGraph): SerialKernel;
  /** @throws InputError when the regime cannot be simulated under the conditions, or by the profile. */
  begin(graph: OperatorGraph, conditions: Conditions): Run;
  run(graph: OperatorGraph, schedule: Schedule, conditions: SerialConditions): Trace;
  run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError;
}

/** A simulator of the profile's board; costs come from its predictors or its ceilings. */
export function createSimulator(profile: DeviceProfile): Simulator {
  const compiledOf = new WeakMap<OperatorGraph, Compiled>();
  const compiled = (graph: OperatorGraph): Compiled => {
    let entry = compiledOf.get(graph);
    if (!entry) {
      const costs = profileCosts(graph, profile);
      entry = { costs, kernel: new SerialKernel(graph, costs), board: null };
      compiledOf.set(graph, entry);
    }
    return entry;
  };
  const beginOverlap = (graph: OperatorGraph, conditions: Conditions): OverlapRun => {
    const entry = compiled(graph);
    entry.board ??= boardOf(graph, entry.costs, profile);
    return new OverlapRun(graph, entry.board, conditions);
  };
  function beginSerial(graph: OperatorGraph, conditions: Conditions): SerialRun {
    if (conditions.load !== null)
      throw new InputError(
        'simulator: co-running load is given, but the serial regime has static conditions.',
        'Set the regime to "overlap", or the load to null.',
      );
    return new SerialRun(graph, compiled(graph).kernel, profile, conditions);
  }
  function run(graph: OperatorGraph, schedule: Schedule, conditions: SerialConditions): Trace;
  function run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError;
  function run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError {
    if (conditions.regime === 'serial') {
      const serial = beginSerial(graph, conditions);
      for (const unit of schedule.order) serial.decide(unit, schedule.share[unit]!);
      return serial.finish();
    }
    const overlap = beginOverlap(graph, conditions);
    for (const unit of schedule.order) overlap.append(unit, schedule.share[unit]!, schedule.lane[unit]!);
    overlap.play();
    return overlap.finish();
  }
  return {
    kind: 'simulated',
    devices: profile.devices,
    profile,
    costs: (graph) => compiled(graph).costs,
    kernel: (graph) => compiled(graph).kernel,
    supported: (graph) =>
      Uint8Array.from({ length: 2 * graph.units.length }, (_, i) => {
        const { onlyOn } = graph.units[i >> 1]!;
        return Number(onlyOn === null || onlyOn === (i & 1));
      }),
    begin: (graph, conditions) =>
      conditions.regime === 'overlap' ? beginOverlap(graph, conditions) : beginSerial(graph, conditions),
    run,
    close() {},
  };
}

/** What is kept of a graph. */
interface Compiled {
  readonly costs: CostTable;
  readonly kernel: SerialKernel;
  /** Once the regime `overlap` is asked for. */
  board: Board | null;
}

class SerialRun implements Run {
  readonly #graph: OperatorGraph;
  readonly #kernel: SerialKernel;
  readonly #profile: DeviceProfile;
  #conditions: Conditions;
  readonly #row: Float64Array;
  readonly #order: Uint32Array;
  readonly #share: Float32Array;
  #decided = 0;

  constructor(graph: OperatorGraph, kernel: SerialKernel, profile: DeviceProfile, conditions: Conditions) {
    this.#graph = graph;
    this.#kernel = kernel;
    this.#profile = profile;
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
    const copy = new SerialRun(this.#graph, this.#kernel, this.#profile, this.#conditions);
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
      profileHash: this.#profile.hash,
      conditions: this.#conditions,
      lanes: this.#profile.devices.map((device, index) => ({ id: `${device.kind}:0`, device: index as 0 | 1 })),
      makespanMs: state[row.clockMs]!,
      // No profile models power yet, and energy is never invented.
      energyMj: null,
      events,
    };
    return { timeline, stepEndMs };
  }
}
