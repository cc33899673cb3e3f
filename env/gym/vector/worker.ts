// A worker thread of a vector. It makes its environments as a VectorEnv on the shared arrays, sends their spaces, and then
// waits for commands without returning to its event loop.
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { InputError } from '../../../base/errors/input-error.js';
import type { Env } from '../env.js';
import { Box } from '../spaces/box.js';
import { Discrete } from '../spaces/discrete.js';
import { makeEnvironments } from './make-vector.js';
import type { Failure, Made, Reply, Request, WorkerStart } from './protocol.js';
import { actionsOf, command, outcomeOf, type VectorMemory, word } from './shared-memory.js';
import { VectorEnv } from './vector-env.js';

const { spec, autoreset, modules, worker, from, rows, port } = workerData as WorkerStart;

try {
  for (const module of modules) await import(module);
  const envs = await makeEnvironments<unknown>(spec, rows);
  const { observationSpace, actionSpace } = envs[0]!;
  const spaces = { observation: observationSpace.toJSON(), action: actionSpace.toJSON() };
  parentPort!.once('message', ({ memory }: Extract<Request, { kind: 'memory' }>) => serve(envs, memory));
  parentPort!.postMessage({ spaces } satisfies Made);
} catch (error) {
  parentPort!.postMessage(failureOf(error) satisfies Made);
}

function serve(envs: readonly Env<Float32Array, unknown>[], memory: VectorMemory): void {
  const control = new Int32Array(memory.control);
  const settled = (): void => {
    Atomics.add(control, word.done(worker), 1);
    Atomics.notify(control, word.done(worker));
  };
  // The thread that waits for this one sees that it has ended.
  process.on('exit', () => {
    Atomics.store(control, word.ended(worker), 1);
    settled();
  });
  const vector = new VectorEnv(envs, autoreset, outcomeOf(memory, from, rows));
  const actions = actionReader(vector, memory);
  for (let done = 0; ; done = (done + 1) | 0) {
    Atomics.wait(control, word.sent(worker), done);
    try {
      const kind = Atomics.load(control, word.command(worker));
      if (kind === command.stepInto) vector.stepInto(actions());
      else {
        const infos = kind === command.step ? vector.step(actions()) : requested(vector, port);
        if (infos === null) break;
        port.postMessage({ infos: infos.infos, finalInfos: infos.finalInfos } satisfies Reply);
      }
    } catch (error) {
      port.postMessage(failureOf(error) satisfies Reply);
    }
    settled();
  }
  // The thread has nothing left to do, and its exit settles.
  process.exit(0);
}

/** Null: the vector is closed. */
function requested(vector: VectorEnv<unknown>, from: MessagePort): Exclude<Reply, Failure> | null {
  const request = receiveMessageOnPort(from)!.message as Request;
  if (request.kind === 'reset') {
    const { seeds, only } = request;
    const { infos } = vector.reset({ ...(seeds && { seed: seeds }), ...(only && { only }) });
    return { infos, finalInfos: [] };
  }
  vector.close();
  return null;
}

/** Actions as this worker's vector takes them. */
function actionReader({ singleActionSpace: space }: VectorEnv<unknown>, memory: VectorMemory) {
  const numbers = actionsOf(memory, from, rows);
  if (space instanceof Box || space instanceof Discrete) return () => numbers;
  const size = memory.actionSize;
  return () =>
    Array.from({ length: rows }, (_, i) =>
      space.unflatten(Float32Array.from(numbers.subarray(i * size, (i + 1) * size))),
    );
}

function failureOf(error: unknown): Failure {
  return { message: error instanceof Error ? error.message : String(error), input: error instanceof InputError };
}
