// A lane: a thread with its own sessions and tensors. It sleeps until a command comes, carries out commands in order, and
// during an execution looks at shared memory only. ONNX Runtime's `run` blocks this thread, which is what a lane is for.
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import {
  type LaneCommand,
  type LaneReply,
  type LaneStart,
  nowMs,
  type Operation,
  type Place,
  pieceBytes,
  stampsPerOperation,
  type TensorSlot,
  word,
} from './protocol.js';

const { lane, handover, slots, shared, retired, port } = workerData as LaneStart & { readonly port: MessagePort };
const control = new Int32Array(shared.control);
const flags = new Int32Array(shared.flags);
const progress = new Int32Array(shared.progress);
const retirement = new Int32Array(retired);
const arena = new Uint8Array(shared.arena);
const stamps = new Float64Array(shared.stamps[lane]!);

interface PrivateTensor {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly tensor: ort.Tensor;
}

interface LoadedSegment {
  readonly session: ort.InferenceSession;
  readonly feeds: Record<string, ort.Tensor>;
  readonly fetches: Record<string, ort.Tensor>;
  /** Rows of inputs and outputs that are no one piece of memory: copied before the run, and after it. */
  readonly gather: readonly ApartRows[];
  readonly scatter: readonly ApartRows[];
}

interface ApartRows {
  readonly place: Place;
  /** The rows one after the other: what the session reads or writes. */
  readonly apart: Uint8Array;
}

/** Private tensors are allocated once per slot and shared by all segments of the lane. */
const tensors = new Map<number, PrivateTensor>();
const segments = new Map<string, LoadedSegment>();

/** How long a lane looks for the next command before it sleeps: an environment decides within that. */
const hotMs = 0.2;
/**
 * How long a lane polls for a tensor before it sleeps. Waking costs 35 us, some of what was waited by then; polling
 * on would take the core from the lane that is waited for, where other programs run too.
 */
const pollMs = 20;
const looksPerClock = 64;
/** An abandoned execution is noticed by a sleeping lane within this time. */
const abortCheckMs = 20;

let seen = Atomics.load(control, word.done(lane));
for (;;) {
  awaitCommand();
  for (let message = receiveMessageOnPort(port); message; message = receiveMessageOnPort(port)) {
    await carryOut(message.message as LaneCommand);
    seen++;
    Atomics.store(control, word.done(lane), seen);
    Atomics.notify(control, word.done(lane));
  }
}

function awaitCommand(): void {
  const index = word.sent(lane);
  if (handover === 'polling') {
    const endMs = nowMs() + hotMs;
    while (Atomics.load(control, index) === seen && nowMs() < endMs);
  }
  while (Atomics.load(control, index) === seen) Atomics.wait(control, index, seen);
}

async function carryOut(command: LaneCommand): Promise<void> {
  switch (command.kind) {
    case 'load':
      return guarded(command.key, () => load(command));
    case 'release': {
      const segment = segments.get(command.key);
      segments.delete(command.key);
      return segment?.session.release();
    }
    case 'execute':
      return execute(command.operations, command.epoch);
    case 'write':
      return privateTensor(command.slot).bytes.set(command.bytes);
    case 'spoil':
      for (const [slot, { bytes }] of tensors) if (!command.keep.includes(slot)) bytes.fill(0xff);
      return;
    case 'read':
      return reply({ kind: 'values', values: command.slots.map((slot) => privateTensor(slot).bytes.slice()) });
    default:
      command satisfies never;
  }
}

function reply(message: LaneReply): void {
  port.postMessage(message);
}

/** Reports what is thrown instead of throwing it; false then. */
async function guarded(key: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    reply({ kind: 'failed', key, message: (error as Error).message });
  }
}

async function load(command: LaneCommand & { kind: 'load' }): Promise<void> {
  const { key, model, settings, inputs, outputs } = command;
  const session =
    typeof model === 'string'
      ? await ort.InferenceSession.create(model, settings)
      : await ort.InferenceSession.create(model, settings);
  const gather: ApartRows[] = [];
  const scatter: ApartRows[] = [];
  const named = (places: readonly Place[], apart: ApartRows[]) =>
    Object.fromEntries(places.map((place) => [slots[place.slot]!.name, tensorAt(place, apart)]));
  segments.set(key, { session, feeds: named(inputs, gather), fetches: named(outputs, scatter), gather, scatter });
}

/** The place as a tensor: of the private one's memory where it is one piece of that, else of rows `apart`. */
function tensorAt(place: Place, apart: ApartRows[]): ort.Tensor {
  const slot = slots[place.slot]!;
  const whole = privateTensor(place.slot);
  if (!place.region) return whole.tensor;
  if (place.region.rows === 1) return tensorOn(slot, place.shape, whole.bytes.buffer, place.region);
  const buffer = new ArrayBuffer(place.region.rows * place.region.length);
  apart.push({ place, apart: new Uint8Array(buffer) });
  return tensorOn(slot, place.shape, buffer, { offset: 0, length: buffer.byteLength });
}

/** Ends early when the execution is given up: by another lane's failure, or by the time limit. */
async function execute(operations: readonly Operation[], epoch: number): Promise<void> {
  let at = 0;
  for (const operation of operations) {
    stamps[at] = nowMs();
    if (operation.kind === 'run') {
      const { key } = operation;
      try {
        await run(segments.get(key)!);
        leaveIfRetired();
      } catch (error) {
        leaveIfRetired();
        Atomics.store(control, word.abort, epoch);
        return reply({ kind: 'failed', key, message: (error as Error).message });
      }
      stamps[at + 1] = nowMs();
    } else if (operation.kind === 'out') {
      send(operation, epoch);
      stamps[at + 1] = nowMs();
    } else if (operation.kind === 'signal') {
      // Before the flag: what another lane takes from here on to notice is synchronising.
      stamps[at + 1] = nowMs();
      raise(flags, operation.flag, epoch);
    } else {
      if (!reached(flags, operation.flag, epoch, epoch)) return;
      stamps[at + 1] = nowMs();
      if (operation.kind === 'in') {
        if (!fetch(operation, epoch)) return;
        stamps[at + 2] = nowMs();
      }
    }
    at += stampsPerOperation;
  }
}

/** Another thread has taken this lane's place: nothing of what it shares may be touched any more. */
function leaveIfRetired(): void {
  if (Atomics.load(retirement, 0) === 1) process.exit();
}

async function run({ session, feeds, fetches, gather, scatter }: LoadedSegment): Promise<void> {
  for (const { place, apart } of gather) {
    const { rows, stride, offset, length } = place.region!;
    const from = privateTensor(place.slot).bytes;
    for (let row = 0, at = offset; row < rows; row++, at += stride)
      apart.set(from.subarray(at, at + length), row * length);
  }
  await session.run(feeds, fetches);
  for (const { place, apart } of scatter) {
    const { rows, stride, offset, length } = place.region!;
    const to = privateTensor(place.slot).bytes;
    for (let row = 0, at = offset; row < rows; row++, at += stride)
      to.set(apart.subarray(row * length, (row + 1) * length), at);
  }
}

type Send = Operation & { kind: 'out' };
type Fetch = Operation & { kind: 'in' };

function send({ slot, region, flag }: Send, epoch: number): void {
  const { rows, stride, offset, length } = region;
  const from = privateTensor(slot).bytes;
  const to = arenaOf(slot);
  // What an earlier execution has left there; nobody looks before the flag.
  Atomics.store(progress, flag, 0);
  for (let row = 0, rowStart = offset; row < rows; row++, rowStart += stride) {
    for (let start = rowStart; start < rowStart + length; start += pieceBytes) {
      const end = Math.min(rowStart + length, start + pieceBytes);
      to.set(from.subarray(start, end), start);
      raise(progress, flag, end);
      if (start === offset) raise(flags, flag, epoch);
    }
  }
  // A region without a byte is there too.
  if (Atomics.load(flags, flag) !== epoch) raise(flags, flag, epoch);
}

/** Copies what has arrived, piece by piece; false when the execution is given up. */
function fetch({ slot, region, flag }: Fetch, epoch: number): boolean {
  const { rows, stride, offset, length } = region;
  const from = arenaOf(slot);
  const to = privateTensor(slot).bytes;
  for (let row = 0, rowStart = offset; row < rows; row++, rowStart += stride) {
    for (let start = rowStart; start < rowStart + length; start += pieceBytes) {
      const end = Math.min(rowStart + length, start + pieceBytes);
      if (!reached(progress, flag, end, epoch)) return false;
      to.set(from.subarray(start, end), start);
    }
  }
  return true;
}

function raise(words: Int32Array, index: number, value: number): void {
  Atomics.store(words, index, value);
  Atomics.notify(words, index);
}

/** Waits until the word shows the value or a higher one; false when the execution is given up. */
function reached(words: Int32Array<SharedArrayBuffer>, index: number, value: number, epoch: number): boolean {
  if (Atomics.load(words, index) >= value) return true;
  const pollUntilMs = handover === 'polling' ? nowMs() + pollMs : 0;
  for (let looks = 0, asleep = handover === 'blocking'; ; looks++) {
    const seen = Atomics.load(words, index);
    if (seen >= value) return true;
    if (Atomics.load(control, word.abort) === epoch) return false;
    // The clock costs more than a look.
    if (!asleep && looks % looksPerClock === 0) asleep = nowMs() > pollUntilMs;
    if (asleep) Atomics.wait(words, index, seen, abortCheckMs);
  }
}

function arenaOf(slot: number): Uint8Array {
  const { offset, bytes } = slots[slot]!;
  return arena.subarray(offset, offset + bytes);
}

function privateTensor(index: number): PrivateTensor {
  let found = tensors.get(index);
  if (!found) {
    const slot = slots[index]!;
    const buffer = new ArrayBuffer(slot.bytes);
    found = {
      bytes: new Uint8Array(buffer),
      tensor: tensorOn(slot, slot.shape, buffer, { offset: 0, length: slot.bytes }),
    };
    tensors.set(index, found);
  }
  return found;
}

function tensorOn(
  { type }: TensorSlot,
  shape: readonly number[],
  buffer: ArrayBuffer,
  { offset, length }: { readonly offset: number; readonly length: number },
): ort.Tensor {
  const data = typedArray(type, buffer, offset, length);
  return new ort.Tensor(type as 'float32', data as Float32Array, [...shape]);
}

function typedArray(type: string, buffer: ArrayBuffer, offset: number, bytes: number): ArrayBufferView {
  switch (type) {
    case 'float32':
      return new Float32Array(buffer, offset, bytes / 4);
    case 'float64':
      return new Float64Array(buffer, offset, bytes / 8);
    case 'int64':
      return new BigInt64Array(buffer, offset, bytes / 8);
    case 'uint64':
      return new BigUint64Array(buffer, offset, bytes / 8);
    case 'int32':
      return new Int32Array(buffer, offset, bytes / 4);
    case 'uint32':
      return new Uint32Array(buffer, offset, bytes / 4);
    case 'float16':
    case 'uint16':
      return new Uint16Array(buffer, offset, bytes / 2);
    case 'int16':
      return new Int16Array(buffer, offset, bytes / 2);
    case 'int8':
      return new Int8Array(buffer, offset, bytes);
    default:
      return new Uint8Array(buffer, offset, bytes);
  }
}
