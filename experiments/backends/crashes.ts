// Handles crashes of native code in the parent process: it records what was running and starts the work again. From then on
// that execution is an error.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../base/errors/input-error.js';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { readText } from '../../base/files/json.js';
import { type Crash, crashSchema, inFlight, type JournalOptions } from '../../engine/runtime/journal.js';

/** More crashes in one folder have another cause than single operators. */
const mostCrashes = 10;

/** Signals of faults in native code. */
const fatalSignals = ['SIGSEGV', 'SIGABRT', 'SIGILL', 'SIGBUS', 'SIGFPE', 'SIGTRAP', 'SIGSYS'];
/** From here on, an exit code on Windows is the exception that ended the process. */
const firstWindowsException = 0xc000_0000;

/** The signal of a crash in native code, on Windows the exception's number; null for any other end of a process. */
export function crashSignal(code: number | null, signal: NodeJS.Signals | null): string | null {
  if (signal) return fatalSignals.includes(signal) ? signal : null;
  return code !== null && code >= firstWindowsException ? `0x${code.toString(16)}` : null;
}

/** Where the work of a folder keeps its journal. */
export const journalPath = (directory: string): string => join(directory, 'in-flight.txt');

/** The crashes of a folder's work so far. */
export function readCrashes(directory: string): Crash[] {
  const path = join(directory, 'crashes.jsonl');
  if (!existsSync(path)) return [];
  const lines = readText(path, 'Remove it: what crashes again is recorded again.').split('\n');
  return lines.flatMap((line) => crashOf(line) ?? []);
}

/** Null if the line is damaged: its execution would crash again, and be recorded again. */
function crashOf(line: string): Crash | null {
  try {
    return crashSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

/** The journal and the known crashes of a folder, for its executors. */
export function journalOf(directory: string): Pick<JournalOptions, 'path' | 'crashes'> {
  return { path: journalPath(directory), crashes: readCrashes(directory) };
}

/**
 * Adds to `crashes.jsonl` what was running in `directory` when `signal` ended its process.
 * @throws InputError when nothing was running, so that a restart would not help, or after too many crashes.
 */
export function recordCrash(directory: string, signal: string): Crash {
  const execution = inFlight(journalPath(directory));
  // The next process may die before it executes anything; it must not find this entry.
  rmSync(journalPath(directory), { force: true });
  if (!execution) {
    throw new InputError(
      `${directory}: native code crashed (${signal}), and not while a schedule was executed.`,
      'Try another device pair or backend; "sparoa-gym list devices" says what runs here.',
    );
  }
  const crash: Crash = { signal, ...execution };
  const crashes = [...readCrashes(directory), crash];
  writeFileAtomic(join(directory, 'crashes.jsonl'), crashes.map((each) => `${JSON.stringify(each)}\n`).join(''));
  if (crashes.length >= mostCrashes) {
    throw new InputError(
      `${directory}: native code crashed ${crashes.length} times, last ${describeCrash(crash)}.`,
      'See crashes.jsonl there; choose other devices or another executor.',
    );
  }
  return crash;
}

/** `SIGSEGV at unit 3 on webgpu` */
export function describeCrash({ signal, unit, device, devices }: Crash): string {
  const where = device === null ? devices.join('+') : devices[device];
  return `${signal} at ${unit === null ? 'a schedule' : `unit ${unit}`} on ${where}`;
}
