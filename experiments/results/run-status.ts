// `status.json` of a run: whether it is running, done, failed or stopped. A process that is killed cannot write that, so the
// file names the process from the start, and a reader can check whether it still exists.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { readJsonIfWhole } from '../../base/files/json.js';

const schema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('running'),
    pid: z.int().positive(),
    /** ISO 8601, of the process. */
    startedAt: z.string(),
    /** Start time by the kernel (/proc/<pid>/stat), because process ids are reused; null if it is unknown. */
    startTicks: z.int().nullable(),
  }),
  z.object({ state: z.literal('done') }),
  z.object({ state: z.literal('failed'), error: z.string() }),
  /** `signal` is null if the process ended for an unknown reason: killed, or a power failure. */
  z.object({ state: z.literal('stopped'), signal: z.string().nullable(), at: z.string().nullable() }),
]);
export type RunStatus = z.infer<typeof schema>;

const pathOf = (directory: string) => join(directory, 'status.json');

function writeStatus(directory: string, status: RunStatus): void {
  writeFileAtomic(pathOf(directory), `${JSON.stringify(status, null, 2)}\n`);
}

/** The status of this running process. */
function running(): RunStatus {
  return {
    state: 'running',
    pid: process.pid,
    startedAt: new Date(Date.now() - 1000 * process.uptime()).toISOString(),
    startTicks: startTicks(process.pid),
  };
}

/**
 * Does the work of a run and keeps the status in `directory` up to date.
 * @param report receives a message when an earlier run in this folder was stopped
 */
export async function withStatus<T>(
  directory: string,
  report: (text: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const before = readStatus(directory);
  if (before?.state === 'stopped')
    report(`continuing a run that was stopped${before.signal ? ` by ${before.signal}` : ''}`);
  writeStatus(directory, running());
  try {
    const result = await work();
    writeStatus(directory, { state: 'done' });
    return result;
  } catch (error) {
    try {
      writeStatus(directory, { state: 'failed', error: (error as Error).message });
    } catch {
      // The cause of the failure, such as a full disk, may prevent this write; it is reported anyway.
    }
    throw error;
  }
}

/** The status of the run in a directory; null if there is none. If the process is gone, the run is stopped. */
export function readStatus(directory: string): RunStatus | null {
  const status = readJsonIfWhole(pathOf(directory), schema);
  if (status?.state !== 'running' || isAlive(status)) return status;
  return { state: 'stopped', signal: null, at: null };
}

function isAlive({ pid, startTicks: started }: Extract<RunStatus, { state: 'running' }>): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process cannot be signalled, but it exists.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return started === null || startTicks(pid) === started;
}

function startTicks(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in brackets, may hold spaces; the start is the 22nd field, the 20th after it.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return null;
  }
}

const endingSignals = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/**
 * From now on a signal that ends this process is written into the status of the run in `directory`, if one is under way.
 * @returns a function that undoes this
 */
export function noteSignals(directory: string): () => void {
  const note = (signal: keyof typeof endingSignals) => {
    try {
      if (readJsonIfWhole(pathOf(directory), schema)?.state === 'running')
        writeStatus(directory, { state: 'stopped', signal, at: new Date().toISOString() });
    } finally {
      process.exit(128 + endingSignals[signal]);
    }
  };
  const signals = Object.keys(endingSignals) as (keyof typeof endingSignals)[];
  for (const signal of signals) process.once(signal, note);
  return () => {
    for (const signal of signals) process.removeListener(signal, note);
  };
}
