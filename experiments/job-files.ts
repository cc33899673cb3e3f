// What a training's folder says of itself: which job it is of, and what came of it. Files may be cut or changed: `job.json` is
// checked when it is read, and a result that is not whole is none, so that the checkpoint beside it makes it again.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Agent, Checkpoint } from '../agents/agent.js';
import { readCheckpoint, writeCheckpoint } from '../agents/checkpoint-file.js';
import { type LearnerName, learners } from '../agents/learners.js';
import type { TrainingProgress } from '../agents/train-loop.js';
import { InputError } from '../base/errors/input-error.js';
import { writeFileAtomic } from '../base/files/atomic.js';
import { canonicalJson, contentHash } from '../base/files/hash.js';
import { list, ownVersion, readJson, readJsonIfWhole } from '../base/files/json.js';
import { type ShareEnvOptions, shareEnvOptionsSchema } from '../env/share/share-options.js';
import { type TrainingConfig, trainingSchema } from './config.js';
import type { CurvePoint } from './results/rows.js';
import { type TrajectoryRow, trajectoryRowSchema } from './results/trajectories.js';

export interface TrainingJob {
  readonly learner: LearnerName;
  /** Full URIs; `profile` is the hardware's where it is trained on hardware: `lanes://cpu:1+cpu:1`. */
  readonly model: string;
  readonly profile: string;
  /** Of their contents: a file that was edited since, or another machine, is another job. */
  readonly modelHash: string;
  readonly profileHash: string;
  readonly seed: number;
  readonly environment: ShareEnvOptions;
  readonly training: TrainingConfig;
  readonly backend: 'compiled' | 'tfjs';
  readonly agent: Readonly<Record<string, unknown>>;
}

export interface EpisodeRow {
  readonly episode: number;
  /** Environment steps taken when it ended. */
  readonly step: number;
  readonly return: number;
  /** Null where the execution failed. */
  readonly latencyMs: number | null;
}

export interface JobResult {
  readonly jobHash: string;
  readonly curve: readonly CurvePoint[];
  /** Of the final policy's deterministic rollout; on hardware the median of repeated executions of its schedule. */
  readonly final: TrajectoryRow;
  readonly latencyMsBestSeen: number;
  readonly decisionWallMs: number;
  readonly trainingWallS: number;
}

/** What a checkpoint holds beside the agent: enough to write the job's files as if it had never stopped. */
export interface Ledger {
  readonly progress: TrainingProgress;
  readonly episodes: EpisodeRow[];
  readonly trajectories: TrajectoryRow[];
  readonly curve: CurvePoint[];
  trainingWallS: number;
}

const jobVersion = 1;

const learnerNames = Object.keys(learners) as [LearnerName];

export const trainingJobSchema = z
  .object({
    learner: z.enum(learnerNames),
    model: z.string(),
    profile: z.string(),
    modelHash: z.string(),
    profileHash: z.string(),
    seed: z.int().nonnegative(),
    environment: shareEnvOptionsSchema,
    training: trainingSchema,
    backend: z.enum(['compiled', 'tfjs']),
    agent: z.record(z.string(), z.unknown()),
  })
  .superRefine(({ learner, agent }, context) => {
    const issue = learners[learner].config.safeParse(agent).error?.issues[0];
    if (issue) context.addIssue({ code: 'custom', path: ['agent', ...issue.path], message: issue.message });
  });

/** Files of before there were versions have none. */
const versioned = z.looseObject({ version: ownVersion(jobVersion).optional() });

const milliseconds = z.number().nonnegative();
const curve = list(
  z.object({
    model: z.string(),
    scheduler: z.string(),
    seed: z.number(),
    step: z.int(),
    latencyMs: milliseconds,
  }),
);
const resultSchema = z.object({
  version: ownVersion(jobVersion).optional(),
  jobHash: z.string(),
  curve,
  final: trajectoryRowSchema,
  latencyMsBestSeen: milliseconds,
  decisionWallMs: milliseconds,
  trainingWallS: milliseconds,
});

/** What a checkpoint holds beside the agent's own. */
const metaSchema = z.object({
  agent: z.unknown(),
  /** Checkpoints of version 1 do not say whose they are. */
  jobHash: z.string().optional(),
  ledger: z.object({
    progress: z.object({ step: z.int().nonnegative(), episode: z.int().nonnegative() }),
    episodes: list(
      z.object({ episode: z.int(), step: z.int(), return: z.number(), latencyMs: milliseconds.nullable() }),
    ),
    trajectories: list(trajectoryRowSchema),
    curve,
    trainingWallS: milliseconds,
  }),
});

/** Its identity: a directory that holds another job is not continued. */
export function jobHash(job: TrainingJob): string {
  return contentHash(canonicalJson(job));
}

const checkpointPath = (directory: string) => join(directory, 'checkpoint.safetensors');

/** The result of a finished job; null where there is none, or not a whole one. */
export function finishedResult(directory: string, job: TrainingJob): JobResult | null {
  const result = readJsonIfWhole(join(directory, 'result.json'), resultSchema);
  return result?.jobHash === jobHash(job) ? result : null;
}

export function writeResult(directory: string, result: JobResult): void {
  const content = { version: jobVersion, ...result };
  writeFileAtomic(join(directory, 'result.json'), `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * Makes the directory the job's.
 * @throws InputError when it holds another job, or a checkpoint and nothing that says whose it is.
 */
export function claim(directory: string, job: TrainingJob): void {
  const path = join(directory, 'job.json');
  const held = readJsonIfWhole(path, versioned);
  if (held) {
    // As written: with the defaults of this version filled in, it could be another job.
    const { version: _, ...heldJob } = held;
    if (jobHash(heldJob as unknown as TrainingJob) !== jobHash(job))
      throw new InputError(
        `train: ${directory} holds a training of another model, profile or settings.`,
        'Choose another --out, or remove that folder.',
      );
  } else if (existsSync(path) && existsSync(checkpointPath(directory)) && checkpointOwner(directory) !== jobHash(job)) {
    throw new InputError(
      `train: ${path} cannot be read, and the checkpoint beside it is not known to be of this training.`,
      'Put a whole job.json back, or remove that folder and train from the beginning.',
    );
  }
  writeFileAtomic(path, `${JSON.stringify({ version: jobVersion, ...job }, null, 2)}\n`);
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
    versioned.pipe(trainingJobSchema),
    'Give the same `sparoa-gym train` command again: it writes the file anew and loses nothing.',
  ) as TrainingJob;
}

/** Keeps the agent and the ledger of its episodes, so that a killed job continues to the bit. */
export function writeJobCheckpoint(directory: string, job: TrainingJob, agent: Checkpoint, ledger: Ledger): void {
  const meta = { agent: agent.meta, ledger, jobHash: jobHash(job) };
  writeCheckpoint(checkpointPath(directory), { arrays: agent.arrays, meta });
}

/**
 * Puts the agent back where its checkpoint has it; null where there is none.
 * @throws InputError when the file is damaged, or of another job or agent
 */
export function restoreJobCheckpoint(directory: string, job: TrainingJob, agent: Agent): Ledger | null {
  const path = checkpointPath(directory);
  if (!existsSync(path)) return null;
  const checkpoint = readCheckpoint(path);
  const unfit = (why: string) =>
    new InputError(
      `checkpoints: ${path} ${why}.`,
      'Put a whole copy back, or remove the file and train from the beginning.',
    );
  const meta = metaSchema.safeParse(checkpoint.meta);
  if (!meta.success) throw unfit(`has an unknown content: ${meta.error.issues[0]!.path.join('.')}`);
  const { jobHash: owner, ledger, agent: own } = meta.data;
  if (owner !== undefined && owner !== jobHash(job)) throw unfit('is of another training than the job.json beside it');
  try {
    agent.load({ meta: own, arrays: checkpoint.arrays });
  } catch (error) {
    // Files of version 1 have no checksum: what they hold may be of any shape.
    if (error instanceof InputError) throw error;
    throw unfit(`does not fit the agent: ${(error as Error).message}`);
  }
  return ledger as Ledger;
}
