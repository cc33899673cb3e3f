// Lanes mode: a schedule on two devices at once. Each lane is a worker thread with its own sessions; the schedule is
// cut into segments, and tensors that cross are handed over through shared memory. What comes out is measured.
import { InputError } from '../../../base/errors/input-error.js';
import { type Feeds, seededFeeds } from '../../../models/feeds.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { LoadedModel } from '../../../models/load.js';
import { openSliceSource, type SliceSource, sliceUnits } from '../../../models/slice.js';
import { channelRanges, sliceChannels } from '../../../models/split.js';
import type { Conditions } from '../../conditions.js';
import type { ExecutionError, Executor, Run } from '../../executor.js';
import type { Schedule } from '../../schedule.js';
import type { Trace } from '../../trace.js';
import { tensorDifference } from '../agreement.js';
import { type DevicePair, parseDevicePair } from '../device-pair.js';
import { LaneGroup, type LoadRequest, loadRequest } from './lane-group.js';
import { type LaneSpec, lanesOf } from './layout.js';
import { type Plan, PlanCache } from './plan-cache.js';
import { channelRegion, compileProgram, compileSegments, type Segment, slotsOf } from './program.js';
import type { Handover, TensorSlot } from './protocol.js';
import { StepRun } from './step-run.js';
import { eventsOf, shifted, spanOf } from './timeline.js';

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
  readonly feeds?: Feeds;
}

/** Outputs of a plan differ from the plain session's by no more than this, by whether both devices are of one kind. */
const tolerance = { sameKind: 1e-4, acrossKinds: 1e-3 } as const;

/**
 * An executor on lanes. In the regime `overlap`, `run` executes compiled segments on all lanes at the same time; in the
 * regime `serial` it goes unit by unit, as `begin` does in either.
 * @throws InputError when the pair, its lanes, a limit or the feeds are wrong, or the package is not built.
 */
export function createLanesExecutor(options: LanesOptions): Executor {
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
  readonly #plans: PlanCache;
  /** Single units, as step-wise execution runs them. */
  readonly #steps: PlanCache;
  /** The plain session's outputs by tensor name; computed when they are first needed. */
  #reference: ReadonlyMap<string, Uint8Array> | null = null;

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
      // A tensor leaves a lane once and comes to it in two parts at most.
      maxOperations: graph.units.length + 3 * graph.tensors.length,
      inputs: this.#inputValues({ ...seededFeeds(model.inputs, 0), ...feeds }),
    });
    this.#plans = new PlanCache(this.#group, cachedPlans);
    // Each unit on every lane, and as much again for splits.
    this.#steps = new PlanCache(this.#group, 2 * this.#lanes.length * graph.units.length);
  }

  #inputValues(feeds: Feeds): Map<number, Uint8Array> {
    return new Map(
      Object.entries(feeds).map(([name, tensor]) => {
        const slot = this.#slotOf.get(name);
        const data = tensor.data as unknown;
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
    return Uint8Array.from({ length: 2 * graph.units.length }, (_, i) => {
      const { onlyOn } = graph.units[i >> 1]!;
      return Number(onlyOn === null || onlyOn === (i & 1));
    });
  }

  /** Unit by unit: each decision runs the unit and waits for it. The sessions of units are kept among the plans. */
  begin(graph: OperatorGraph, conditions: Conditions): Run {
    this.#check(graph);
    this.#group.spoil();
    const epoch = this.#group.begin();
    return new StepRun({
      graph,
      conditions,
      lanes: this.#lanes,
      slots: this.#slots,
      slotOf: this.#slotOf,
      rangesOf: (unit, share) => channelRanges(this.#source, graph, unit, share),
      execute: (operations, segments) => {
        const known = this.#steps.get(segments) !== null;
        const failure = known ? null : this.#steps.add({ segments, operations }, () => this.#load(graph, segments));
        return failure ?? this.#group.execute(graph, operations, segments, epoch);
      },
      verify: () => this.#disagreement(graph),
    });
  }

  run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError {
    this.#check(graph);
    if (conditions.regime === 'serial') {
      const run = this.begin(graph, conditions);
      for (const unit of schedule.order) run.decide(unit, schedule.share[unit]!, schedule.lane[unit]!);
      return run.finish();
    }
    const plan = this.#compile(graph, schedule);
    if ('error' in plan) return plan;
    const stamps = this.#group.execute(graph, plan.operations, plan.segments);
    if ('error' in stamps) return stamps;
    const events = eventsOf(graph, plan.operations, stamps, plan.segments, this.#slots);
    const { startMs, endMs } = spanOf(events);
    return {
      version: 1,
      kind: 'measured',
      resolution: plan.segments.every(({ units }) => units.length === 1) ? 'unit' : 'segment',
      graphHash: graph.hash,
      profileHash: null,
      schedule,
      conditions,
      lanes: this.#lanes.map(({ id, device }) => ({ id, device })),
      makespanMs: endMs - startMs,
      energyMj: null,
      memory: [],
      events: shifted(events, -startMs),
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
  #compile(graph: OperatorGraph, schedule: Schedule): Plan | ExecutionError {
    const rangesOf = (unit: number, share: number) => channelRanges(this.#source, graph, unit, share);
    const segments = compileSegments(graph, schedule, this.#lanes, rangesOf, this.#maxSegmentUnits);
    const known = this.#plans.get(segments);
    if (known) return known;
    const plan: Plan = { segments, operations: compileProgram(graph, segments, this.#slotOf, this.#lanes.length) };
    const refused = this.#plans.add(plan, () => this.#load(graph, segments));
    if (refused) return refused;
    this.#group.spoil();
    const result = this.#group.execute(graph, plan.operations, segments);
    const failure = 'error' in result ? result : this.#disagreement(graph);
    if (failure) this.#plans.remove(plan);
    return failure ?? plan;
  }

  #load(graph: OperatorGraph, segments: readonly Segment[]): ExecutionError | null {
    return this.#group.acquire(graph, segments, (segment) => this.#cut(graph, segment));
  }

  #cut(graph: OperatorGraph, { units, range }: Segment): LoadRequest {
    const [first] = units;
    const part = range ? sliceChannels(this.#source, graph, first!, range) : sliceUnits(this.#source, graph, units);
    return loadRequest(part, this.#slotOf, (name) => {
      const tensor = graph.tensors.find((each) => each.name === name)!;
      if (!range) return { shape: tensor.shape, region: null };
      const axis = graph.units[first!]!.splitAxis!;
      return { shape: tensor.shape.with(axis, range.to - range.from), region: channelRegion(tensor, axis, range) };
    });
  }

  /** Compares the outputs on lane 0 with the plain session's; null when they agree. */
  #disagreement(graph: OperatorGraph): ExecutionError | null {
    const outputs = graph.tensors.filter(({ graphOutput }) => graphOutput);
    const slots = outputs.map(({ name }) => this.#slotOf.get(name)!);
    const values = this.#group.read(slots);
    if (!this.#reference) {
      const reference = this.#plainOutputs(graph, slots);
      if ('error' in reference) return reference;
      this.#reference = new Map(outputs.map(({ name }, i) => [name, reference[i]!]));
    }
    const limit = this.#pair[0].kind === this.#pair[1].kind ? tolerance.sameKind : tolerance.acrossKinds;
    for (const [i, tensor] of outputs.entries()) {
      const difference = tensorDifference(tensor, values[i]!, this.#reference.get(tensor.name)!);
      if (difference <= limit) continue;
      const error = `output "${tensor.name}" differs from the plain session's by ${difference}, more than ${limit}`;
      return { error, unit: tensor.producer, device: null };
    }
    return null;
  }

  /** Runs the whole model in one session on lane 0. */
  #plainOutputs(graph: OperatorGraph, slots: readonly number[]): readonly Uint8Array[] | ExecutionError {
    const segment: Segment = { key: 'plain', lane: 0, units: graph.units.map(({ id }) => id), range: null };
    const request: LoadRequest = {
      model: this.#model.basicPath,
      inputs: this.#model.inputs.map(({ name }) => this.#slotOf.get(name)!),
      outputs: slots.map((slot) => ({ slot, shape: this.#slots[slot]!.shape, region: null })),
    };
    const refused = this.#group.acquire(graph, [segment], () => request);
    if (refused) return refused;
    const result = this.#group.execute(graph, [[{ kind: 'run', key: segment.key }]], [segment]);
    const values = 'error' in result ? result : this.#group.read(slots);
    this.#group.release([segment]);
    return values;
  }
}

function atLeastOne(name: string, value: number): void {
  if (!(value >= 1)) throw new InputError(`lanes: ${name} is ${value}.`, 'Give 1 or more.');
}
