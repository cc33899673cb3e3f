// All lanes of an executor and what they share: loading segments, executing programs, faults. Everything here is synchronous.
import { InputError } from '../../../base/errors/input-error.js';
import type { OperatorGraph, Unit } from '../../../models/graph.js';
import type { ExecutionError } from '../../executor.js';
import type { Stamps } from '../../segments/operations.js';
import { type Operation, stampsPerOperation, type TensorSlot } from '../../segments/operations.js';
import type { Segment } from '../../segments/segments.js';
import { type DevicePair, formatDevicePair } from '../devices/device-pair.js';
import { withoutFallback } from '../devices/session-settings.js';
import type { Handover } from './handover.js';
import { LaneThread } from './lane.js';
import type { LaneSpec } from './layout.js';
import { type LaneReply, nowMs, type Place, type SharedMemory, word } from './protocol.js';

/** Commands other than executions may take this long: loading a large segment on a busy machine does. */
const preparationMs = 300_000;
/** A lane that waits for another one notices within this time that the execution is given up. */
const graceMs = 60;
/** How many lanes may be abandoned: their threads keep a core until native code returns. */
const maxAbandoned = 2;

export interface LaneGroupOptions {
  readonly pair: DevicePair;
  readonly lanes: readonly LaneSpec[];
  readonly handover: Handover;
  readonly timeLimitMs: number;
  readonly slots: readonly TensorSlot[];
  /** Flags that a program can have. */
  readonly flags: number;
  /** Most operations that a program has on one lane. */
  readonly maxOperations: number;
  /** Graph inputs by slot; they lie on lane 0 from the start. */
  readonly inputs: ReadonlyMap<number, Uint8Array>;
}

export class LaneGroup {
  readonly #options: LaneGroupOptions;
  readonly #shared: SharedMemory;
  readonly #control: Int32Array;
  readonly #arena: BigUint64Array;
  readonly #stamps: readonly Float64Array[];
  readonly #lanes: LaneThread[];
  /** Loaded segments, and how many hold each. */
  readonly #holders = new Map<string, { segment: Segment; count: number }>();
  #epoch = 0;
  #abandoned = 0;
  #generation = 0;

  constructor(options: LaneGroupOptions) {
    const { slots, lanes, flags, maxOperations } = options;
    this.#options = options;
    const last = slots.at(-1);
    this.#shared = {
      control: new SharedArrayBuffer(4 * word.sent(lanes.length)),
      flags: new SharedArrayBuffer(4 * flags),
      progress: new SharedArrayBuffer(4 * flags),
      arena: new SharedArrayBuffer(8 * Math.max(1, Math.ceil((last ? last.offset + last.bytes : 0) / 8))),
      stamps: lanes.map(() => new SharedArrayBuffer(8 * stampsPerOperation * maxOperations)),
    };
    this.#control = new Int32Array(this.#shared.control);
    this.#arena = new BigUint64Array(this.#shared.arena);
    this.#stamps = this.#shared.stamps.map((buffer) => new Float64Array(buffer));
    this.#lanes = lanes.map((_, lane) => this.#start(lane));
  }

  /** Changes when a lane was replaced: everything that was loaded is then lost. */
  get generation(): number {
    return this.#generation;
  }

  #start(lane: number): LaneThread {
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
      const settings = withoutFallback(this.#options.lanes[segment.lane]!.spec);
      const command = { kind: 'load', key: segment.key, model, settings, inputs, outputs } as const;
      this.#lanes[segment.lane]!.send(command, typeof model === 'string' ? [] : [model.buffer]);
      this.#holders.set(segment.key, { segment, count: 1 });
    }
    const failure = this.#failure(graph, segments, this.#settle(nowMs() + preparationMs));
    if (failure) this.release(segments);
    return failure;
  }

  release(segments: readonly Segment[]): void {
    for (const { key, lane } of segments) {
      const holder = this.#holders.get(key);
      if (!holder || --holder.count > 0) continue;
      this.#holders.delete(key);
      this.#lanes[lane]!.send({ kind: 'release', key });
    }
  }

  /** Fills every tensor but the graph inputs with NaN, so that only what is computed from now on can be right. */
  invalidate(): void {
    this.#lanes.forEach((thread, lane) => {
      thread.send({ kind: 'invalidate', keep: lane === 0 ? [...this.#options.inputs.keys()] : [] });
    });
    // Shared memory is filled element by element: large ones take a fifth of the time.
    this.#arena.fill(0xffff_ffff_ffff_ffffn);
    this.#settle(nowMs() + preparationMs);
  }

  /** Begins an execution: the number by which its commands know their flags from those of others. */
  begin(): number {
    return ++this.#epoch;
  }

  /**
   * Executes each lane's operations, whose segments are held, as a step of the execution `epoch`.
   * @throws InputError when a third lane had to be abandoned.
   */
  execute(
    graph: OperatorGraph,
    operations: readonly (readonly Operation[])[],
    segments: readonly Segment[],
    epoch = this.begin(),
  ): Stamps | ExecutionError {
    // Lane 0 last: the others wait for its inputs.
    for (let lane = operations.length - 1; lane >= 0; lane--) {
      const own = operations[lane]!;
      if (own.length > 0) this.#lanes[lane]!.send({ kind: 'execute', operations: own, epoch });
    }
    const replies = this.#settle(nowMs() + this.#options.timeLimitMs);
    if (replies) return this.#failure(graph, segments, replies) ?? this.#stamps;
    return this.#giveUp(epoch, operations, segments, graph);
  }

  /** The values of lane 0's tensors. */
  read(slots: readonly number[]): readonly Uint8Array[] {
    this.#lanes[0]!.send({ kind: 'read', slots });
    const answer = this.#settle(nowMs() + preparationMs)?.[0]?.find((reply) => reply.kind === 'values');
    if (answer?.kind !== 'values') throw new Error('a lane did not answer');
    return answer.values;
  }

  /** Ends all threads; there are none left to end a second time. */
  close(): void {
    for (const lane of this.#lanes.splice(0)) {
      // Its answer says that no native code runs on the thread. Sessions that a thread took with it would be released while
      // others work or end, and those of WebGPU share one context, which is none the better for it: the heap was corrupted.
      lane.send({ kind: 'releaseAll' });
      if (lane.settle(nowMs() + preparationMs)) lane.end();
      else lane.abandon();
    }
  }

  /** Waits for all lanes; what each answered, or null when the time is over. */
  #settle(deadlineMs: number): readonly LaneReply[][] | null {
    const settled = this.#lanes.map((lane) => lane.settle(deadlineMs));
    return settled.every(Boolean) ? this.#lanes.map((lane) => lane.replies()) : null;
  }

  #failure(
    graph: OperatorGraph,
    segments: readonly Segment[],
    replies: readonly LaneReply[][] | null,
  ): ExecutionError | null {
    if (!replies) throw new Error(`lanes: no answer within ${preparationMs} ms while preparing`);
    for (const [lane, answers] of replies.entries()) {
      const failed = answers.find((reply) => reply.kind === 'failed');
      if (failed?.kind !== 'failed') continue;
      const { device } = this.#options.lanes[lane]!;
      const segment = segments.find(({ key }) => key === failed.key);
      const unit = segment ? unitNamed(graph, segment.units, failed.message) : null;
      return describeFailure(unit, device, this.#options.pair[device].id, failed.message);
    }
    return null;
  }

  /** Ends an execution that takes too long: lanes that do not come back are replaced. */
  #giveUp(
    epoch: number,
    operations: readonly (readonly Operation[])[],
    segments: readonly Segment[],
    graph: OperatorGraph,
  ): ExecutionError {
    const { timeLimitMs, pair, lanes } = this.#options;
    Atomics.store(this.#control, word.abort, epoch);
    const deadlineMs = nowMs() + graceMs;
    const stuck = lanes.flatMap((_, lane) => (this.#lanes[lane]!.settle(deadlineMs) ? [] : [lane]));
    for (const lane of stuck) this.#lanes[lane]!.abandon();
    this.#abandoned += stuck.length;
    if (this.#abandoned > maxAbandoned) {
      this.#lanes.forEach((thread, lane) => {
        if (!stuck.includes(lane)) thread.end();
      });
      throw new InputError(
        `lanes: ${this.#abandoned} lanes of ${formatDevicePair(pair)} had to be abandoned, each after ${timeLimitMs} ms.`,
        'Raise timeLimitMs, or leave out the units that the errors name.',
      );
    }
    for (const lane of stuck) this.#lanes[lane] = this.#start(lane);
    for (const thread of this.#lanes) thread.replies();
    if (stuck.length > 0) this.#forget(stuck);
    // If all lanes came back in the end, the unit that began last is the one that the others waited for.
    const running = operations.map((own, lane) => this.#running(lane, own, segments));
    const late = stuck[0] ?? running.reduce((last, { startMs }, i) => (startMs > running[last]!.startMs ? i : last), 0);
    const { device } = lanes[late]!;
    const unit = graph.units[running[late]!.unit ?? -1] ?? null;
    return describeFailure(unit, device, pair[device].id, `it did not finish within ${timeLimitMs} ms`);
  }

  /** The first unit of the segment that the lane began last, and when. */
  #running(
    lane: number,
    operations: readonly Operation[],
    segments: readonly Segment[],
  ): { readonly unit: number | null; readonly startMs: number } {
    let began = { key: '', startMs: 0 };
    operations.forEach((operation, i) => {
      const startMs = this.#stamps[lane]![stampsPerOperation * i]!;
      if (operation.kind === 'run' && startMs > began.startMs) began = { key: operation.key, startMs };
    });
    return { unit: segments.find(({ key }) => key === began.key)?.units[0] ?? null, startMs: began.startMs };
  }

  /** Sessions of replaced lanes are gone; those of the others are released, so that all start even. */
  #forget(replaced: readonly number[]): void {
    for (const [key, { segment }] of this.#holders)
      if (!replaced.includes(segment.lane)) this.#lanes[segment.lane]!.send({ kind: 'release', key });
    this.#holders.clear();
    this.#generation++;
  }
}

/** A model, or a part of one, as a lane loads it. */
export interface LoadRequest {
  readonly model: string | Uint8Array<ArrayBuffer>;
  readonly inputs: readonly Place[];
  readonly outputs: readonly Place[];
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
