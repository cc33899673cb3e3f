// The simulator: an executor over a cost table. In the serial regime it decides on rows of the serial kernel and, when an
// execution is over, replays the decisions once more to write the trace; overlap/ has the other regime.
import { InputError } from '../../base/errors/input-error.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions, SerialConditions } from '../conditions.js';
import type { CostTable } from '../device/cost-table.js';
import type { DeviceProfile } from '../device/profile.js';
import { rooflineCosts } from '../device/roofline.js';
import type { ExecutionError, Executor, HardwareState, Run, RunState } from '../executor.js';
import { checkLoad, type LoadProcess, steadyLevel } from '../load-process.js';
import { lifetimes, memoryOverTime } from '../memory/liveness.js';
import { Schedule } from '../schedule.js';
import type { Timeline, Trace, TraceEvent } from '../trace.js';
import { loadedCosts } from './loaded-costs.js';
import { boardOf } from './overlap/board.js';
import { type Board, OverlapRun } from './overlap/run.js';
import { type EventSink, row, SerialKernel } from './serial-kernel.js';

export interface Simulator extends Executor {
  readonly kind: 'simulated';
  readonly profile: DeviceProfile;
  /**
   * Of the serial regime, beside a load unless it is null.
   * @throws InputError when the load has several levels, or the profile does not say what devices share
   */
  costs(graph: OperatorGraph, load?: LoadProcess | null): CostTable;
  /** The transition function of the serial regime itself, for planners that explore. */
  kernel(graph: OperatorGraph): SerialKernel;
  /** @throws InputError when the regime cannot be simulated under the conditions, or by the profile. */
  begin(graph: OperatorGraph, conditions: Conditions): Run;
  run(graph: OperatorGraph, schedule: Schedule, conditions: SerialConditions): Trace;
  run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError;
}

/** A simulator of the profile's board; costs come from the roofline model. */
export function createSimulator(profile: DeviceProfile): Simulator {
  const compiledOf = new WeakMap<OperatorGraph, Compiled>();
  const compiled = (graph: OperatorGraph): Compiled => {
    let entry = compiledOf.get(graph);
    if (!entry) {
      const costs = rooflineCosts(graph, profile);
      entry = { idle: { costs, kernel: new SerialKernel(graph, costs) }, loaded: new Map(), board: null };
      compiledOf.set(graph, entry);
    }
    return entry;
  };
  const boardFor = (graph: OperatorGraph): Board => {
    const entry = compiled(graph);
    entry.board ??= boardOf(graph, entry.idle.costs, profile);
    return entry.board;
  };
  const serial = (graph: OperatorGraph, load: LoadProcess | null): SerialCosts => {
    const { idle, loaded } = compiled(graph);
    if (load === null) return idle;
    checkLoad(load);
    const level = steadyLevel(load);
    if (level === null)
      throw new InputError(
        'simulator: a co-running load of several levels is given, but the serial regime has static conditions.',
        'Set the regime to "overlap", or give a load of one level.',
      );
    const key = `${level.cpu}/${level.gpu}/${level.memory}`;
    let entry = loaded.get(key);
    if (!entry) {
      const board = boardFor(graph);
      const costs = loadedCosts(board.costs, board.shared, level);
      entry = { costs, kernel: new SerialKernel(graph, costs) };
      loaded.set(key, entry);
    }
    return entry;
  };
  const beginOverlap = (graph: OperatorGraph, conditions: Conditions): OverlapRun =>
    new OverlapRun(graph, boardFor(graph), conditions);
  const beginSerial = (graph: OperatorGraph, conditions: Conditions): SerialRun =>
    new SerialRun(graph, (load) => serial(graph, load).kernel, profile, conditions);
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
    costs: (graph, load = null) => serial(graph, load).costs,
    kernel: (graph) => compiled(graph).idle.kernel,
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
  readonly idle: SerialCosts;
  /** By level of co-running load. */
  readonly loaded: Map<string, SerialCosts>;
  /** Once the regime `overlap` is asked for, or a load. */
  board: Board | null;
}

interface SerialCosts {
  readonly costs: CostTable;
  readonly kernel: SerialKernel;
}

/** Its own state's view too: a view with closures of its own cannot be inlined, and would allocate what it returns. */
class SerialRun implements Run, HardwareState {
  readonly state: HardwareState = this;
  readonly #graph: OperatorGraph;
  readonly #kernelBeside: (load: LoadProcess | null) => SerialKernel;
  readonly #profile: DeviceProfile;
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
    profile: DeviceProfile,
    conditions: Conditions,
    state?: Float64Array,
  ) {
    this.#graph = graph;
    this.#kernelBeside = kernelBeside;
    this.#profile = profile;
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

  fork(): SerialRun {
    return this.forks(1)[0]!;
  }

  forks(count: number): SerialRun[] {
    const { length } = this.#row;
    const rows = new Float64Array(count * length);
    return Array.from({ length: count }, (_, i) => {
      const own = rows.subarray(i * length, (i + 1) * length);
      const copy = new SerialRun(this.#graph, this.#kernelBeside, this.#profile, this.#conditions, own);
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
      // Loaded costs rest on what the devices share.
      profileHash: this.#conditions.load === null ? this.#profile.hash : this.#profile.shared!.hash,
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
