// Lanes mode: a schedule on two devices at once. Each lane is a worker thread with its own sessions; the schedule is
// cut into segments, and tensors that cross are handed over through shared memory. What comes out is measured.
import { InputError } from '../../../base/errors/input-error.js';
import { checkOptions } from '../../../base/errors/options.js';
import { seededFeeds } from '../../../models/analysis/feeds.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { LoadedModel } from '../../../models/load.js';
import { openSliceSource, type SliceSource } from '../../../models/parts/slice.js';
import { channelRanges } from '../../../models/parts/split.js';
import type { Conditions } from '../../conditions.js';
import { decideAll, type ExecutionError, type Executor, type Run } from '../../executor.js';
import { memoryPlan } from '../../memory/memory-plan.js';
import type { Schedule } from '../../schedule.js';
import { budgetWaits } from '../../segments/budget.js';
import { buffersOf, planArenas } from '../../segments/memory.js';
import type { TensorSlot } from '../../segments/operations.js';
import { compileProgram, flagCount } from '../../segments/program.js';
import { compileSegments, type Segment } from '../../segments/segments.js';
import { slotsOf } from '../../segments/slots.js';
import { executionOf } from '../../segments/timeline.js';
import type { Trace } from '../../trace.js';
import { requireTensorOutputs } from '../checks/tensor-outputs.js';
import { type DevicePair, parseDevicePair } from '../devices/device-pair.js';
import type { PlainFeeds } from '../plain-tensor.js';
import { cutOut } from './cut-out.js';
import type { Handover } from './handover.js';
import { LaneGroup } from './lane-group.js';
import { type LaneSpec, lanesOf } from './layout.js';
import { lanesOptionNames } from './option-names.js';
import { type Plan, PlanCache } from './plan-cache.js';
import { PlainReference } from './reference.js';
import { StepRun } from './step-run.js';
import { type Unsupported, unsupportedUnits } from './support.js';

export interface LanesOptions {
  readonly model: LoadedModel;
  /** Such as `cpu:1+cpu:1` (default) or `cpu:1+webgpu`. */
  readonly pair?: string | DevicePair;
  /**
   * Lanes of device 0, on which branches run side by side (`Schedule.lane`); its threads are shared out evenly among them.
   * Default 1, with all the threads.
   */
  readonly cpuLanes?: number;
  /** Units in a segment at most; 1 runs every unit by itself. Default: no limit. */
  readonly maxSegmentUnits?: number;
  /** `polling` (default) needs a core for each lane that has work; `blocking` sleeps while it waits. */
  readonly handover?: Handover;
  /** An execution that takes longer fails, and the lane that is stuck is replaced. Default 30 s. */
  readonly timeLimitMs?: number;
  /** Compiled plans kept; the least recently used one is dropped, with its sessions. Default 8. */
  readonly cachedPlans?: number;
  /** Values of the graph inputs; seeded where they are not given. */
  readonly feeds?: PlainFeeds;
}

/** The memory of a schedule, in bytes. */
export interface ProgramMemory {
  /** Per device, an arena for all activations that its lanes may keep at the same time. */
  readonly plannedPeakBytes: readonly [number, number];
  /** Per device, constants of the units that run there. */
  readonly weightBytes: readonly [number, number];
  /**
   * By how much this process's resident memory grew while the plan was compiled and executed once. ONNX Runtime owns its
   * sessions' weights and intermediates, so this is no multiple of the plan; a GPU's own memory is not in it.
   */
  readonly measuredGrowthBytes: number;
}

/**
 * An executor on lanes. In overlap execution, `run` executes compiled segments on all lanes at the same time; in
 * serial execution it goes unit by unit, as `begin` does in either.
 * @throws InputError when the pair, its lanes, a limit or the feeds are wrong, or the package is not built.
 */
export function createLanesExecutor(options: LanesOptions): LanesExecutor {
  checkOptions('createLanesExecutor', options, lanesOptionNames);
  return new LanesExecutor(options);
}

export class LanesExecutor implements Executor {
  readonly kind = 'measured';
  readonly devices: Executor['devices'];
  readonly #pair: DevicePair;
  readonly #model: LoadedModel;
  readonly #source: SliceSource;
  readonly #slots: readonly TensorSlot[];
  readonly #slotOf: ReadonlyMap<string, number>;
  readonly #lanes: readonly LaneSpec[];
  readonly #group: LaneGroup;
  readonly #maxSegmentUnits: number;
  readonly #plans: PlanCache<Plan>;
  /** Single units, as step-wise execution runs them. */
  readonly #steps: PlanCache<Pick<Plan, 'segments' | 'waits'>>;
  readonly #reference: PlainReference;
  readonly #unsupportedOf = new Map<string, Unsupported>();

  constructor({
    model,
    pair = 'cpu:1+cpu:1',
    cpuLanes = 1,
    maxSegmentUnits = Number.POSITIVE_INFINITY,
    handover = 'polling',
    timeLimitMs = 30_000,
    cachedPlans = 8,
    feeds = {},
  }: LanesOptions) {
    atLeastOne('maxSegmentUnits', maxSegmentUnits);
    atLeastOne('timeLimitMs', timeLimitMs);
    atLeastOne('cachedPlans', cachedPlans);
    requireTensorOutputs(model, 'lanes');
    const graph = model.graph('operator');
    this.#model = model;
    this.#pair = typeof pair === 'string' ? parseDevicePair(pair) : pair;
    this.devices = this.#pair.map(({ id, kind }) => ({ name: id, kind }));
    this.#source = openSliceSource(model);
    this.#slots = slotsOf(graph);
    this.#slotOf = new Map(this.#slots.map(({ name }, slot) => [name, slot]));
    this.#maxSegmentUnits = maxSegmentUnits;
    this.#lanes = lanesOf(this.#pair, cpuLanes);
    this.#group = new LaneGroup({
      pair: this.#pair,
      lanes: this.#lanes,
      handover,
      timeLimitMs,
      slots: this.#slots,
      flags: flagCount(this.#lanes.length, this.#slots.length, graph.units.length),
      // A tensor leaves a lane once and comes to it in two parts at most; a segment waits for one on each other lane at most.
      maxOperations: (this.#lanes.length + 1) * graph.units.length + 3 * graph.tensors.length,
      inputs: this.#inputValues({ ...seededFeeds(model.inputs, 0), ...feeds }),
    });
    this.#reference = new PlainReference(model, this.#group, this.#slots, this.#slotOf, this.#pair);
    this.#plans = new PlanCache(this.#group, cachedPlans);
    // Each unit on every lane, and as much again for splits.
    this.#steps = new PlanCache(this.#group, 2 * this.#lanes.length * graph.units.length);
  }

  #inputValues(feeds: PlainFeeds): Map<number, Uint8Array> {
    return new Map(
      Object.entries(feeds).map(([name, tensor]) => {
        const slot = this.#slotOf.get(name);
        const { data } = tensor;
        if (slot === undefined || !ArrayBuffer.isView(data) || data.byteLength !== this.#slots[slot]!.bytes) {
          throw new InputError(
            `lanes: the value of input "${name}" (${tensor.type} [${tensor.dims.join(', ')}]) is not what the model takes.`,
            `Inputs: ${this.#model.inputs.map((input) => `${input.name} [${input.shape.join(', ')}]`).join('; ')}.`,
          );
        }
        return [slot, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
      }),
    );
  }

  supported(graph: OperatorGraph): Uint8Array {
    const without = this.#unsupported(graph);
    return Uint8Array.from({ length: 2 * graph.units.length }, (_, i) => {
      const [unit, device] = [i >> 1, i & 1];
      return Number((graph.units[unit]!.onlyOn ?? device) === device && !(device === 1 && unit in without));
    });
  }

  /** Units of `graph` that device 1 cannot run, with the reason. */
  unsupported(graph: OperatorGraph): { readonly unit: number; readonly reason: string }[] {
    return Object.entries(this.#unsupported(graph)).map(([unit, reason]) => ({ unit: Number(unit), reason }));
  }

  #unsupported(graph: OperatorGraph): Unsupported {
    let units = this.#unsupportedOf.get(graph.hash);
    if (!units) {
      const conditions: Conditions = {
        seed: 0,
        execution: 'serial',
        mode: 'host',
        load: null,
        memoryBudgetBytes: null,
      };
      units = unsupportedUnits(this.#model, graph, this.#pair, () => this.begin(graph, conditions));
      this.#unsupportedOf.set(graph.hash, units);
    }
    return units;
  }

  /** Unit by unit: each decision runs the unit and waits for it. The sessions of units are kept among the plans. */
  begin(graph: OperatorGraph, conditions: Conditions): Run {
    this.#check(graph);
    this.#group.invalidate();
    const epoch = this.#group.begin();
    return new StepRun({
      graph,
      conditions,
      lanes: this.#lanes,
      slots: this.#slots,
      slotOf: this.#slotOf,
      rangesOf: (unit, share) => channelRanges(this.#source, graph, unit, share),
      waitsOf: (segments) => this.#waits(graph, segments, conditions),
      execute: (operations, segments) => {
        if (!this.#steps.get({ segments, waits: [] })) {
          const failure = this.#load(graph, segments);
          if (failure) return failure;
          this.#steps.add({ segments, waits: [] });
        }
        return this.#group.execute(graph, operations, segments, epoch);
      },
      verify: () => this.#reference.disagreement(graph),
    });
  }

  run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError {
    this.#check(graph);
    if (conditions.execution === 'serial') return decideAll(this.begin(graph, conditions), schedule);
    const plan = this.#compile(graph, schedule, conditions);
    if ('error' in plan) return plan;
    const stamps = this.#group.execute(graph, plan.operations, plan.segments);
    if ('error' in stamps) return stamps;
    return {
      version: 1,
      kind: 'measured',
      graphHash: graph.hash,
      profileHash: null,
      schedule,
      conditions,
      energyMj: null,
      ...executionOf(graph, this.#lanes, { ...plan, slots: this.#slots }, stamps),
    };
  }

  /**
   * The memory of a schedule, planned and measured. It is measured when the plan is compiled. In a process that has compiled
   * other plans it misses memory that these have freed, so compare schedules in processes of their own.
   */
  memory(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): ProgramMemory | ExecutionError {
    this.#check(graph);
    const plan = this.#compile(graph, schedule, conditions);
    if ('error' in plan) return plan;
    const [first, second] = memoryPlan(graph, schedule);
    return {
      plannedPeakBytes: planArenas(plan.operations, plan.buffers, this.#lanes).peakBytes,
      weightBytes: [first.weightBytes, second.weightBytes],
      measuredGrowthBytes: plan.growthBytes,
    };
  }

  close(): void {
    this.#group.close();
  }

  #check(graph: OperatorGraph): void {
    if ((['operator', 'fused'] as const).some((granularity) => this.#model.graph(granularity).hash === graph.hash))
      return;
    throw new InputError(
      `lanes: the graph ${graph.hash} is not of the model ${this.#model.uri}.`,
      "Give model.graph('operator') or model.graph('fused') of the executor's model.",
    );
  }

  /** The schedule's plan, from the cache or compiled and checked against the plain session. */
  #compile(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Plan | ExecutionError {
    const rangesOf = (unit: number, share: number) => channelRanges(this.#source, graph, unit, share);
    const segments = compileSegments(graph, schedule, this.#lanes, rangesOf, this.#maxSegmentUnits);
    const waits = this.#waits(graph, segments, conditions);
    if ('error' in waits) return waits;
    const known = this.#plans.get({ segments, waits });
    if (known) return known;
    const operations = compileProgram(graph, segments, this.#slotOf, this.#lanes.length, waits);
    // Wait for an answer of every lane: threads that are still starting take memory too.
    this.#group.invalidate();
    const residentBytes = process.memoryUsage.rss();
    const refused = this.#load(graph, segments);
    if (refused) return refused;
    this.#group.invalidate();
    const result = this.#group.execute(graph, operations, segments);
    const growthBytes = process.memoryUsage.rss() - residentBytes;
    const failure = 'error' in result ? result : this.#reference.disagreement(graph);
    if (failure) {
      this.#group.release(segments);
      return failure;
    }
    const buffers = buffersOf(graph, operations, segments, this.#slots);
    const plan = { segments, waits, operations, buffers, growthBytes };
    this.#plans.add(plan);
    return plan;
  }

  #waits(graph: OperatorGraph, segments: readonly Segment[], { memoryBudgetBytes }: Conditions) {
    return memoryBudgetBytes === null ? [] : budgetWaits(graph, segments, this.#lanes, memoryBudgetBytes);
  }

  #load(graph: OperatorGraph, segments: readonly Segment[]): ExecutionError | null {
    return this.#group.acquire(graph, segments, (segment) => cutOut(graph, segment, this.#source, this.#slotOf));
  }
}

function atLeastOne(name: string, value: number): void {
  if (!(value >= 1)) throw new InputError(`lanes: ${name} is ${value}.`, 'Give 1 or more.');
}
