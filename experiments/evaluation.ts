// A trained policy beside the baselines, in the cells it was trained for or in others.
import { Rng } from '../base/random/rng.js';
import { median } from '../base/statistics/quantile.js';
import { parseHardwareUri } from '../engine/runtime/hardware.js';
import { type CellEnsemble, cellEnsemble, checkDrawable } from './atlas/ensemble-schedules.js';
import { journalOf } from './backends/crashes.js';
import { type IdentifiedCell, identify } from './cells.js';
import { evaluate, metricsOf, referencesOf, type SchedulerResults } from './evaluate.js';
import { loadTrainedAgent, playCell } from './job.js';
import { readJob } from './job-files.js';
import { bootstrapInterval } from './statistics/statistics.js';
import { type Cell, type Task, taskNamed } from './tasks/registry.js';

export interface EvaluationRequest {
  /** Folder of the training. */
  readonly training: string;
  /** Default: the training's. */
  readonly models?: readonly string[] | undefined;
  readonly platform?: string | undefined;
  readonly measurements: number;
  readonly ensemble?: number | undefined;
}

/** A policy in one cell. */
export interface Evaluation {
  readonly environment: string;
  readonly model: string;
  readonly profile: string;
  readonly profileHash: string;
  readonly kind: 'simulated' | 'measured';
  /** Executions of each schedule. */
  readonly measurements: number;
  /** The metric that is to be small. */
  readonly objective: string;
  /** Median over episodes, or executions of one. */
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly return: number;
  /** To the bound; where nothing is proved, to the best of these. */
  readonly gapPercent: number;
  readonly gapTo: string;
  readonly capturedHeadroom: number | null;
  /** The same of the baselines. */
  readonly baselines: Readonly<Record<string, number>>;
  readonly ensemble?: CellEnsemble;
}

/** Baselines to compare a policy with, if the environment has them; else all of its baselines. */
const shown = ['cpu-only', 'gpu-only', 'greedy', 'optimum'];

/**
 * Whether an evaluation executes on devices: on `platform`, or else on what the training is evaluated on.
 * @throws InputError when the folder holds no training
 */
export function evaluatesOnHardware(training: string, platform: string | undefined): boolean {
  const platforms = platform === undefined ? readJob(training).evaluate.map((cell) => cell.platform) : [platform];
  return platforms.some((uri) => parseHardwareUri(uri) !== null);
}

/** @throws InputError when the folder holds no training, or a cell cannot be opened */
export async function evaluateTraining(request: EvaluationRequest): Promise<Evaluation[]> {
  const { training, models, platform, measurements, ensemble } = request;
  const { job, agent: load } = await loadTrainedAgent(training);
  const { id, options } = job.environment;
  const entry = taskNamed(id);
  const results: Evaluation[] = [];
  for (const cell of await cellsOf(job.evaluate.length > 0 ? job.evaluate : job.train, models, platform, entry.cells)) {
    if (ensemble) checkDrawable(cell.platform);
    const task = await entry.open(cell, options, journalOf(training));
    try {
      const agent = await load(task);
      const { result } = playCell(task, agent, job.episodes);
      await agent.close();
      const names = shown.filter((name) => task.baselines.has(name));
      const baselines = names.length > 0 ? names : [...task.baselines.keys()];
      const specs = [job.name, ...baselines].map((name, i) => ({
        name,
        use: i === 0 ? job.learner : name,
        agent: null,
      }));
      const played = [{ seed: job.seed, played: { ...result, bestSeen: null }, trainingWallS: 0 }];
      const all = evaluate(task, specs, () => played, { seeds: 1, episodes: job.episodes, measurements });
      results.push(evaluationOf(task, all, measurements, ensemble));
    } finally {
      task.close();
    }
  }
  return results;
}

async function cellsOf(
  own: readonly IdentifiedCell[],
  models: readonly string[] | undefined,
  platform: string | undefined,
  shape: 'each-model' | 'all-models' | 'none',
): Promise<Cell[]> {
  if (!models && !platform) return [...own];
  const cells = own.flatMap((cell) => {
    const at = { platform: platform ?? cell.platform };
    if (!models) return [{ ...at, models: cell.models }];
    return shape === 'all-models' ? [{ ...at, models }] : models.map((model) => ({ ...at, models: [model] }));
  });
  const distinct = new Map<string, Cell>();
  for (const cell of cells) {
    const identified = await identify(cell);
    distinct.set(JSON.stringify([identified.models, identified.platform]), identified);
  }
  return [...distinct.values()];
}

function evaluationOf(
  task: Task,
  all: readonly SchedulerResults[],
  measurements: number,
  members: number | undefined,
): Evaluation {
  const references = referencesOf(task, all);
  const { model, profile, profileHash, kind } = task.subject;
  const metrics = (results: SchedulerResults) =>
    results.runs.flatMap(({ episodes }) => episodes.map((episode) => metricsOf(task, episode, references)));
  const objectiveOf = (results: SchedulerResults) => median(metrics(results).map((each) => each[task.objective]!));
  const policy = all[0]!;
  const own = metrics(policy);
  const episodes = policy.runs[0]!.episodes;
  const sample =
    episodes.length > 1
      ? own.map((each) => each[task.objective]!)
      : episodes[0]!.outcomes.map((outcome) => task.metrics(outcome)[task.objective]!);
  const interval =
    sample.length > 1
      ? bootstrapInterval(sample, Rng.of(0, 'evaluate', policy.scheduler), { statistic: median })
      : null;
  const medianOf = (name: string) => median(own.map((each) => each[name]!));
  return {
    environment: task.id,
    model,
    profile,
    profileHash,
    kind,
    measurements: kind === 'measured' ? measurements : 1,
    objective: task.objective,
    value: objectiveOf(policy),
    low: interval?.low ?? null,
    high: interval?.high ?? null,
    return: medianOf('return'),
    gapPercent: medianOf('gapPercent'),
    gapTo: references.bestName,
    capturedHeadroom: own.every((each) => each.capturedHeadroom !== null) ? medianOf('capturedHeadroom') : null,
    baselines: Object.fromEntries(
      all.filter(({ runs }) => !runs[0]?.training).map((results) => [results.scheduler, objectiveOf(results)]),
    ),
    ...(members && task.inference && { ensemble: ensembleOf(task, all, members) }),
  };
}

function ensembleOf(task: Task, all: readonly SchedulerResults[], members: number): CellEnsemble {
  const { scenario, trace } = task.inference!;
  const schedules = all.map(
    ({ scheduler, runs }) => [scheduler, trace(runs[0]!.episodes[0]!.outcomes[0]!).schedule] as const,
  );
  return cellEnsemble(scenario, new Map(schedules), members);
}
