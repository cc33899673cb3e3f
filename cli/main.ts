#!/usr/bin/env node
// The program `sparoa-gym`.
import { report, runCommandLine } from './program.js';

/** What is thrown outside the command's own promise, by a callback, is reported like the rest. */
process.on('uncaughtException', (error) => process.exit(report(error)));

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Who reads has seen enough, as in `sparoa-gym list | head -1`: that is no failure.
    if (error.code === 'EPIPE') process.exit(0);
    process.exit(
      report(Object.assign(error, { path: stream === process.stdout ? 'standard output' : 'standard error' })),
    );
  });
}

const exitCode = await runCommandLine(process.argv.slice(2));
// A command that supervises another process may have set its own.
if (exitCode !== 0) process.exitCode = exitCode;
