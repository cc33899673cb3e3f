// From episodes to the rows of latency.csv.
import type { PlannerName } from '../agents/planners/registry.js';
import { planners } from '../agents/planners/registry.js';
import { Stream } from '../base/random/stream.js';
import { median } from '../base/statistics/quantile.js';
import { gpuLoadShare } from '../engine/load-share.js';
import type { Trace } from '../engine/trace.js';
import type { Scenario } from '../env/scheduling/scenario.js';
import type { ShareEnv } from '../env/scheduling/share-env.js';
import type { ShareEnvOptions } from '../env/scheduling/share-options.js';
import type { JobResult } from './job.js';
import type { LatencyRow } from './rows.js';
import { bootstrapInterval } from './statistics.js';
import { decodeActions, driveSchedule, replay, type TrajectoryRow, trajectoryRow } from './trajectories.js';

/** The final episodes of one scheduler in one cell: one per seed, or a single one when it is deterministic. */
export interface SchedulerOutcome {
  readonly scheduler: string;
  readonly traces: readonly Trace[];
  readonly trajectories: readonly TrajectoryRow[];
  readonly decisionWallMs: readonly number[];
  /** Of a learner only. */
  readonly training: { readonly wallS: readonly number[]; readonly latencyMsBestSeen: readonly number[] } | null;
}

/** Plans, drives the environment with the plan, once per seed where the planner is stochastic. */
export function planOutcome(
  scheduler: PlannerName,
  scenario: Scenario,
  env: ShareEnv,
  options: ShareEnvOptions,
  seeds: number,
): SchedulerOutcome {
  const { graph, executor, conditions } = scenario;
  const entry = planners[scheduler];
  const runs = Array.from({ length: entry.stochastic ? seeds : 1 }, (_, seed) => {
    const random = Stream.of(seed, 'planner', scheduler);
    const startMs = performance.now();
    const schedule = entry.plan({ graph, costs: executor.costs(graph), conditions, random });
    const decisionWallMs = performance.now() - startMs;
    const episode = driveSchedule(env, schedule, seed);
    const trajectory = trajectoryRow(scenario, options, { scheduler, seed, phase: 'final' }, episode);
    return { trace: episode.trace, trajectory, decisionWallMs };
  });
  return {
    scheduler,
    traces: runs.map(({ trace }) => trace),
    trajectories: runs.map(({ trajectory }) => trajectory),
    decisionWallMs: runs.map(({ decisionWallMs }) => decisionWallMs),
    training: null,
  };
}

/** The finished jobs of one learner in one cell. */
export function learnerOutcome(scheduler: string, env: ShareEnv, results: readonly JobResult[]): SchedulerOutcome {
  return {
    scheduler,
    traces: results.map(({ final }) => replay(env, decodeActions(final.actions), final.seed).trace),
    trajectories: results.map(({ final }) => final),
    decisionWallMs: results.map(({ decisionWallMs }) => decisionWallMs),
    training: {
      wallS: results.map(({ trainingWallS }) => trainingWallS),
      latencyMsBestSeen: results.map(({ latencyMsBestSeen }) => latencyMsBestSeen),
    },
  };
}

/** The yardsticks of a cell: latency of the better single device and of the optimum, ms. */
export interface Yardsticks {
  readonly bestSingleMs: number;
  readonly optimumMs: number;
}

/** Headroom under which captured headroom is not defined: a quotient of two small differences. */
const leastHeadroom = 0.02;

/** (best single - latency) / (best single - optimum); null where the headroom is too small. */
export function capturedHeadroom(latencyMs: number, { bestSingleMs, optimumMs }: Yardsticks): number | null {
  if (bestSingleMs / optimumMs - 1 < leastHeadroom) return null;
  return (bestSingleMs - latencyMs) / (bestSingleMs - optimumMs);
}

export function latencyRow(scenario: Scenario, outcome: SchedulerOutcome, yardsticks: Yardsticks): LatencyRow {
  const { model, profile, graph, conditions } = scenario;
  const latencies = outcome.traces.map(({ makespanMs }) => makespanMs);
  const shares = outcome.traces.map((trace) => gpuLoadShare(graph, trace));
  const latencyMs = median(latencies);
  const stream = Stream.of(0, 'bootstrap', model.uri, profile.uri, outcome.scheduler);
  const interval = latencies.length > 1 ? bootstrapInterval(latencies, stream, { statistic: median }) : null;
  return {
    scheduler: outcome.scheduler,
    model: model.uri,
    profile: profile.uri,
    profileHash: profile.hash,
    kind: scenario.executor.kind,
    weakestSource: profile.weakestSource,
    regime: conditions.regime,
    decision: 'planned',
    seeds: latencies.length,
    latencyMs,
    latencyMsLow: interval?.low ?? null,
    latencyMsHigh: interval?.high ?? null,
    latencyMsBestSeen: outcome.training && median(outcome.training.latencyMsBestSeen),
    energyMj: null,
    gpuShareUnits: median(shares.map(({ units }) => units)),
    gpuShareFlops: median(shares.map(({ flops }) => flops)),
    gpuShareTime: median(shares.map(({ time }) => time)),
    gapPercent: 100 * (latencyMs / yardsticks.optimumMs - 1),
    capturedHeadroom: capturedHeadroom(latencyMs, yardsticks),
    decisionWallMs: median(outcome.decisionWallMs),
    trainingWallS: outcome.training && median(outcome.training.wallS),
  };
}
