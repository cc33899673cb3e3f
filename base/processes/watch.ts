// The thread that watches its process: ends it when it exceeds a limit, or when the process that asked is gone.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import type { Answer, ProcessLimits } from './supervised.js';
import { answerFile } from './supervised-child.js';

const { limits, parent } = workerData as { limits: ProcessLimits; parent: number };
/** A process that waits instead of working: a lock that nobody frees. Others may take most of the processor. */
const longestMs = 60_000 + 20_000 * limits.cpuSeconds;
/** What loading the code took does not count: it is not the request's. */
const begun = process.cpuUsage();
/** Memory grows by some 100 MB in that time. */
const lookEachMs = 20;

setInterval(() => {
  if (process.ppid !== parent) end();
  const { user, system } = process.cpuUsage(begun);
  if (process.memoryUsage.rss() > limits.memoryBytes) end({ exceeded: 'memory' });
  if ((user + system) / 1e6 > limits.cpuSeconds || performance.now() > longestMs) end({ exceeded: 'time' });
}, lookEachMs);

/** No other end is certain while native code runs. */
function end(answer?: Answer<never>): void {
  if (answer) writeSync(answerFile, JSON.stringify(answer));
  process.kill(process.pid, 'SIGKILL');
}
