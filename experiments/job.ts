// One job: one learner, one cell, one seed, one directory. It can be killed at any time: what it has checkpointed it
// continues from (simulated: to the bit), and what it has finished it does not do again.
import { join } from 'node:path';
import type { Agent, Transition } from '../agents/agent.js';
import { createLearner } from '../agents/learners.js';
import { episodeSeed, rollout, train } from '../agents/train-loop.js';
import { writeCsv } from '../base/files/csv.js';
import { openScenario, type Scenario } from '../engine/scenario.js';
import type { ShareEnv } from '../env/share/share-env.js';
import { shareEnvOf } from '../env/share/share-options.js';
import { journalOf } from './backends/crashes.js';
import {
  claim,
  finishedResult,
  type JobResult,
  jobHash,
  type Ledger,
  readJob,
  restoreJobCheckpoint,
  type TrainingJob,
  writeJobCheckpoint,
  writeResult,
} from './job-files.js';
import { type Episode, replay, traceOf, trajectoryRow, writeTrajectories } from './results/trajectories.js';

export interface JobProgress {
  readonly step: number;
  readonly steps: number;
  /** Latest deterministic rollout. */
  readonly latencyMs: number | null;
}

/** What the jobs of one cell have in common, all but the seed. */
export function settingsHash(job: TrainingJob): string {
  return jobHash({ ...job, seed: 0 });
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
  const { steps, evaluateEverySteps, rewardScalePerUnit } = job.training;
  const ledger = restoreJobCheckpoint(directory, job, agent) ?? emptyLedger();
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
        writeJobCheckpoint(directory, job, agent.save(), ledger);
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
  writeResult(directory, result);
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

/** The agent of a finished or checkpointed job, for evaluation elsewhere. */
export async function loadTrainedAgent(
  directory: string,
): Promise<{ job: TrainingJob; agent: (env: ShareEnv) => Promise<Agent> }> {
  const job = readJob(directory);
  return {
    job,
    agent: async (env) => {
      const agent = await createLearner(job.learner, agentSetup(job, env));
      restoreJobCheckpoint(directory, job, agent);
      return agent;
    },
  };
}
