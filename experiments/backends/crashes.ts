// Crashes of native code, seen from the process that started the one that died: what was in flight is recorded, and the
// work is started again; its journal makes what crashed an error from then on.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../base/errors/input-error.js';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { readText } from '../../base/files/json.js';
import { type Crash, crashSchema, inFlight, type JournalOptions } from '../../engine/runtime/journal.js';

/** A folder with more has another problem than single operators. */
const mostCrashes = 10;

/** Signals by which the kernel or the C library ends a process that did something impossible. */
const fatalSignals = ['SIGSEGV', 'SIGABRT', 'SIGILL', 'SIGBUS', 'SIGFPE', 'SIGTRAP', 'SIGSYS'];
/** From here on, an exit code on Windows is the exception that ended the process. */
const firstWindowsException = 0xc000_0000;

/** The signal by which native code died, on Windows the exception's number; null for every other end of a process. */
export function crashSignal(code: number | null, signal: NodeJS.Signals | null): string | null {
  if (signal) return fatalSignals.includes(signal) ? signal : null;
  return code !== null && code >= firstWindowsException ? `0x${code.toString(16)}` : null;
}

/** Where the work of a folder keeps its journal. */
export const journalPath = (directory: string): string => join(directory, 'in-flight.txt');

/** What crashed in a folder's work so far. */
export function readCrashes(directory: string): Crash[] {
  const path = join(directory, 'crashes.jsonl');
  if (!existsSync(path)) return [];
  const lines = readText(path, 'Remove it: what crashes again is recorded again.').split('\n');
  return lines.flatMap((line) => crashOf(line) ?? []);
}

/** Null where the line is cut or changed: what it said would crash again, and be recorded again. */
function crashOf(line: string): Crash | null {
  try {
    return crashSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

/** What executors heed and keep that work for a folder. */
export function journalOf(directory: string): Pick<JournalOptions, 'path' | 'crashes'> {
  return { path: journalPath(directory), crashes: readCrashes(directory) };
}

/**
 * Adds to `crashes.jsonl` what was in flight in `directory` when `signal` ended its process.
 * @throws InputError when nothing was, so that starting again would change nothing, or when too much crashed already.
 */
export function recordCrash(directory: string, signal: string): Crash {
  const execution = inFlight(journalPath(directory));
  // A next process that dies before it executes anything must not find it.
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
