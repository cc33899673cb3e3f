// `sparoa-gym job`: one line of a run's manifest; what job backends start. Progress goes to standard output, as JSON lines.
import type { Command } from 'commander';
import { runJob } from '../experiments/job.js';
import { readEntry } from '../experiments/trainings.js';
import { nonNegativeInteger, printJson } from './options.js';

export function jobCommand(program: Command): void {
  program
    .command('job <manifest> <index>', { hidden: true })
    .description('run one job of a manifest (started by run)')
    .action(async (manifest: string, index: string) => {
      const { directory, job } = readEntry(manifest, nonNegativeInteger(index));
      await runJob(directory, job, printJson);
    });
}
