// Work that may end its process, or never end: it runs in a process of its own, within limits on memory and processor time,
// and however that ends is a value here. The other side is supervised-child.ts.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { InputError } from '../errors/input-error.js';

export interface ProcessLimits {
  /** Resident memory, bytes. */
  readonly memoryBytes: number;
  /** Processor time of all threads, s. */
  readonly cpuSeconds: number;
}

/** How the work ended: done, beyond a limit, or by a signal inside native code. */
export type Ending<T> =
  | { readonly value: T }
  | { readonly exceeded: 'memory' | 'time' }
  | { readonly signal: NodeJS.Signals };

/** What the process writes. */
export type Answer<T> =
  | { readonly value: T }
  | { readonly exceeded: 'memory' | 'time' }
  | { readonly problem: string; readonly remedy: string }
  | { readonly defect: string };

export interface SupervisedRequest {
  readonly request: unknown;
  readonly limits: ProcessLimits;
}

/**
 * Runs a script that calls `answerOnce`.
 * @param script compiled code
 * @param request plain JSON
 * @throws InputError where the work threw one, Error with the other stack where it threw anything else
 */
export async function runSupervised<T>(script: string, request: unknown, limits: ProcessLimits): Promise<Ending<T>> {
  // Not those of this process: a debugger's port, or a test runner's loader.
  const child = spawn(process.execPath, [script], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
  }) as ChildProcessByStdio<Writable, null, Readable>;
  let [answered, complaint] = ['', ''];
  child.stdio[3]!.on('data', (chunk: Buffer) => (answered += chunk));
  child.stderr.on('data', (chunk: Buffer) => (complaint = `${complaint}${chunk}`.slice(-4000)));
  // It may have ended before it read anything.
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify({ request, limits } satisfies SupervisedRequest));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  const answer = answered === '' ? null : (JSON.parse(answered) as Answer<T>);
  if (answer && 'problem' in answer) throw new InputError(answer.problem, answer.remedy);
  if (answer && 'defect' in answer) throw new Error(answer.defect);
  if (answer) return answer;
  // V8 ends the process when its own heap is full.
  if (/heap out of memory|bad_alloc/.test(complaint)) return { exceeded: 'memory' };
  if (signal) return { signal };
  throw new Error(`${script} ended with exit code ${code} and no answer: ${complaint}`);
}
