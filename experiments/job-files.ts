// The files of a training's folder: its job and its result. Files may be damaged: `job.json` is checked when it is read, and an
// incomplete result counts as missing, so that it is made again from the checkpoint.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Agent, Checkpoint } from '../agents/agent.js';
import { readCheckpoint, writeCheckpoint } from '../agents/checkpoint-file.js';
import { learnerNamed, learnerNames } from '../agents/learners.js';
import { InputError } from '../base/errors/input-error.js';
import { writeFileAtomic } from '../base/files/atomic.js';
import { canonicalJson, contentHash } from '../base/files/hash.js';
import { list, ownVersion, readJson, readJsonIfWhole } from '../base/files/json.js';
import { trainingSchema } from './config-schema.js';
import { trajectoryRowSchema } from './results/trajectories.js';
import { taskIds, taskNamed } from './tasks/registry.js';

const jobVersion = 2;

const cellSchema = z.object({
  models: z.array(z.string()).readonly(),
  platform: z.string(),
  modelHash: z.string(),
  profileHash: z.string(),
});

export const jobSchema = z.object({
  version: ownVersion(jobVersion),
  learner: z.string(),
  name: z.string(),
  environment: z.object({ id: z.string(), options: z.record(z.string(), z.unknown()) }),
  train: z.array(cellSchema).min(1),
  evaluate: z.array(cellSchema),
  episodes: z.int().positive().nullable(),
  seed: z.int().nonnegative(),
  training: trainingSchema,
  compute: z.enum(['compiled', 'tfjs']),
  agent: z.record(z.string(), z.unknown()),
  plugins: z.array(z.object({ path: z.string(), hash: z.string() })),
});

/** A training: everything that determines its result. */
export type TrainingJob = z.infer<typeof jobSchema>;

/** Jobs of version 1 had one cell, and were of SparOA/Share-v0. */
const firstVersion = z
  .object({
    learner: z.string(),
    model: z.string(),
    profile: z.string(),
    modelHash: z.string(),
    profileHash: z.string(),
    seed: z.int().nonnegative(),
    environment: z.record(z.string(), z.unknown()),
    training: trainingSchema,
    backend: z.enum(['compiled', 'tfjs']),
    agent: z.record(z.string(), z.unknown()),
  })
  .transform(({ model, profile, modelHash, profileHash, environment, backend, ...job }): TrainingJob => {
    const cells = [{ models: [model], platform: profile, modelHash, profileHash }];
    const of = {
      version: 2,
      name: job.learner,
      episodes: null,
      compute: backend,
      plugins: [] as TrainingJob['plugins'],
    } as const;
    return {
      ...job,
      ...of,
      environment: { id: 'SparOA/Share-v0', options: environment },
      train: cells,
      evaluate: cells,
    };
  });

const checkedJob = z.unknown().transform((given, context): TrainingJob => {
  const isFirst = typeof given === 'object' && given !== null && (!('version' in given) || given.version === 1);
  const parsed = (isFirst ? firstVersion : jobSchema).safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues)
      context.addIssue({ code: 'custom', path: issue.path, message: issue.message });
    return z.NEVER;
  }
  const job = parsed.data;
  const problem = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (job.plugins.length > 0) return job;
  if (!learnerNames().includes(job.learner)) problem(['learner'], `"${job.learner}" is unknown`);
  else {
    const issue = learnerNamed(job.learner).config.safeParse(job.agent).error?.issues[0];
    if (issue) problem(['agent', ...issue.path], issue.message);
  }
  if (!taskIds().includes(job.environment.id)) problem(['environment', 'id'], `"${job.environment.id}" is unknown`);
  else {
    const issue = taskNamed(job.environment.id).options.safeParse(job.environment.options).error?.issues[0];
    if (issue) problem(['environment', ...issue.path], issue.message);
  }
  return job;
});

const milliseconds = z.number().nonnegative();
const curveSchema = list(
  z.object({
    model: z.string(),
    profile: z.string(),
    scheduler: z.string(),
    seed: z.number(),
    step: z.int(),
    metric: z.string(),
    value: z.number(),
  }),
);
/** One evaluation of a learner's deterministic policy while it trains. */
export type CurvePoint = z.infer<typeof curveSchema>[number];

const playedSchema = z.object({ seed: z.number(), actions: z.string(), decisionWallMs: milliseconds });
/** An episode of the final policy. */
export type PlayedEpisode = z.infer<typeof playedSchema>;

const resultSchema = z.object({
  version: ownVersion(jobVersion),
  jobHash: z.string(),
  curve: curveSchema,
  /** Of each cell that is evaluated. */
  cells: z.array(
    z.object({
      objective: z.number(),
      /** The least objective of an episode or evaluation during training; null if it did not train on the cell. */
      bestSeen: z.number().nullable(),
      episodes: list(playedSchema),
      /** If decisions take time: the same policy without that time. */
      uncharged: list(playedSchema).nullable(),
    }),
  ),
  trainingWallS: milliseconds,
});
export type JobResult = z.infer<typeof resultSchema>;

const episodeSchema = z.object({
  episode: z.int(),
  /** Environment steps taken when it ended. */
  step: z.int(),
  /** Which of the cells that it trains on. */
  cell: z.int(),
  return: z.number(),
  /** Null where the execution failed. */
  objective: z.number().nullable(),
});
export type EpisodeRow = z.infer<typeof episodeSchema>;

const ledgerSchema = z.object({
  progress: z.object({ step: z.int().nonnegative(), episode: z.int().nonnegative() }),
  episodes: list(episodeSchema),
  trajectories: list(trajectoryRowSchema),
  curve: curveSchema,
  /** Means of what the learner reported between two evaluations, by step. */
  metrics: list(z.record(z.string(), z.number())),
  bestSeen: z.array(z.number()),
  trainingWallS: milliseconds,
});

/** The content of a checkpoint beside the agent: enough to write the job's files as if it had never stopped. */
export type Ledger = z.infer<typeof ledgerSchema>;

const metaSchema = z.object({ agent: z.unknown(), jobHash: z.string().optional(), ledger: ledgerSchema });

/** Its identity: a directory of another job is not continued. The paths of plug-ins do not count. */
export function jobHash({ plugins, ...job }: TrainingJob): string {
  return contentHash(canonicalJson({ ...job, plugins: plugins.map(({ hash }) => hash) }));
}

/** The identity without the seed, which the jobs of one setting share. */
export function settingsHash(job: TrainingJob): string {
  return jobHash({ ...job, seed: 0 });
}

const checkpointPath = (directory: string) => join(directory, 'checkpoint.safetensors');

/** The result of a finished job; null where there is none, or not a whole one. */
export function finishedResult(directory: string, job: TrainingJob): JobResult | null {
  const result = readJsonIfWhole(join(directory, 'result.json'), resultSchema);
  return result?.jobHash === jobHash(job) ? result : null;
}

export function writeResult(directory: string, result: JobResult): void {
  writeFileAtomic(join(directory, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
}

/**
 * Makes the directory the job's.
 * @throws InputError when it holds another job, or a checkpoint of an unknown job.
 */
export function claim(directory: string, job: TrainingJob): void {
  const path = join(directory, 'job.json');
  const held = readJsonIfWhole(path, checkedJob);
  if (held && jobHash(held) !== jobHash(job))
    throw new InputError(
      `train: ${directory} holds a training of another model, profile or settings.`,
      'Choose another --out, or remove that folder.',
    );
  if (!held && existsSync(path) && existsSync(checkpointPath(directory)) && checkpointOwner(directory) !== jobHash(job))
    throw new InputError(
      `train: ${path} cannot be read, and the checkpoint beside it is not known to be of this training.`,
      'Put a whole job.json back, or remove that folder and train from the beginning.',
    );
  writeFileAtomic(path, `${JSON.stringify(job, null, 2)}\n`);
}

function checkpointOwner(directory: string): string | undefined {
  return metaSchema.safeParse(readCheckpoint(checkpointPath(directory)).meta).data?.jobHash;
}

/**
 * The job of a training's folder.
 * @throws InputError when there is none, or its file is damaged.
 */
export function readJob(directory: string): TrainingJob {
  const path = join(directory, 'job.json');
  if (!existsSync(path) || !existsSync(checkpointPath(directory)))
    throw new InputError(
      `evaluate: ${directory} holds no trained policy.`,
      'Give the --out folder of `sparoa-gym train`.',
    );
  return readJson(
    path,
    checkedJob,
    'Give the same `sparoa-gym train` command again: it writes the file anew and loses nothing.',
  );
}

/** Saves the agent and the records of its episodes, so that a killed job continues bit for bit. */
export function writeJobCheckpoint(directory: string, job: TrainingJob, agent: Checkpoint, ledger: Ledger): void {
  const meta = { agent: agent.meta, ledger, jobHash: jobHash(job) };
  writeCheckpoint(checkpointPath(directory), { arrays: agent.arrays, meta });
}

/**
 * Restores the agent from its checkpoint; null if there is none.
 * @throws InputError when the file is damaged, or of another job or agent
 */
export function restoreCheckpoint(directory: string, job: TrainingJob, agent: Agent): Ledger | null {
  const path = checkpointPath(directory);
  if (!existsSync(path)) return null;
  const unfit = (why: string) =>
    new InputError(
      `checkpoints: ${path} ${why}.`,
      'Put a whole copy back, or remove the file and train from the beginning.',
    );
  const { meta, arrays } = readCheckpoint(path);
  const read = z.object({ agent: z.unknown(), jobHash: z.string().optional() }).safeParse(meta);
  if (!read.success) throw unfit(`has an unknown content: ${read.error.issues[0]!.path.join('.')}`);
  // A checkpoint of version 1 does not name its job, or has a hash of that version's job.
  const ledger = metaSchema.safeParse(meta).data?.ledger ?? null;
  if (ledger && read.data.jobHash !== undefined && read.data.jobHash !== jobHash(job))
    throw unfit('is of another training than the job.json beside it');
  try {
    agent.load({ meta: read.data.agent, arrays });
  } catch (error) {
    // Version 1 has no checksum, so a damaged file can hold arrays of a wrong shape.
    if (error instanceof InputError) throw error;
    throw unfit(`does not fit the agent: ${(error as Error).message}`);
  }
  return ledger;
}
