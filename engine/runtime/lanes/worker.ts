// A lane: a thread with its own sessions and tensors. It sleeps until a command comes, carries out commands in order, and
// during an execution looks at shared memory only. ONNX Runtime's `run` blocks this thread, which is what a lane is for.
import { MessageChannel, type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { type Operation, stampsPerOperation } from '../../segments/operations.js';
import { type BoundTensor, LaneTensors } from './lane-tensors.js';
import { type LaneCommand, type LaneReply, type LaneStart, nowMs, word } from './protocol.js';
import { Relay } from './relay.js';

const { lane, handover, slots, shared, retired, port } = workerData as LaneStart & { readonly port: MessagePort };
const control = new Int32Array(shared.control);
const retirement = new Int32Array(retired);
const stamps = new Float64Array(shared.stamps[lane]!);
const tensors = new LaneTensors(slots);
const relay = new Relay(handover, slots, shared, tensors);

interface LoadedSegment {
  readonly session: ort.InferenceSession;
  readonly inputs: readonly BoundTensor[];
  readonly outputs: readonly BoundTensor[];
  readonly feeds: Record<string, ort.Tensor>;
  readonly fetches: Record<string, ort.Tensor>;
}

const segments = new Map<string, LoadedSegment>();

/** A port whose other end is closed: a buffer posted to it is taken from this thread, and nobody gets it. */
const nowhere = new MessageChannel().port1;
nowhere.close();

/** How long a lane looks for the next command before it sleeps: an environment decides within that. */
const hotMs = 0.2;

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
    case 'releaseAll':
      for (const { session } of segments.values()) await session.release();
      return segments.clear();
    case 'execute':
      return execute(command.operations, command.epoch);
    case 'write':
      return tensors.bytes(command.slot).set(command.bytes);
    case 'invalidate':
      return tensors.invalidate(command.keep);
    case 'read':
      return reply({ kind: 'values', values: command.slots.map((slot) => tensors.bytes(slot).slice()) });
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
  const { key, model, settings } = command;
  const session =
    typeof model === 'string'
      ? await ort.InferenceSession.create(model, settings)
      : await ort.InferenceSession.create(model, settings);
  const inputs = command.inputs.map((place) => tensors.bind(place));
  const outputs = command.outputs.map((place) => tensors.bind(place));
  const named = (bound: readonly BoundTensor[]) => Object.fromEntries(bound.map(({ name, tensor }) => [name, tensor]));
  segments.set(key, { session, inputs, outputs, feeds: named(inputs), fetches: named(outputs) });
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
      relay.send(operation, epoch, stamps, at + 1);
    } else if (operation.kind === 'signal') {
      // Before the flag: what another lane takes from here on to notice is synchronising.
      stamps[at + 1] = nowMs();
      relay.raise(operation.flag, epoch);
    } else {
      if (!relay.wait(operation.flag, epoch)) return;
      stamps[at + 1] = nowMs();
      if (operation.kind === 'in') {
        if (!relay.fetch(operation, epoch)) return;
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

async function run({ session, inputs, outputs, feeds, fetches }: LoadedSegment): Promise<void> {
  for (const input of inputs) input.gather();
  free(await session.run(feeds, fetches), fetches);
  for (const output of outputs) output.scatter();
}

/**
 * Frees the copies that onnxruntime-node 1.30 makes of the output tensors given to it (`OrtValueToNapiValue`). Left to the
 * garbage collector, each run faults new pages in, which takes as long as a convolution with a large output. Freed at
 * once, the next run reuses the pages.
 */
function free(results: Readonly<Record<string, ort.Tensor>>, fetches: LoadedSegment['fetches']): void {
  const copies: ArrayBuffer[] = [];
  for (const [name, { data }] of Object.entries(results)) {
    const { buffer } = data as Float32Array<ArrayBuffer>;
    if (buffer !== (fetches[name]!.data as Float32Array).buffer) copies.push(buffer);
  }
  nowhere.postMessage(null, copies);
}
