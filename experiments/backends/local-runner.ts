// The local job backend: each job in a process of its own, as many side by side as there are cores. Another backend would
// submit the same command lines, one per job.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import type { JobProgress } from '../job.js';
import { crashSignal } from './crashes.js';

/** `node …/cli/main.js`: how a process of this program is started. */
export interface ProgramCommand {
  readonly executable: string;
  readonly script: string;
}

export interface LocalRunOptions {
  readonly program: ProgramCommand;
  /** Arguments of each job's process. */
  readonly jobs: readonly (readonly string[])[];
  readonly parallel?: number | undefined;
  /** `index` is the job's position in `jobs`. */
  readonly onProgress: (index: number, progress: JobProgress) => void;
  readonly onDone: (index: number) => void;
  /** Native code ended the job's process by `signal`; the job is started again unless this throws an `InputError`. */
  readonly onCrash: (index: number, signal: string) => void;
}

/**
 * Runs every job; a job that fails does not stop the others.
 * @throws InputError when any failed, with the first failure's own words.
 */
export async function runLocally({
  program,
  jobs,
  parallel,
  onProgress,
  onDone,
  onCrash,
}: LocalRunOptions): Promise<void> {
  const failures: string[] = [];
  const children = new Set<ChildProcess>();
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const index = next++;
      const start = () => runProcess(program, jobs[index]!, children, (progress) => onProgress(index, progress));
      const failure = await untilNoCrash(start, (signal) => onCrash(index, signal));
      if (failure === null) onDone(index);
      else failures.push(`job ${index}: ${failure}`);
    }
  };
  const release = endWith(children);
  await Promise.all(Array.from({ length: Math.min(parallel ?? availableParallelism(), jobs.length) }, worker));
  release();
  if (failures.length > 0) {
    throw new InputError(
      `${failures.length} of ${jobs.length} jobs failed; ${failures[0]}`,
      'What finished is kept: run the same command again to continue.',
    );
  }
}

/** Restarts a process after each crash until `onCrash` throws. Null if it ended well, else the reason. */
async function untilNoCrash(
  start: () => Promise<ProcessEnd>,
  onCrash: (signal: string) => void,
): Promise<string | null> {
  for (;;) {
    const { failure, crash } = await start();
    if (crash === null) return failure;
    try {
      onCrash(crash);
    } catch (error) {
      if (error instanceof InputError) return error.message.replace('\n', ' ');
      throw error;
    }
  }
}

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Kills `children` when this process exits or receives a signal to. Returns a function that undoes this. */
export function endWith(children: ReadonlySet<ChildProcess>): () => void {
  const stop = () => {
    for (const child of children) child.kill();
  };
  // A signal ends a process without an exit event: turn it into one.
  const exit = (_signal: string, number: number) => process.exit(128 + number);
  process.once('exit', stop);
  for (const signal of endingSignals) process.once(signal, exit);
  return () => {
    process.removeListener('exit', stop);
    for (const signal of endingSignals) process.removeListener(signal, exit);
  };
}

const progressSchema = z.object({
  step: z.number(),
  steps: z.number(),
  objective: z.number().nullable(),
  unit: z.string(),
});

/** Null if native code wrote the line. */
function progressOf(line: string): JobProgress | null {
  try {
    return progressSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

interface ProcessEnd {
  /** Null when the process ended well, else why not. */
  readonly failure: string | null;
  /** By which signal native code ended it; null when it did not. */
  readonly crash: string | null;
}

async function runProcess(
  { executable, script }: ProgramCommand,
  args: readonly string[],
  children: Set<ChildProcess>,
  onProgress: (progress: JobProgress) => void,
): Promise<ProcessEnd> {
  const child = spawn(executable, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const progress = progressOf(line);
    if (progress) onProgress(progress);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  children.delete(child);
  const words = errors.trim().split('\n').slice(0, 2).join(' ') || `ended by ${signal ?? `exit code ${code}`}`;
  return { failure: code === 0 ? null : words, crash: crashSignal(code, signal) };
}
