// One job: one learner, one cell, one seed, one directory. It can be killed at any time: what it has checkpointed it
// continues from (simulated: to the bit), and what it has finished it does not do again.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent, Checkpoint, Transition } from '../agents/agent.js';
import { readCheckpoint, writeCheckpoint } from '../agents/checkpoint-file.js';
import { createLearner, type LearnerName } from '../agents/learners.js';
import { episodeSeed, rollout, type TrainingProgress, train } from '../agents/train-loop.js';
import { InputError } from '../base/errors/input-error.js';
import { writeFileAtomic } from '../base/files/atomic.js';
import { writeCsv } from '../base/files/csv.js';
import { canonicalJson, contentHash } from '../base/files/hash.js';
import { openScenario, type Scenario } from '../env/scheduling/scenario.js';
import type { ShareEnv } from '../env/scheduling/share-env.js';
import { type ShareEnvOptions, shareEnvOf } from '../env/scheduling/share-options.js';
import type { TrainingConfig } from './config.js';
import { journalOf } from './crashes.js';
import type { CurvePoint } from './rows.js';
import { type Episode, replay, type TrajectoryRow, traceOf, trajectoryRow, writeTrajectories } from './trajectories.js';

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

export interface JobProgress {
  readonly step: number;
  readonly steps: number;
  /** Latest deterministic rollout. */
  readonly latencyMs: number | null;
}

/** What a checkpoint holds beside the agent: enough to write the job's files as if it had never stopped. */
interface Ledger {
  readonly progress: TrainingProgress;
  readonly episodes: EpisodeRow[];
  readonly trajectories: TrajectoryRow[];
  readonly curve: CurvePoint[];
  trainingWallS: number;
}

/** Its identity: a directory that holds another job is not continued. */
export function jobHash(job: TrainingJob): string {
  return contentHash(canonicalJson(job));
}

/** What the jobs of one cell have in common, all but the seed. */
export function settingsHash(job: TrainingJob): string {
  return jobHash({ ...job, seed: 0 });
}

/** The result of a finished job, or null. */
export function finishedResult(directory: string, job: TrainingJob): JobResult | null {
  const path = join(directory, 'result.json');
  if (!existsSync(path)) return null;
  const result = JSON.parse(readFileSync(path, 'utf8')) as JobResult;
  return result.jobHash === jobHash(job) ? result : null;
}

/**
 * Trains, evaluates, and leaves `job.json episodes.csv trajectories.csv checkpoint.safetensors result.json`.
 * @throws InputError when the directory holds another job.
 */
export async function runJob(
  directory: string,
  job: TrainingJob,
  onProgress: (progress: JobProgress) => void,
): Promise<JobResult> {
  const finished = finishedResult(directory, job);
  if (finished) return finished;
  claim(directory, job);
  const scenario = await openScenario(job.model, job.profile, { journal: journalOf(directory) });
  try {
    const env = shareEnvOf(scenario, job.environment);
    const agent = await createLearner(job.learner, agentSetup(job, env));
    return await trainAndEvaluate(directory, job, scenario, env, agent, onProgress).finally(() => agent.close());
  } finally {
    scenario.executor.close();
  }
}

function claim(directory: string, job: TrainingJob): void {
  const path = join(directory, 'job.json');
  mkdirSync(directory, { recursive: true });
  if (existsSync(path) && jobHash(JSON.parse(readFileSync(path, 'utf8')) as TrainingJob) !== jobHash(job)) {
    throw new InputError(
      `train: ${directory} holds a training of another model, profile or settings.`,
      'Choose another --out, or remove that folder.',
    );
  }
  writeFileAtomic(path, `${JSON.stringify(job, null, 2)}\n`);
}

function agentSetup(job: TrainingJob, env: ShareEnv) {
  return {
    observationSize: env.observationSpace.flatSize,
    action: { low: [...env.actionSpace.low], high: [...env.actionSpace.high] },
    config: job.agent,
    seed: job.seed,
    backend: job.backend,
  };
}

/** On hardware one execution is noisy: so often a schedule is executed for a point of the curve, and for the result. */
const curveMeasurements = 5;
const finalMeasurements = 20;

/** The one of (lower) median latency. */
function medianEpisode(episodes: readonly Episode[]): Episode {
  return [...episodes].sort((a, b) => a.trace.makespanMs - b.trace.makespanMs)[(episodes.length - 1) >> 1]!;
}

async function trainAndEvaluate(
  directory: string,
  job: TrainingJob,
  scenario: Scenario,
  env: ShareEnv,
  agent: Agent,
  onProgress: (progress: JobProgress) => void,
): Promise<JobResult> {
  const checkpointPath = join(directory, 'checkpoint.safetensors');
  const { steps, evaluateEverySteps, rewardScalePerUnit } = job.training;
  const ledger = existsSync(checkpointPath) ? restore(readCheckpoint(checkpointPath), agent) : emptyLedger();
  const { progress, episodes, trajectories, curve } = ledger;
  const startedMs = performance.now() - 1000 * ledger.trainingWallS;
  const measured = scenario.executor.kind === 'measured';
  const evaluate = (measurements: number) => {
    const seed = episodeSeed(job.seed, progress.episode);
    const { decisionWallMs, ...episode } = rollout(env, agent, seed);
    const first: Episode = { ...episode, trace: traceOf(episode.info) };
    const again = Array.from({ length: measured ? measurements - 1 : 0 }, () => replay(env, episode.actions, seed));
    return { decisionWallMs, ...medianEpisode([first, ...again]) };
  };
  let evaluations = Math.floor(progress.step / evaluateEverySteps);

  await train({
    env,
    agent: scaleRewards(agent, rewardScalePerUnit * scenario.graph.units.length),
    steps,
    progress,
    seed: job.seed,
    learn: measured ? 'each-episode' : 'each-step',
    onEpisode(summary) {
      const { episode, step } = summary;
      const failed = 'error' in summary.info;
      const trace = failed ? null : traceOf(summary.info);
      episodes.push({ episode, step, return: summary.return, latencyMs: trace?.makespanMs ?? null });
      if (trace) {
        const seed = episodeSeed(job.seed, episode - 1);
        const label = { scheduler: job.learner, seed, phase: 'training' as const };
        trajectories.push(trajectoryRow(env, label, { ...summary, trace }));
      }
      const due = Math.floor(summary.step / evaluateEverySteps);
      if (due > evaluations || summary.step >= steps) {
        evaluations = due;
        const latencyMs = evaluate(curveMeasurements).trace.makespanMs;
        curve.push({ model: job.model, scheduler: job.learner, seed: job.seed, step: summary.step, latencyMs });
        ledger.trainingWallS = (performance.now() - startedMs) / 1000;
        writeCheckpoint(checkpointPath, withLedger(agent.save(), ledger));
      }
      onProgress({ step: summary.step, steps, latencyMs: curve.at(-1)?.latencyMs ?? null });
    },
  });

  const final = evaluate(finalMeasurements);
  const label = { scheduler: job.learner, seed: episodeSeed(job.seed, progress.episode), phase: 'final' as const };
  const result: JobResult = {
    jobHash: jobHash(job),
    curve,
    final: trajectoryRow(env, label, final),
    latencyMsBestSeen: Math.min(
      ...episodes.flatMap(({ latencyMs }) => latencyMs ?? []),
      ...curve.map(({ latencyMs }) => latencyMs),
    ),
    decisionWallMs: final.decisionWallMs,
    trainingWallS: ledger.trainingWallS,
  };
  writeCsv(join(directory, 'episodes.csv'), ['episode', 'step', 'return', 'latencyMs'], episodes);
  writeTrajectories(join(directory, 'trajectories.csv'), [...trajectories, result.final]);
  // Last: its presence says that the others are complete.
  writeFileAtomic(join(directory, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  return result;
}

/** The agent sees rewards of a convenient size; everyone else sees the environment's. */
export function scaleRewards(agent: Agent, scale: number): Agent {
  return {
    act: (observation, options) => agent.act(observation, options),
    observe: (transition: Transition) => agent.observe({ ...transition, reward: scale * transition.reward }),
    learn: () => agent.learn(),
    save: () => agent.save(),
    load: (checkpoint) => agent.load(checkpoint),
    close: () => agent.close(),
  };
}

const emptyLedger = (): Ledger => ({
  progress: { step: 0, episode: 0 },
  episodes: [],
  trajectories: [],
  curve: [],
  trainingWallS: 0,
});

function withLedger(checkpoint: Checkpoint, ledger: Ledger): Checkpoint {
  return { arrays: checkpoint.arrays, meta: { agent: checkpoint.meta, ledger } };
}

function restore(checkpoint: Checkpoint, agent: Agent): Ledger {
  const { agent: meta, ledger } = checkpoint.meta as { agent: unknown; ledger: Ledger };
  agent.load({ meta, arrays: checkpoint.arrays });
  return ledger;
}

/** The agent of a finished or checkpointed job, for evaluation elsewhere. */
export async function loadTrainedAgent(
  directory: string,
): Promise<{ job: TrainingJob; agent: (env: ShareEnv) => Promise<Agent> }> {
  const jobPath = join(directory, 'job.json');
  const checkpointPath = join(directory, 'checkpoint.safetensors');
  if (!existsSync(jobPath) || !existsSync(checkpointPath)) {
    throw new InputError(
      `evaluate: ${directory} holds no trained policy.`,
      'Give the --out folder of `sparoa-gym train`.',
    );
  }
  const job = JSON.parse(readFileSync(jobPath, 'utf8')) as TrainingJob;
  return {
    job,
    agent: async (env) => {
      const agent = await createLearner(job.learner, agentSetup(job, env));
      restore(readCheckpoint(checkpointPath), agent);
      return agent;
    },
  };
}
