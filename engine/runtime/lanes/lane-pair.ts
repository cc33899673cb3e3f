// Two lanes and what they share: loading segments, executing programs, faults. Everything here is synchronous.
import { InputError } from '../../../base/errors/input-error.js';
import type { OperatorGraph, Unit } from '../../../models/graph.js';
import type { SubModel } from '../../../models/slice.js';
import type { ExecutionError } from '../../executor.js';
import { type DevicePair, formatDevicePair, sessionSettings } from '../device-pair.js';
import { LaneThread } from './lane.js';
import type { Segment } from './program.js';
import {
  flagOf,
  type Handover,
  type LaneReply,
  nowMs,
  type Operation,
  type OutputPlace,
  type Region,
  type SharedMemory,
  stampsPerOperation,
  type TensorSlot,
  word,
} from './protocol.js';

/** Commands other than executions may take this long: loading a large segment on a busy machine does. */
const preparationMs = 300_000;
/** A lane that waits for the other one notices within this time that the execution is given up. */
const graceMs = 60;
/** As many lanes may be abandoned: their threads still hold a core until native code returns. */
const maxAbandoned = 2;

export interface LanePairOptions {
  readonly pair: DevicePair;
  readonly handover: Handover;
  readonly timeLimitMs: number;
  readonly slots: readonly TensorSlot[];
  /** Most operations that a program has. */
  readonly maxOperations: number;
  /** Graph inputs by slot; they lie on device 0 from the start. */
  readonly inputs: ReadonlyMap<number, Uint8Array>;
}

/** Where and when the operations of an execution ran: `stampsPerOperation` times each, per lane. */
export type Stamps = readonly [Float64Array, Float64Array];

export class LanePair {
  readonly #options: LanePairOptions;
  readonly #shared: SharedMemory;
  readonly #control: Int32Array;
  readonly #arena: Uint8Array;
  readonly #stamps: Stamps;
  readonly #lanes: [LaneThread, LaneThread];
  /** Loaded segments, and how many hold each. */
  readonly #holders = new Map<string, { segment: Segment; count: number }>();
  #epoch = 0;
  #abandoned = 0;
  #generation = 0;

  constructor(options: LanePairOptions) {
    const { slots, maxOperations } = options;
    this.#options = options;
    const last = slots.at(-1);
    const stamps = (): SharedArrayBuffer => new SharedArrayBuffer(8 * stampsPerOperation * maxOperations);
    this.#shared = {
      control: new SharedArrayBuffer(4 * flagOf(slots.length, 0)),
      arena: new SharedArrayBuffer(Math.max(8, last ? last.offset + last.bytes : 0)),
      stamps: [stamps(), stamps()],
    };
    this.#control = new Int32Array(this.#shared.control);
    this.#arena = new Uint8Array(this.#shared.arena);
    this.#stamps = [new Float64Array(this.#shared.stamps[0]), new Float64Array(this.#shared.stamps[1])];
    this.#lanes = [this.#start(0), this.#start(1)];
  }

  /** Changes when a lane was replaced: everything that was loaded is gone then. */
  get generation(): number {
    return this.#generation;
  }

  #start(lane: 0 | 1): LaneThread {
    const { handover, slots, inputs } = this.#options;
    const thread = new LaneThread({ lane, handover, slots, shared: this.#shared });
    if (lane === 0) for (const [slot, bytes] of inputs) thread.send({ kind: 'write', slot, bytes });
    return thread;
  }

  /**
   * Loads the segments that are not loaded yet, each lane its own at the same time, and holds all of them until
   * `release`. Nothing stays held when one of them cannot be loaded.
   */
  acquire(
    graph: OperatorGraph,
    segments: readonly Segment[],
    cut: (segment: Segment) => LoadRequest,
  ): ExecutionError | null {
    for (const segment of segments) {
      const holder = this.#holders.get(segment.key);
      if (holder) {
        holder.count++;
        continue;
      }
      const { model, inputs, outputs } = cut(segment);
      const settings = sessionSettings(this.#options.pair[segment.device]);
      const command = { kind: 'load', key: segment.key, model, settings, inputs, outputs } as const;
      this.#lanes[segment.device].send(command, typeof model === 'string' ? [] : [model.buffer]);
      this.#holders.set(segment.key, { segment, count: 1 });
    }
    const failure = this.#failure(graph, segments, this.#settle(nowMs() + preparationMs));
    if (failure) this.release(segments);
    return failure;
  }

  release(segments: readonly Segment[]): void {
    for (const { key, device } of segments) {
      const holder = this.#holders.get(key);
      if (!holder || --holder.count > 0) continue;
      this.#holders.delete(key);
      this.#lanes[device].send({ kind: 'release', key });
    }
  }

  /** Fills every tensor but the graph inputs with NaN, so that only what is computed from now on can be right. */
  spoil(): void {
    this.#lanes[0].send({ kind: 'spoil', keep: [...this.#options.inputs.keys()] });
    this.#lanes[1].send({ kind: 'spoil', keep: [] });
    this.#arena.fill(0xff);
    this.#settle(nowMs() + preparationMs);
  }

  /**
   * Executes both lanes' operations, whose segments are held.
   * @throws InputError when a third lane had to be abandoned.
   */
  execute(
    graph: OperatorGraph,
    operations: readonly [readonly Operation[], readonly Operation[]],
    segments: readonly Segment[],
  ): Stamps | ExecutionError {
    const epoch = ++this.#epoch;
    for (const lane of [1, 0] as const) {
      if (operations[lane].length > 0) this.#lanes[lane].send({ kind: 'execute', operations: operations[lane], epoch });
    }
    const replies = this.#settle(nowMs() + this.#options.timeLimitMs);
    if (replies) return this.#failure(graph, segments, replies) ?? this.#stamps;
    return this.#giveUp(epoch, operations, segments, graph);
  }

  /** The values of device 0's tensors. */
  read(slots: readonly number[]): readonly Uint8Array[] {
    this.#lanes[0].send({ kind: 'read', slots });
    const answer = this.#settle(nowMs() + preparationMs)?.[0].find((reply) => reply.kind === 'values');
    if (answer?.kind !== 'values') throw new Error('a lane did not answer');
    return answer.values;
  }

  close(): void {
    for (const lane of this.#lanes) {
      // Its answer says that no native code runs on the thread, which may be starting or releasing sessions still.
      lane.send({ kind: 'spoil', keep: [] });
      if (lane.settle(nowMs() + preparationMs)) lane.end();
      else lane.abandon();
    }
  }

  /** Waits for both lanes; what they answered, or null when the time is over. */
  #settle(deadlineMs: number): readonly [LaneReply[], LaneReply[]] | null {
    const settled = this.#lanes.map((lane) => lane.settle(deadlineMs));
    return settled.every(Boolean) ? [this.#lanes[0].replies(), this.#lanes[1].replies()] : null;
  }

  #failure(
    graph: OperatorGraph,
    segments: readonly Segment[],
    replies: readonly [LaneReply[], LaneReply[]] | null,
  ): ExecutionError | null {
    if (!replies) throw new Error(`lanes: no answer within ${preparationMs} ms while preparing`);
    for (const device of [0, 1] as const) {
      const failed = replies[device].find((reply) => reply.kind === 'failed');
      if (failed?.kind !== 'failed') continue;
      const segment = segments.find(({ key }) => key === failed.key);
      const unit = segment ? unitNamed(graph, segment.units, failed.message) : null;
      return describeFailure(unit, device, this.#options.pair[device].id, failed.message);
    }
    return null;
  }

  /** Ends an execution that takes too long: lanes that do not come back are replaced. */
  #giveUp(
    epoch: number,
    operations: readonly [readonly Operation[], readonly Operation[]],
    segments: readonly Segment[],
    graph: OperatorGraph,
  ): ExecutionError {
    const { timeLimitMs, pair } = this.#options;
    Atomics.store(this.#control, word.abort, epoch);
    const stuck = ([0, 1] as const).filter((lane) => !this.#lanes[lane].settle(nowMs() + graceMs));
    for (const lane of stuck) {
      this.#lanes[lane].abandon();
      this.#abandoned++;
      if (this.#abandoned > maxAbandoned) {
        for (const other of [0, 1] as const) if (!stuck.includes(other)) this.#lanes[other].end();
        throw new InputError(
          `lanes: ${this.#abandoned} lanes of ${formatDevicePair(pair)} had to be abandoned, each after ${timeLimitMs} ms.`,
          'Raise timeLimitMs, or leave out the units that the errors name.',
        );
      }
      this.#lanes[lane] = this.#start(lane);
    }
    for (const lane of this.#lanes) lane.replies();
    if (stuck.length > 0) this.#forget(stuck);
    // Where both lanes came back in the end, the unit that began last is the one that the other lane waited for.
    const running = ([0, 1] as const).map((lane) => this.#running(lane, operations[lane], segments));
    const device = stuck[0] ?? (running[1]!.startMs > running[0]!.startMs ? 1 : 0);
    const unit = graph.units[running[device]!.unit ?? -1] ?? null;
    return describeFailure(unit, device, pair[device].id, `it did not finish within ${timeLimitMs} ms`);
  }

  /** The first unit of the segment that the lane began last, and when. */
  #running(
    device: 0 | 1,
    operations: readonly Operation[],
    segments: readonly Segment[],
  ): { readonly unit: number | null; readonly startMs: number } {
    let began = { key: '', startMs: 0 };
    operations.forEach((operation, i) => {
      const startMs = this.#stamps[device][stampsPerOperation * i]!;
      if (operation.kind === 'run' && startMs > began.startMs) began = { key: operation.key, startMs };
    });
    return { unit: segments.find(({ key }) => key === began.key)?.units[0] ?? null, startMs: began.startMs };
  }

  /** Sessions of replaced lanes are gone; those of the other lane are released, so that both start even. */
  #forget(replaced: readonly (0 | 1)[]): void {
    for (const [key, { segment }] of this.#holders)
      if (!replaced.includes(segment.device)) this.#lanes[segment.device].send({ kind: 'release', key });
    this.#holders.clear();
    this.#generation++;
  }
}

export interface LoadRequest {
  readonly model: string | Uint8Array<ArrayBuffer>;
  readonly inputs: readonly number[];
  readonly outputs: readonly OutputPlace[];
}

/** A part of a model as a lane loads it; outputs go to `regionOf`, or to the whole tensor. */
export function loadRequest(
  { bytes, inputs, outputs }: SubModel,
  slotOf: ReadonlyMap<string, number>,
  placeOf: (name: string) => { readonly shape: readonly number[]; readonly region: Region | null },
): LoadRequest {
  return {
    model: bytes as Uint8Array<ArrayBuffer>,
    inputs: inputs.map((name) => slotOf.get(name)!),
    outputs: outputs.map((name) => ({ slot: slotOf.get(name)!, ...placeOf(name) })),
  };
}

function describeFailure(unit: Unit | null, device: 0 | 1, id: string, message: string): ExecutionError {
  const what = unit ? `unit ${unit.id} "${unit.name}"` : 'the model';
  return { error: `${what} failed on device ${device} (${id}): ${message.trim()}`, unit: unit?.id ?? null, device };
}

/** The unit whose node ONNX Runtime's message names, else the first. */
function unitNamed(graph: OperatorGraph, ids: readonly number[], message: string): Unit | null {
  const units = ids.map((id) => graph.units[id]!);
  return units.find(({ nodes }) => nodes.some((node) => message.includes(`'${node}'`))) ?? units[0] ?? null;
}
