// The trainings of a run: one job for each learner, seed and setting, in a directory of its own; finished jobs are not repeated.
// The manifest lists the jobs; a job backend starts one line of it.
import { appendFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { learnerNames } from '../agents/learners.js';
import { InputError } from '../base/errors/input-error.js';
import { list, readJson } from '../base/files/json.js';
import { recordCrash } from './backends/crashes.js';
import { type ProgramCommand, runLocally } from './backends/local-runner.js';
import type { IdentifiedCell } from './cells.js';
import type { ExperimentConfig, SchedulerSpec } from './config.js';
import type { TrainedCell } from './evaluate.js';
import type { JobProgress } from './job.js';
import { finishedResult, jobSchema, settingsHash, type TrainingJob } from './job-files.js';
import type { Plugin } from './plugins.js';
import { baseName, shortName } from './report/figures/labels.js';

/** One line of the manifest: `sparoa-gym job <manifest> <index>` runs it, wherever it is started. */
export interface ManifestEntry {
  /** Absolute. */
  readonly directory: string;
  readonly job: TrainingJob;
}

/** Receives the progress of a run. */
export interface RunReporter {
  stage(text: string): void;
  jobs(labels: readonly string[]): void;
  progress(job: number, progress: JobProgress): void;
  done(job: number): void;
}

/**
 * The trainings of one variant of a config.
 * @param train the cells that one policy learns on; null: one policy per cell
 */
export function trainingsOf(
  config: ExperimentConfig,
  directory: string,
  cells: readonly IdentifiedCell[],
  train: readonly IdentifiedCell[] | null,
  plugins: readonly Plugin[],
): ManifestEntry[] {
  const learners = config.schedulers.filter(({ use }) => learnerNames().includes(use));
  const settings = train ? [{ train, evaluate: cells }] : cells.map((cell) => ({ train: [cell], evaluate: [cell] }));
  return learners.flatMap((spec) =>
    settings.flatMap((setting) =>
      Array.from({ length: config.seeds }, (_, seed) => entryOf(config, directory, spec, setting, seed, plugins)),
    ),
  );
}

function entryOf(
  { environment, training, compute, episodes }: ExperimentConfig,
  directory: string,
  { name, use, agent }: SchedulerSpec,
  { train, evaluate }: { readonly train: readonly IdentifiedCell[]; readonly evaluate: readonly IdentifiedCell[] },
  seed: number,
  plugins: readonly Plugin[],
): ManifestEntry {
  const job: TrainingJob = {
    version: 2,
    learner: use,
    name,
    environment,
    train: [...train],
    evaluate: [...evaluate],
    episodes: episodes ?? null,
    seed,
    training,
    compute,
    agent: { ...agent },
    plugins: [...plugins],
  };
  return { directory: resolve(directory, 'jobs', folderName(job), name, `seed-${seed}`), job };
}

/**
 * The folder of a training: a readable name of its cell, and a hash of all its other settings, so that runs with different
 * settings can use one results folder without overwriting each other.
 */
function folderName(job: TrainingJob): string {
  const { models, platform } = job.train[0]!;
  const others = job.train.length > 1 ? `_and_${job.train.length - 1}_more` : '';
  const name = [...models.map(baseName), platform === '' ? '' : shortName(platform)].filter(Boolean).join('_');
  return `${name.slice(0, 120)}${others}_${settingsHash(job).slice(0, 8)}`.replaceAll(/[^\w.-]/g, '-');
}

export interface TrainOptions {
  readonly directory: string;
  readonly program: ProgramCommand;
  readonly parallel: number | undefined;
  readonly reporter: RunReporter;
}

/** Runs the unfinished jobs. @throws InputError when a job failed; finished ones are kept */
export async function trainAll(manifest: readonly ManifestEntry[], options: TrainOptions): Promise<void> {
  const { directory, program, parallel, reporter } = options;
  const pending = manifest.flatMap((entry, index) =>
    finishedResult(entry.directory, entry.job) ? [] : [{ entry, index }],
  );
  if (pending.length === 0) return;
  reporter.stage(`training ${pending.length} agent${pending.length === 1 ? '' : 's'}`);
  reporter.jobs(
    pending.map(({ entry: { job } }) => {
      const [cell] = job.train;
      return `${job.name} on ${cell!.models.map(baseName).join(' and ') || job.environment.id} seed ${job.seed}`;
    }),
  );
  const log = join(directory, 'progress.jsonl');
  await runLocally({
    program,
    jobs: pending.map(({ index }) => ['job', resolve(directory, 'jobs.json'), String(index)]),
    parallel,
    onProgress: (position, progress) => {
      appendFileSync(log, `${JSON.stringify({ job: pending[position]!.index, ...progress })}\n`);
      reporter.progress(position, progress);
    },
    onDone: (position) => reporter.done(position),
    onCrash: (position, signal) => {
      const { entry, index } = pending[position]!;
      const crash = recordCrash(entry.directory, signal);
      appendFileSync(join(directory, 'crashes.jsonl'), `${JSON.stringify({ job: index, ...crash })}\n`);
    },
  });
}

/** The finished trainings of a learner that were evaluated on a cell, in order of their seeds. */
export function trainedOn(
  manifest: readonly ManifestEntry[],
  name: string,
  key: (cell: IdentifiedCell) => boolean,
): TrainedCell[] {
  return manifest.flatMap(({ directory, job }) => {
    const cell = job.evaluate.findIndex(key);
    const result = job.name === name && cell >= 0 ? finishedResult(directory, job) : null;
    return result ? [{ seed: job.seed, played: result.cells[cell]!, trainingWallS: result.trainingWallS }] : [];
  });
}

/** @throws InputError when the manifest cannot be read, or has no such line */
export function readEntry(manifest: string, index: number): ManifestEntry {
  const entries = readJson(manifest, list(entrySchema), 'Start the run again: it writes the manifest anew.');
  const entry = entries[index];
  if (!entry) throw new InputError(`job: ${manifest} has ${entries.length} jobs, no number ${index}.`, 'Count from 0.');
  return entry;
}

const entrySchema = z.object({ directory: z.string(), job: jobSchema });
