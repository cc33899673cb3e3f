// The loop of a thread that answers an executor: a request comes in, its answer goes back, and the executor, which waits on
// a shared flag, is woken.
import { type MessagePort, workerData } from 'node:worker_threads';
import { InputError } from '../../../base/errors/input-error.js';
import type { Reply, Request } from './protocol.js';

/** The process that had the sessions is gone, and they with it. */
export class SessionsLost extends Error {}

/** Answers requests until `close` is answered; then the thread has nothing left to do and ends. */
export function serve(answer: (request: Request) => Promise<unknown>): void {
  const { port, answered } = workerData as { port: MessagePort; answered: Int32Array };
  port.on('message', async (request: Request) => {
    let reply: Reply<unknown>;
    try {
      reply = { value: await answer(request) };
    } catch (error) {
      reply = failure(error as Error);
    }
    port.postMessage(reply);
    Atomics.store(answered, 0, 1);
    Atomics.notify(answered, 0);
    if (request.op === 'close') port.close();
  });
}

function failure(error: Error): Reply<never> {
  if (error instanceof InputError) return { failure: error.problem, remedy: error.remedy };
  return { failure: error.message, ...(error instanceof SessionsLost && { lost: true }) };
}
