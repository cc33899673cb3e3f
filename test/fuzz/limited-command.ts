// Runs the compiled command line on an input that may be damaged or hostile, and says what is wrong with how it ended. A
// fuzz of files and the tests of single cases ask the same of every command, so the rules stand once.
import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mainScript } from '../fixtures/command-line.js';

/** What no command may exceed on a damaged input. */
export const limits = { seconds: 5, bytes: 1.5e9 } as const;

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** The largest sum of resident memory of the command and its children that was seen. */
  readonly peakBytes: number;
}

/** Runs `sparoa-gym ...args` and ends it, and its children, at twice the time limit. */
export async function runLimited(args: readonly string[], options: SpawnOptions = {}): Promise<Ending> {
  const started = performance.now();
  const child = spawn(process.execPath, [mainScript, ...args], { ...options, stdio: 'pipe', detached: true });
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => (stdout += chunk));
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  let peakBytes = 0;
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(child.pid!));
    if (performance.now() - started > 2000 * limits.seconds || peakBytes > 2 * limits.bytes) killGroup(child.pid!);
  }, 50);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearInterval(watch);
  return { code, signal, stdout, stderr, seconds: (performance.now() - started) / 1000, peakBytes };
}

/** What is wrong with how a command on a damaged input ended; null where it did what it should. */
export function faultOf({ code, signal, stderr, seconds, peakBytes }: Ending): string | null {
  if (signal !== null) return `ended by ${signal} after ${seconds.toFixed(1)} s at ${(peakBytes / 1e9).toFixed(2)} GB`;
  if (seconds > limits.seconds) return `took ${seconds.toFixed(1)} s`;
  if (peakBytes > limits.bytes) return `took ${(peakBytes / 1e9).toFixed(2)} GB`;
  if (/^\s+at .*[:(]|node:internal/m.test(stderr)) return `stack trace: ${stderr.slice(0, 300)}`;
  if (code === 0) return null;
  if (code !== 1 && code !== 2) return `exit code ${code}`;
  const lines = stderr.trimEnd().split('\n');
  return lines.length <= 2 && lines[0] !== '' ? null : `an error of ${lines.length} lines: ${stderr.slice(0, 300)}`;
}

/** Of a process and all of its descendants; 0 where the system has no /proc. */
function residentBytes(root: number): number {
  try {
    const parents = new Map<number, number>();
    const resident = new Map<number, number>();
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        const [pages = '0'] = readFileSync(`/proc/${name}/statm`, 'utf8').split(' ').slice(1);
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
        resident.set(Number(name), Number(pages) * 4096);
      } catch {
        // It ended meanwhile.
      }
    }
    const within = (pid: number): boolean => pid === root || (parents.has(pid) && within(parents.get(pid)!));
    return [...resident].reduce((sum, [pid, bytes]) => sum + (within(pid) ? bytes : 0), 0);
  } catch {
    return 0;
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}
