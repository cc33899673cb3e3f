// The side of a supervised process that works. A thread beside it watches: native code that does not return, or takes
// memory, leaves the event loop no turn.
import { readFileSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { InputError } from '../errors/input-error.js';
import type { Answer, SupervisedRequest } from './supervised.js';

/** Where the answer goes: native code may print to the others. */
export const answerFile = 3;

/** Reads the request of `runSupervised`, works on it within its limits, answers and ends the process. */
export async function answerOnce<T>(work: (request: never) => Promise<T>): Promise<void> {
  const { request, limits } = JSON.parse(readFileSync(0, 'utf8')) as SupervisedRequest;
  new Worker(new URL('./watch.js', import.meta.url), { workerData: { limits, parent: process.ppid } }).unref();
  let answer: Answer<T>;
  try {
    answer = { value: await work(request as never) };
  } catch (error) {
    if (error instanceof InputError) answer = { problem: error.problem, remedy: error.remedy };
    else answer = { defect: (error as Error).stack ?? String(error) };
  }
  writeAll(JSON.stringify(answer));
  process.exit(0);
}

function writeAll(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(answerFile, bytes, at);
}
