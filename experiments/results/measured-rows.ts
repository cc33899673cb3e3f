// Checks of measured rows of trajectories.csv, on any machine. Latencies cannot be replayed, but schedules can be checked, and
// returns given the latencies.
import { Rng } from '../../base/random/rng.js';
import { hardwareGranularity } from '../../engine/scenario.js';
import { Schedule } from '../../engine/schedule.js';
import { type RewardOptions, returnOf, rewardOf } from '../../env/rewards/rewards.js';
import { shareEnvId } from '../../env/share/share-options.js';
import { shareOf } from '../../env/share/share-problem.js';
import { modelsOf } from '../../env/stream/episode.js';
import type { StreamEnvOptions } from '../../env/stream/options.js';
import { modelHashOf, streamModels } from '../../env/stream/setting.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { LoadedModel } from '../../models/load.js';
import { decodeActions, type TrajectoryRow } from './trajectories.js';

export type TextRow = Record<keyof TrajectoryRow, string>;

/** Rounding of the sum of rewards, relative to it. */
const returnTolerance = 1e-9;

/** Checks an episode of one inference: its return given its latency, and for SparOA/Share-v0 its schedule. */
export function checkMeasured(
  row: TextRow,
  model: LoadedModel,
  { shares, ...options }: RewardOptions & { readonly shares?: unknown },
): string | null {
  const wrong = labelProblem(row, model.modelHash);
  if (wrong) return wrong;
  if (row.env === shareEnvId) {
    const graph = model.graph(hardwareGranularity);
    const problem = sharesProblem(graph, actionsOf(row), shares as 'binary' | 'split');
    if (problem) return problem;
  }
  const reward = rewardOf(options);
  return returnProblem(row, (referenceMs) =>
    returnOf(reward, { latencyMs: referenceMs, energyMj: null }, Number(row.latencyMs), null),
  );
}

/**
 * Checks a stream: each batch holds consecutive requests for one model, its schedules fit their models, and its return follows
 * from the times of its requests.
 */
export async function checkMeasuredStream(row: TextRow, options: StreamEnvOptions): Promise<string | null> {
  if (row.profile !== options.profile) return `profile is ${row.profile}, but the options say ${options.profile}`;
  const models = await streamModels(options);
  const wrong = labelProblem(row, modelHashOf(models));
  if (wrong) return wrong;
  const batches = (new URLSearchParams(row.conditions).get('batches') ?? '').split('.').map(Number);
  const sizes = options.batches.toSorted((a, b) => a - b);
  // The episode's seed is the first number that the environment draws from the seed of the reset.
  const wanted = modelsOf(options, Rng.of(Number(row.seed), 'env').seed());
  const actions = actionsOf(row);
  let [first, at] = [0, 0];
  for (const requests of batches) {
    const size = sizes.findIndex((each) => each >= requests);
    const together = wanted.subarray(first, first + requests);
    if (!(requests >= 1) || size < 0 || together.length < requests || together.some((model) => model !== together[0]))
      return `batches: ${requests} requests from number ${first} on do not make one of size ${sizes.join(' or ')}`;
    const graph = models[together[0]! * sizes.length + size]!.graph(hardwareGranularity);
    const problem = sharesProblem(graph, actions.slice(at, at + graph.units.length), options.shares);
    if (problem) return `batch from request ${first} on: ${problem}`;
    first += requests;
    at += graph.units.length;
  }
  if (first < options.requests) return `batches: they answer ${first} of ${options.requests} requests`;
  if (at < actions.length) return `schedule: ${actions.length} actions for ${at} units`;
  return returnProblem(row, (referenceMs) => (-Number(row.latencyMs) * options.requests) / referenceMs);
}

const actionsOf = (row: TextRow): number[] => decodeActions(row.actions).map(([action]) => action!);

function labelProblem(row: TextRow, modelHash: string): string | null {
  if (row.kind !== 'measured') return `kind is ${row.kind}, but ${row.profile} is hardware`;
  if (row.modelHash !== modelHash) return `model changed: recorded ${row.modelHash}, now ${modelHash}`;
  return null;
}

/** @param returnIn computes the expected return from the reference in ms */
function returnProblem(row: TextRow, returnIn: (referenceMs: number) => number): string | null {
  const referenceMs = Number(new URLSearchParams(row.conditions).get('referenceMs'));
  const expected = returnIn(referenceMs);
  if (!(referenceMs > 0) || !(Math.abs(Number(row.return) - expected) <= returnTolerance * Math.abs(expected))) {
    return `return ${row.return} is not ${expected}, that of ${row.latencyMs} ms in units of the reference, ${referenceMs} ms`;
  }
  return null;
}

/** The fault of one inference's schedule. */
function sharesProblem(graph: OperatorGraph, actions: readonly number[], shares: 'binary' | 'split'): string | null {
  const { units } = graph;
  if (actions.length !== units.length) return `schedule: ${actions.length} actions for ${units.length} units`;
  const stray = actions.findIndex((action) => !(action >= 0 && action <= 1));
  if (stray >= 0) return `schedule: action ${actions[stray]} of unit ${stray} is outside [0, 1]`;
  // Throws if the schedule is invalid.
  Schedule.of(
    graph,
    actions.map((action, id) => shareOf(units[id]!, action, shares)),
  );
  return null;
}
