// From schedules to the rows of latency.csv: every scheduler's schedules are driven through the environment, and what
// comes out is summed up.
import { type PlannerName, planners } from '../../agents/baselines/registry.js';
import { Stream } from '../../base/random/stream.js';
import { median } from '../../base/statistics/quantile.js';
import { gpuLoadShare } from '../../engine/load-share.js';
import type { Scenario } from '../../engine/scenario.js';
import type { Trace } from '../../engine/trace.js';
import type { ShareEnv } from '../../env/share/share-env.js';
import type { JobResult } from '../job-files.js';
import type { LatencyRow } from '../results/rows.js';
import { actionsOf, decodeActions, type Episode, replay } from '../results/trajectories.js';
import { bootstrapInterval, type Interval } from './statistics.js';

/** A schedule to be judged: of a planner with one of its seeds, or of a trained policy. */
export interface Contender {
  readonly scheduler: string;
  /** Of the planner's stream, or of the episode that the policy was judged by. */
  readonly seed: number;
  readonly actions: readonly Float32Array[];
  readonly decisionWallMs: number;
  /** Of a learner only. */
  readonly training: { readonly wallS: number; readonly latencyMsBestSeen: number } | null;
}

/** Plans once, or once per seed where the planner is stochastic. */
export function plannedContenders(scheduler: PlannerName, scenario: Scenario, seeds: number): Contender[] {
  const { graph, costs, conditions } = scenario;
  const entry = planners[scheduler];
  return Array.from({ length: entry.stochastic ? seeds : 1 }, (_, seed) => {
    const random = Stream.of(seed, 'planner', scheduler);
    const startMs = performance.now();
    const schedule = entry.plan({ graph, costs, conditions, random });
    const decisionWallMs = performance.now() - startMs;
    return { scheduler, seed, actions: actionsOf(schedule), decisionWallMs, training: null };
  });
}

/** The final schedules of one learner's finished jobs. */
export function trainedContenders(scheduler: string, results: readonly JobResult[]): Contender[] {
  return results.map(({ final, decisionWallMs, trainingWallS, latencyMsBestSeen }) => ({
    scheduler,
    seed: final.seed,
    actions: decodeActions(final.actions),
    decisionWallMs,
    training: { wallS: trainingWallS, latencyMsBestSeen },
  }));
}

/** A contender and its episodes, one per round. */
export interface Judged {
  readonly contender: Contender;
  readonly episodes: readonly Episode[];
}

/**
 * Drives the environment with every contender, round after round, so that a drift of the machine hits all alike. A
 * simulated environment needs one round: it always gives the same.
 */
export function judge(env: ShareEnv, contenders: readonly Contender[], rounds: number): Judged[] {
  const judged = contenders.map((contender) => ({ contender, episodes: [] as Episode[] }));
  for (let round = 0; round < rounds; round++)
    for (const { contender, episodes } of judged) episodes.push(replay(env, contender.actions, contender.seed));
  return judged;
}

/** The executions of one scheduler in one cell: a list per seed. */
export interface SchedulerOutcome {
  readonly scheduler: string;
  readonly judged: readonly Judged[];
}

/** By scheduler, in order of first appearance. */
export function outcomesOf(judged: readonly Judged[]): SchedulerOutcome[] {
  const schedulers = [...new Set(judged.map(({ contender }) => contender.scheduler))];
  return schedulers.map((scheduler) => ({
    scheduler,
    judged: judged.filter(({ contender }) => contender.scheduler === scheduler),
  }));
}

export function tracesOf({ judged }: SchedulerOutcome): Trace[] {
  return judged.flatMap(({ episodes }) => episodes.map(({ trace }) => trace));
}

export interface LatencySummary {
  readonly latencyMs: number;
  /** Null where a single number is all there is. */
  readonly interval: Interval | null;
}

/**
 * Median over seeds, of medians over rounds, with its 95 % percentile bootstrap interval: over seeds, or over rounds
 * where there is one seed.
 */
export function summarise({ judged }: SchedulerOutcome, stream: Stream): LatencySummary {
  const rounds = judged.map(({ episodes }) => episodes.map(({ trace }) => trace.makespanMs));
  const sample = rounds.length > 1 ? rounds.map(median) : rounds[0]!;
  return {
    latencyMs: median(sample),
    interval: sample.length > 1 ? bootstrapInterval(sample, stream, { statistic: median }) : null,
  };
}

/** The yardsticks of a cell, ms. */
export interface Yardsticks {
  /** The better single device. */
  readonly bestSingleMs: number;
  /** The provable optimum where it is simulated; on hardware nothing is provable, and this is the best one measured. */
  readonly bestMs: number;
}

/** Schedulers that the yardsticks need, whether or not a config lists them. */
export const yardstickSchedulers = ['cpu-only', 'gpu-only', 'optimum'] as const satisfies readonly PlannerName[];

export function yardsticksOf({ executor, platform }: Scenario, outcomes: readonly SchedulerOutcome[]): Yardsticks {
  const latencies = outcomes.map((outcome) => ({
    scheduler: outcome.scheduler,
    ms: summarise(outcome, Stream.of(0, 'yardsticks', platform.uri)).latencyMs,
  }));
  const of = (scheduler: string) => latencies.find((each) => each.scheduler === scheduler)!.ms;
  return {
    bestSingleMs: Math.min(of('cpu-only'), of('gpu-only')),
    bestMs: executor.kind === 'measured' ? Math.min(...latencies.map(({ ms }) => ms)) : of('optimum'),
  };
}

/** Headroom under which captured headroom is not defined: a quotient of two small differences. */
const leastHeadroom = 0.02;

/** (best single - latency) / (best single - best); null where the headroom is too small. */
export function capturedHeadroom(latencyMs: number, { bestSingleMs, bestMs }: Yardsticks): number | null {
  if (bestSingleMs / bestMs - 1 < leastHeadroom) return null;
  return (bestSingleMs - latencyMs) / (bestSingleMs - bestMs);
}

export function latencyRow(scenario: Scenario, outcome: SchedulerOutcome, yardsticks: Yardsticks): LatencyRow {
  const { model, platform, graph, conditions } = scenario;
  const contenders = outcome.judged.map(({ contender }) => contender);
  const trained = contenders.flatMap(({ training }) => training ?? []);
  const shares = tracesOf(outcome).map((trace) => gpuLoadShare(graph, trace));
  const stream = Stream.of(0, 'bootstrap', model.uri, platform.uri, outcome.scheduler);
  const { latencyMs, interval } = summarise(outcome, stream);
  return {
    scheduler: outcome.scheduler,
    model: model.uri,
    profile: platform.uri,
    profileHash: platform.hash,
    kind: scenario.executor.kind,
    weakestSource: platform.weakestSource,
    regime: conditions.regime,
    decision: 'planned',
    seeds: contenders.length,
    latencyMs,
    latencyMsLow: interval?.low ?? null,
    latencyMsHigh: interval?.high ?? null,
    latencyMsBestSeen: trained.length > 0 ? median(trained.map((each) => each.latencyMsBestSeen)) : null,
    energyMj: null,
    gpuShareUnits: median(shares.map(({ units }) => units)),
    gpuShareFlops: median(shares.map(({ flops }) => flops)),
    gpuShareTime: median(shares.map(({ time }) => time)),
    gapPercent: 100 * (latencyMs / yardsticks.bestMs - 1),
    capturedHeadroom: capturedHeadroom(latencyMs, yardsticks),
    decisionWallMs: median(contenders.map((each) => each.decisionWallMs)),
    trainingWallS: trained.length > 0 ? median(trained.map(({ wallS }) => wallS)) : null,
  };
}
