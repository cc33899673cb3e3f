// `sparoa-gym job`: one line of a run's manifest; what job backends start. Progress goes to standard output, as JSON lines.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { InputError } from '../base/errors/input-error.js';
import { runJob } from '../experiments/job.js';
import type { ManifestEntry } from '../experiments/run.js';
import { runStreamJob, type StreamJob } from '../experiments/stream/job.js';
import { nonNegativeInteger, printJson } from './options.js';

export function jobCommand(program: Command): void {
  program
    .command('job <manifest> <index>', { hidden: true })
    .description('run one job of a manifest (started by run)')
    .action(async (manifest: string, indexText: string) => {
      const entries = JSON.parse(readFileSync(manifest, 'utf8')) as (
        | ManifestEntry
        | { directory: string; job: StreamJob }
      )[];
      const entry = entries[nonNegativeInteger(indexText)];
      if (!entry)
        throw new InputError(`job: ${manifest} has ${entries.length} jobs, no number ${indexText}.`, 'Count from 0.');
      const { directory, job } = entry;
      await ('stream' in job ? runStreamJob(directory, job, printJson) : runJob(directory, job, printJson));
    });
}
