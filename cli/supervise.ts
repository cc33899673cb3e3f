// Commands that execute schedules on real devices run in a process of their own: native code that crashes ends that one,
// and this one records what was in flight and starts the command again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { crashSignal, describeCrash, recordCrash } from '../experiments/backends/crashes.js';
import { endWith } from '../experiments/backends/local-runner.js';
import { noteSignals } from '../experiments/results/run-status.js';

const marker = 'SPAROA_GYM_SUPERVISED';

/** Whether another process of this program watches this one. */
export const isSupervised = (): boolean => Boolean(process.env[marker]);

/**
 * Runs this very command line in another process, again after each crash; false in that process itself, which does the
 * work. Crashes are recorded in `directory`, where the work keeps its journal.
 * @throws InputError when starting again is of no use.
 */
export async function superviseHere(directory: string): Promise<boolean> {
  if (isSupervised()) return false;
  noteSignals(directory);
  for (;;) {
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      stdio: 'inherit',
      env: { ...process.env, [marker]: '1' },
    });
    const children = new Set<ChildProcess>([child]);
    const release = endWith(children);
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    release();
    const crash = crashSignal(code, signal);
    if (crash === null) {
      process.exitCode = code ?? 1;
      return true;
    }
    const what = describeCrash(recordCrash(directory, crash));
    process.stderr.write(`native code crashed: ${what}; recorded in ${directory}/crashes.jsonl, going on without it\n`);
  }
}
