// One job: one learner, one seed, one directory, on one cell or on several of which each episode draws one. It can be
// killed at any time. Started again, it continues from its last checkpoint (on the simulator with identical results) and
// does not repeat what was finished.
import { join } from 'node:path';
import { type Agent, type Metrics, meanMetrics } from '../agents/agent.js';
import { free } from '../agents/baselines/registry.js';
import { createLearner } from '../agents/learners.js';
import { train } from '../agents/train-loop.js';
import { InputError } from '../base/errors/input-error.js';
import { writeCsv } from '../base/files/csv.js';
import { Rng } from '../base/random/rng.js';
import { median } from '../base/statistics/quantile.js';
import { journalOf } from './backends/crashes.js';
import { cellKey, type IdentifiedCell } from './cells.js';
import {
  claim,
  type EpisodeRow,
  finishedResult,
  type JobResult,
  jobHash,
  type Ledger,
  type PlayedEpisode,
  readJob,
  restoreCheckpoint,
  type TrainingJob,
  writeJobCheckpoint,
  writeResult,
} from './job-files.js';
import { unitAfter } from './objective-unit.js';
import { playPolicy, repeat, type TimedOutcome } from './play.js';
import { loadPlugins } from './plugins.js';
import { encodeActions, type TrajectoryRow, writeTrajectories } from './results/trajectories.js';
import { keptBy, type Outcome, type Task, taskNamed } from './tasks/registry.js';

export interface JobProgress {
  readonly step: number;
  readonly steps: number;
  /** Objective of the latest deterministic rollouts; over several cells the mean. */
  readonly objective: number | null;
  /** Behind its value: ` ms`. */
  readonly unit: string;
}

/** Executions of a schedule on hardware, where one is noisy: for a point of the curve, and for the result. */
const curveMeasurements = 5;
const finalMeasurements = 20;

/**
 * Trains, evaluates, and leaves `job.json episodes.csv metrics.csv trajectories.csv checkpoint.safetensors result.json`.
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
  await loadPlugins(job.plugins.map(({ path }) => path));
  const opened: Task[] = [];
  const entry = taskNamed(job.environment.id);
  const open = async (cell: IdentifiedCell): Promise<Task> => {
    const task = await entry.open(cell, job.environment.options, journalOf(directory));
    opened.push(task);
    return task;
  };
  const tasks = keptBy(open);
  const openAll = async (cells: readonly IdentifiedCell[]) => {
    const all: Task[] = [];
    for (const cell of cells) all.push(await tasks(cellKey(cell), cell));
    return all;
  };
  try {
    const training = await openAll(job.train);
    const agent = await agentFor(job, training[0]!);
    const ledger = restoreCheckpoint(directory, job, agent) ?? emptyLedger();
    try {
      await learn(directory, job, training, agent, ledger, onProgress);
      return await conclude(directory, job, await openAll(job.evaluate), agent, ledger);
    } finally {
      await agent.close();
    }
  } finally {
    for (const task of opened) task.close();
  }
}

/** A learner for the task's environment, untrained. */
function agentFor(job: TrainingJob, task: Task): Promise<Agent> {
  const { observationSpace, actionSpace } = task.env(task.learnerCharge ?? free);
  const { agent: config, seed, compute: backend, training } = job;
  const { steps } = training;
  return createLearner(job.learner, {
    observation: observationSpace,
    action: actionSpace,
    config,
    seed,
    backend,
    steps,
  });
}

async function learn(
  directory: string,
  job: TrainingJob,
  tasks: readonly Task[],
  agent: Agent,
  ledger: Ledger,
  onProgress: (progress: JobProgress) => void,
): Promise<void> {
  const { steps, evaluateEverySteps, rewardScalePerUnit } = job.training;
  const { progress, episodes, trajectories, curve, metrics, bestSeen } = ledger;
  const startedMs = performance.now() - 1000 * ledger.trainingWallS;
  const measured = tasks.some(({ subject }) => subject.kind === 'measured');
  const charges = tasks.map(({ learnerCharge }) => learnerCharge ?? free);
  const envs = tasks.map((task, i) => task.env(charges[i]!));
  const spaces = envs.map((env) => JSON.stringify([env.observationSpace, env.actionSpace]));
  const other = spaces.findIndex((each) => each !== spaces[0]);
  if (other >= 0)
    throw new InputError(
      `train: ${tasks[other]!.subject.model} has other spaces than ${tasks[0]!.subject.model}.`,
      'Choose options under which they are alike.',
    );
  const drawn = (episode: number): number =>
    tasks.length === 1 ? 0 : Rng.of(job.seed, 'cell', episode).integer(tasks.length);
  const decisions = tasks.reduce((sum, task) => sum + task.decisions, 0) / tasks.length;
  const saw = (cell: number, objective: number) => {
    bestSeen[cell] = Math.min(bestSeen[cell] ?? Number.POSITIVE_INFINITY, objective);
  };
  const interval: Metrics[] = [];
  let evaluations = Math.floor(progress.step / evaluateEverySteps);
  await train({
    env: (episode) => envs[drawn(episode)]!,
    agent,
    steps,
    progress,
    seed: job.seed,
    rewardScale: rewardScalePerUnit * decisions,
    learn: measured ? 'each-episode' : 'each-step',
    onMetrics: (each) => interval.push(each),
    onEpisode({ step, episode, seed, info, ...played }) {
      const cell = drawn(episode - 1);
      const task = tasks[cell]!;
      const failed = 'error' in info;
      const outcome: Outcome = { ...played, seed, info, charge: charges[cell]! };
      const objective = failed ? null : task.metrics(outcome)[task.objective]!;
      episodes.push({ episode, step, cell, return: played.return, objective });
      if (objective !== null) {
        trajectories.push(task.row(outcome, { scheduler: job.name, phase: 'training' }));
        saw(cell, objective);
      }
      const due = Math.floor(step / evaluateEverySteps);
      if (due > evaluations || step >= steps) {
        evaluations = due;
        const points = tasks.map((each, i) => {
          const outcomes = each.curveEpisodes.map((of) => playPolicy(each, agent, of, charges[i]!));
          const value = mean(outcomes.map((one) => measuredObjective(each, one, curveMeasurements)));
          saw(i, value);
          const { model, profile } = each.subject;
          return { model, profile, scheduler: job.name, seed: job.seed, step, metric: each.objective, value };
        });
        curve.push(...points);
        if (interval.length > 0) metrics.push({ step, ...meanMetrics(interval.splice(0)) });
        ledger.trainingWallS = (performance.now() - startedMs) / 1000;
        writeJobCheckpoint(directory, job, agent.save(), ledger);
      }
      const latest = curve.slice(-tasks.length).map(({ value }) => value);
      const unit = unitAfter(tasks[0]!.objective);
      onProgress({ step, steps, objective: latest.length > 0 ? mean(latest) : null, unit });
    },
  });
}

/** The deterministic policy on every cell that is evaluated, and the files of a finished job. */
async function conclude(
  directory: string,
  job: TrainingJob,
  tasks: readonly Task[],
  agent: Agent,
  ledger: Ledger,
): Promise<JobResult> {
  const { curve, bestSeen, trainingWallS } = ledger;
  const finals: TrajectoryRow[] = [];
  const trainedOn = job.train.map(cellKey);
  const cells = tasks.map((task, i) => {
    const { outcomes, result } = playCell(task, agent, job.episodes);
    const objectives = outcomes.map((outcome) => measuredObjective(task, outcome, finalMeasurements));
    finals.push(...outcomes.map((outcome) => task.row(outcome, { scheduler: job.name, phase: 'final' })));
    const at = trainedOn.indexOf(cellKey(job.evaluate[i]!));
    return { ...result, objective: mean(objectives), bestSeen: at < 0 ? null : (bestSeen[at] ?? null) };
  });
  const result: JobResult = { version: 2, jobHash: jobHash(job), curve, cells, trainingWallS };
  writeCsv(join(directory, 'episodes.csv'), episodeColumns, ledger.episodes);
  writeCsv(join(directory, 'metrics.csv'), columnsOf(ledger.metrics), ledger.metrics);
  writeTrajectories(join(directory, 'trajectories.csv'), [...ledger.trajectories, ...finals]);
  // Written last: if it exists, the others are complete.
  writeResult(directory, result);
  return result;
}

/** The deterministic policy in the evaluation episodes of a cell. */
export function playCell(task: Task, agent: Agent, count: number | null) {
  const { learnerCharge } = task;
  const seeds = task.episodes(count);
  const outcomes = seeds.map((seed) => playPolicy(task, agent, seed, learnerCharge ?? free));
  const result: Pick<JobResult['cells'][number], 'episodes' | 'uncharged'> = {
    episodes: outcomes.map(encoded),
    // The same policy without decision times: the remaining gap is the quality of its decisions.
    uncharged: learnerCharge && seeds.map((seed) => encoded(playPolicy(task, agent, seed, free))),
  };
  return { outcomes, result };
}

const episodeColumns = [
  'episode',
  'step',
  'cell',
  'return',
  'objective',
] as const satisfies readonly (keyof EpisodeRow)[];

/** The objective of an outcome; on hardware the median of so many executions of the same actions. */
function measuredObjective(task: Task, outcome: Outcome, executions: number): number {
  const times = task.subject.kind === 'measured' ? executions : 1;
  return median(repeat(task, outcome, times).map((each) => task.metrics(each)[task.objective]!));
}

const encoded = ({ seed, actions, decisionWallMs }: TimedOutcome): PlayedEpisode => ({
  seed,
  actions: encodeActions(actions),
  decisionWallMs,
});

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function columnsOf(rows: readonly Readonly<Record<string, number>>[]): string[] {
  return [...new Set(['step', ...rows.flatMap(Object.keys)])];
}

const emptyLedger = (): Ledger => ({
  progress: { step: 0, episode: 0 },
  episodes: [],
  trajectories: [],
  curve: [],
  metrics: [],
  bestSeen: [],
  trainingWallS: 0,
});

/** The job and the agent of a finished or checkpointed training, for evaluation elsewhere. */
export async function loadTrainedAgent(
  directory: string,
): Promise<{ job: TrainingJob; agent: (task: Task) => Promise<Agent> }> {
  const job = readJob(directory);
  await loadPlugins(job.plugins.map(({ path }) => path));
  return {
    job,
    agent: async (task) => {
      const agent = await agentFor(job, task);
      restoreCheckpoint(directory, job, agent);
      return agent;
    },
  };
}
