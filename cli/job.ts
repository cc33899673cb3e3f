// `sparoa-gym job`: one line of a run's manifest; what job backends start. Progress goes to standard output, as JSON lines.
import type { Command } from 'commander';
import { z } from 'zod';
import { InputError } from '../base/errors/input-error.js';
import { list, readJson } from '../base/files/json.js';
import { runJob } from '../experiments/job.js';
import { trainingJobSchema } from '../experiments/job-files.js';
import { runStreamJob, streamJobSchema } from '../experiments/stream/job.js';
import { nonNegativeInteger, printJson } from './options.js';

const manifestSchema = list(z.object({ directory: z.string(), job: z.union([streamJobSchema, trainingJobSchema]) }));

export function jobCommand(program: Command): void {
  program
    .command('job <manifest> <index>', { hidden: true })
    .description('run one job of a manifest (started by run)')
    .action(async (manifest: string, indexText: string) => {
      const entries = readJson(manifest, manifestSchema, 'Give the jobs.json of a run.');
      const entry = entries[nonNegativeInteger(indexText)];
      if (!entry)
        throw new InputError(`job: ${manifest} has ${entries.length} jobs, no number ${indexText}.`, 'Count from 0.');
      const { directory, job } = entry;
      await ('stream' in job ? runStreamJob(directory, job, printJson) : runJob(directory, job, printJson));
    });
}
