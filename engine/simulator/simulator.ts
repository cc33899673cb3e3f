// The simulator: an executor over a cost table. It decides on rows of the serial kernel and, when an execution is over,
// replays the decisions once more to write the trace.
import { InputError } from '../../base/errors/input-error.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions } from '../conditions.js';
import type { CostTable } from '../device/cost-table.js';
import type { DeviceProfile } from '../device/profile.js';
import { rooflineCosts } from '../device/roofline.js';
import type { Executor, HardwareState, Run, RunState } from '../executor.js';
import { lifetimes, memoryOverTime } from '../memory/liveness.js';
import { Schedule } from '../schedule.js';
import type { Timeline, Trace, TraceEvent } from '../trace.js';
import { type EventSink, row, SerialKernel } from './serial-kernel.js';

export interface Simulator extends Executor {
  readonly kind: 'simulated';
  readonly profile: DeviceProfile;
  costs(graph: OperatorGraph): CostTable;
  /** The transition function itself, for planners that explore. */
  kernel(graph: OperatorGraph): SerialKernel;
  begin(graph: OperatorGraph, conditions: Conditions): SimulatedRun;
  run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace;
}

/** A simulator of the profile's board; costs come from the roofline model. */
export function createSimulator(profile: DeviceProfile): Simulator {
  const kernels = new WeakMap<OperatorGraph, { costs: CostTable; kernel: SerialKernel }>();
  const compiled = (graph: OperatorGraph) => {
    let entry = kernels.get(graph);
    if (!entry) {
      const costs = rooflineCosts(graph, profile);
      entry = { costs, kernel: new SerialKernel(graph, costs) };
      kernels.set(graph, entry);
    }
    return entry;
  };
  const simulator: Simulator = {
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
    begin(graph, conditions) {
      if (conditions.regime !== 'serial') {
        throw new InputError(
          `simulator: the regime "${conditions.regime}" is not simulated; the serial one is.`,
          'Set the regime to "serial".',
        );
      }
      return new SimulatedRun(graph, compiled(graph).kernel, profile, conditions);
    },
    run(graph, schedule, conditions) {
      const run = simulator.begin(graph, conditions);
      for (const unit of schedule.order) run.decide(unit, schedule.share[unit]!);
      return run.finish();
    },
    close() {},
  };
  return simulator;
}

export class SimulatedRun implements Run {
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
    return { conditions: { ...this.#conditions }, order, shares, row: Array.from(this.#row) };
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

  fork(): SimulatedRun {
    const copy = new SimulatedRun(this.#graph, this.#kernel, this.#profile, this.#conditions);
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
