// Converts the results of schedulers in one cell to rows of result files.
import { Rng } from '../../base/random/rng.js';
import { median } from '../../base/statistics/quantile.js';
import { type CellReferences, capturedHeadroom, metricsOf, type SchedulerResults } from '../evaluate.js';
import { bootstrapInterval } from '../statistics/statistics.js';
import type { Task } from '../tasks/registry.js';
import type { LatencyRow } from './rows.js';
import type { ResultRow } from './summary.js';
import type { TrajectoryRow } from './trajectories.js';

/** A row of results.csv for each seed, episode and available metric. */
export function resultRows(
  variant: string,
  task: Task,
  { scheduler, decision, runs }: SchedulerResults,
  references: CellReferences,
): ResultRow[] {
  const { model, modelHash, profile, profileHash, kind, weakestSource, execution } = task.subject;
  const card = {
    variant,
    env: task.id,
    model,
    modelHash,
    profile,
    profileHash,
    kind,
    weakestSource,
    execution,
    scheduler,
    decision,
  };
  return runs.flatMap(({ seed, episodes }) =>
    episodes.flatMap((episode) =>
      Object.entries(metricsOf(task, episode, references)).flatMap(([metric, value]) =>
        value === null ? [] : [{ ...card, seed, episode: episode.seed, metric, value }],
      ),
    ),
  );
}

/**
 * Of tasks that are one inference: median over seeds, of medians over executions, with its 95 % percentile bootstrap
 * interval: over seeds, or over executions where there is one seed.
 */
export function latencyRow(
  variant: string,
  task: Task,
  { scheduler, decision, runs }: SchedulerResults,
  references: CellReferences,
): LatencyRow {
  const { model, profile, profileHash, kind, weakestSource, execution } = task.subject;
  const seed = runs[0]!.episodes[0]!.seed;
  const executions = runs.map(({ episodes }) => episodes[0]!.outcomes.map((outcome) => task.metrics(outcome)));
  const latencies = executions.map((all) => all.map(({ latencyMs }) => latencyMs!));
  const sample = latencies.length > 1 ? latencies.map(median) : latencies[0]!;
  const latencyMs = median(sample);
  const interval =
    sample.length > 1
      ? bootstrapInterval(sample, Rng.of(0, 'bootstrap', model, profile, scheduler), { statistic: median })
      : null;
  const trained = runs.flatMap(({ training }) => training ?? []);
  const bestSeen = trained.flatMap(({ bestSeen }) => bestSeen ?? []);
  const all = executions.flat();
  const medianOf = (metric: string) => median(all.map((metrics) => metrics[metric]!));
  const [single, best] = [references.singleOf(seed), references.bestOf(seed)];
  const values = executions.map((all) => all.map((metrics) => metrics[task.objective]!));
  const value = median(values.length > 1 ? values.map(median) : values[0]!);
  return {
    scheduler,
    model,
    profile,
    profileHash,
    kind,
    weakestSource,
    execution,
    decision,
    seeds: runs.length,
    latencyMs,
    latencyMsLow: interval?.low ?? null,
    latencyMsHigh: interval?.high ?? null,
    // Of another objective it is no latency.
    latencyMsBestSeen: bestSeen.length > 0 && task.objective === 'latencyMs' ? median(bestSeen) : null,
    energyMj: all.every(({ energyMj }) => energyMj !== null) ? medianOf('energyMj') : null,
    gpuShareUnits: medianOf('gpuShareUnits'),
    gpuShareFlops: medianOf('gpuShareFlops'),
    gpuShareTime: medianOf('gpuShareTime'),
    gapPercent: 100 * (value / best - 1),
    gapTo: references.bestName,
    capturedHeadroom: capturedHeadroom(value, single, best),
    decisionWallMs: median(runs.map(({ decisionWallMs }) => decisionWallMs)),
    trainingWallS: trained.length > 0 ? median(trained.map(({ wallS }) => wallS)) : null,
    variant,
  };
}

/** Every execution as a row of trajectories.csv. */
export function finalTrajectories(task: Task, { scheduler, runs }: SchedulerResults): TrajectoryRow[] {
  return runs.flatMap(({ episodes }) =>
    episodes.flatMap(({ outcomes }) => outcomes.map((outcome) => task.row(outcome, { scheduler, phase: 'final' }))),
  );
}
