// An execution unit by unit on real lanes, for environments. The objective is the time that the lanes took, one decision after
// the other; the caller's time to decide does not count.
import type { OperatorGraph } from '../../../models/graph.js';
import type { Conditions } from '../../conditions.js';
import type { ExecutionError, HardwareState, Run } from '../../executor.js';
import { Schedule } from '../../schedule.js';
import { buffersOf, residentOverTime } from '../../segments/memory.js';
import type { Operation, Span, Stamps, TensorSlot } from '../../segments/operations.js';
import { placesOf } from '../../segments/places.js';
import { ProgramBuilder } from '../../segments/program.js';
import { type RangesOf, type Segment, segmentOf } from '../../segments/segments.js';
import { eventsOf, shifted, spanOf, spansOf } from '../../segments/timeline.js';
import type { Trace, TraceEvent } from '../../trace.js';
import type { LaneSpec } from './layout.js';

export interface StepMachine {
  readonly graph: OperatorGraph;
  readonly conditions: Conditions;
  readonly lanes: readonly LaneSpec[];
  readonly slots: readonly TensorSlot[];
  readonly slotOf: ReadonlyMap<string, number>;
  readonly rangesOf: RangesOf;
  /** Per segment, which others it has to wait for. */
  readonly waitsOf: (segments: readonly Segment[]) => readonly (readonly number[])[] | ExecutionError;
  readonly execute: (
    operations: readonly (readonly Operation[])[],
    segments: readonly Segment[],
  ) => Stamps | ExecutionError;
  /** Compares the outputs with the plain session's. */
  readonly verify: () => ExecutionError | null;
}

export class StepRun implements Run {
  readonly #machine: StepMachine;
  readonly #builder: ProgramBuilder;
  readonly #share: Float32Array;
  readonly #lane: Uint8Array;
  readonly #order: number[] = [];
  readonly #events: TraceEvent[] = [];
  readonly #segments: Segment[] = [];
  /** Per lane, what it has done so far and when. */
  readonly #operations: Operation[][];
  readonly #spans: Span[][];
  readonly #busyMs: [number, number] = [0, 0];
  #clockMs = 0;
  #failure: ExecutionError | null = null;

  constructor(machine: StepMachine) {
    this.#machine = machine;
    this.#builder = new ProgramBuilder(machine.graph, machine.slotOf, machine.lanes.length);
    this.#operations = machine.lanes.map(() => []);
    this.#spans = machine.lanes.map(() => []);
    this.#share = new Float32Array(machine.graph.units.length);
    this.#lane = new Uint8Array(machine.graph.units.length);
  }

  /** @throws InputError when the device does not have the lane, or a third lane had to be abandoned. */
  decide(unit: number, share: number, lane = 0): number {
    if (this.#failure) return Number.NaN;
    const places = placesOf(this.#machine.lanes, this.#machine.graph.units[unit]!, share, lane);
    this.#share[unit] = share;
    this.#lane[unit] = lane;
    this.#order.push(unit);
    const segments = this.#segmentsOf(unit, this.#share[unit]!, places);
    const waits = this.#machine.waitsOf(segments);
    if ('error' in waits) {
      this.#failure = waits;
      return Number.NaN;
    }
    this.#program(unit, segments, waits);
    const operations = this.#builder.take();
    const result = this.#machine.execute(operations, segments);
    if ('error' in result) {
      this.#failure = result;
      return Number.NaN;
    }
    const events = eventsOf(this.#machine.graph, operations, result, segments, this.#machine.slots);
    const { startMs, endMs } = spanOf(events);
    this.#events.push(...shifted(events, this.#clockMs - startMs));
    this.#segments.push(...segments);
    spansOf(operations, result, this.#clockMs - startMs).forEach((spans, lane) => {
      this.#spans[lane]!.push(...spans);
      this.#operations[lane]!.push(...operations[lane]!);
    });
    for (const event of events)
      if (event.kind === 'compute')
        this.#busyMs[this.#machine.lanes[event.lane]!.device] += event.endMs - event.startMs;
    this.#clockMs += endMs - startMs;
    return this.#clockMs;
  }

  #segmentsOf(unit: number, share: number, places: readonly number[]): Segment[] {
    const { graph, rangesOf } = this.#machine;
    const ranges = places.length > 1 ? rangesOf(unit, share) : [null];
    return places.map((lane, part) => segmentOf(graph, lane, [unit], ranges[part]!));
  }

  /** Graph outputs return to device 0 as soon as they are computed, so that rewards telescope. */
  #program(unit: number, segments: readonly Segment[], waits: readonly (readonly number[])[]): void {
    const { graph } = this.#machine;
    for (const segment of segments) this.#builder.bringInputs(segment);
    segments.forEach((segment, index) => {
      const after = waits[index]?.map((other) => segments[other]!);
      this.#builder.run(segment, after, waits.flat().includes(index));
    });
    for (const tensor of graph.units[unit]!.outputs)
      if (graph.tensors[tensor]!.graphOutput) this.#builder.bring(tensor, 0);
  }

  readonly state: HardwareState = {
    clockMs: () => this.#clockMs,
    busyMs: (device) => this.#busyMs[device as 0 | 1],
    // The most that one of its lanes holds: lanes do not read each other's tensors.
    held: (tensor, device) =>
      this.#machine.lanes.reduce(
        (most, lane, index) => (lane.device === device ? Math.max(most, this.#builder.held(tensor, index)) : most),
        0,
      ),
  };

  /** @throws InputError when a unit is not decided yet. */
  finish(): Trace | ExecutionError {
    const { graph, conditions, lanes, slots, verify } = this.#machine;
    if (this.#failure) return this.#failure;
    const schedule = Schedule.of(graph, this.#share, { order: this.#order, lane: this.#lane });
    const failure = verify();
    if (failure) return failure;
    return {
      version: 1,
      kind: 'measured',
      resolution: 'unit',
      graphHash: graph.hash,
      profileHash: null,
      schedule,
      conditions,
      lanes: lanes.map(({ id, device }) => ({ id, device })),
      makespanMs: this.#clockMs,
      energyMj: null,
      memory: residentOverTime(buffersOf(graph, this.#operations, this.#segments, slots), this.#spans, lanes),
      events: this.#events,
    };
  }
}
