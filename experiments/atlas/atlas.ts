// The atlas: headroom (optimum against the better single device) of a model over profile variants and batch sizes. It
// answers, before any training, where a hybrid schedule can win at all.

import { listScheduling } from '../../agents/baselines/list-scheduling.js';
import type { Planner } from '../../agents/baselines/planner.js';
import { cpuOnly, gpuOnly, greedy } from '../../agents/baselines/simple.js';
import { staticThresholdTuned } from '../../agents/baselines/threshold.js';
import { optimum } from '../../agents/bounds/optimum.js';
import { Rng } from '../../base/random/rng.js';
import { scenarioOf } from '../../engine/scenario.js';
import { type LoadedModel, loadModel } from '../../models/load.js';
import { type ModelOptions, withBatch } from '../../models/uri.js';
import { loadProfile, profileVariants } from '../../predictor/profiles/profile.js';
import type { AtlasRow } from '../results/rows.js';

/** Batch sizes of sourced cells. */
export const sourcedBatches: readonly number[] = [1, 4, 16];

/** Assumed launch and transfer costs of the sweep, on a logarithmic grid. */
export const sweptLaunchUs: readonly number[] = [1, 3, 10, 30, 100];
export const sweptTransferUs: readonly number[] = [1, 3, 10, 30, 100];

export interface AtlasRequest {
  readonly model: string;
  readonly modelOptions?: ModelOptions;
  readonly profile: string;
  /** A model with a fixed batch is explored at that batch only. */
  readonly batches: readonly number[];
  /** Also sweep the GPU's launch cost and the transfers' fixed cost over assumed values, in each power mode. */
  readonly sweep: boolean;
}

/** Rows in a fixed order: batch, then the sourced variants in the profile's order, then the sweep. */
export async function atlas({ model, modelOptions, profile, batches, sweep }: AtlasRequest): Promise<AtlasRow[]> {
  const uris = [...profileVariants(profile), ...(sweep ? sweptProfiles(profile) : [])];
  const profiles = uris.map(loadProfile);
  const own = await loadModel(model, modelOptions);
  const rows: AtlasRow[] = [];
  for (const batch of own.batchIsFree ? batches : [own.batch]) {
    const loaded = await loadModel(withBatch(own.uri, batch));
    for (const resolved of profiles) rows.push(atlasRow(loaded, scenarioOf(loaded, resolved)));
  }
  return rows;
}

/** Baselines that are cheap to try, beside the single devices; room is their distance from the optimum. */
const cheapBaselines: Readonly<Record<string, Planner>> = {
  greedy,
  heft: listScheduling(0),
  'static-threshold-tuned': staticThresholdTuned,
};

/** Planners whose least latency over the optimum is room. */
export const cheapPlanners: readonly string[] = ['cpu-only', 'gpu-only', ...Object.keys(cheapBaselines)];

/** One cell. */
export function atlasRow(model: LoadedModel, scenario: ReturnType<typeof scenarioOf>): AtlasRow {
  const { graph, executor, costs, conditions, platform } = scenario;
  const problem = { graph, costs, conditions, random: Rng.of(0, 'atlas') };
  const latencyMs = (plan: Planner) => executor.run(graph, plan(problem), conditions).makespanMs;
  const [cpuMs, gpuMs, optimumMs] = [latencyMs(cpuOnly), latencyMs(gpuOnly), latencyMs(optimum)];
  const cheap = Object.entries(cheapBaselines).map(([name, plan]) => ({ name, ms: latencyMs(plan) }));
  const best = [{ name: 'cpu-only', ms: cpuMs }, { name: 'gpu-only', ms: gpuMs }, ...cheap].reduce((a, b) =>
    b.ms < a.ms ? b : a,
  );
  return {
    model: model.uri,
    profile: platform.uri,
    profileHash: platform.hash,
    kind: executor.kind,
    batch: model.batch,
    headroomPercent: 100 * (Math.min(cpuMs, gpuMs) / optimumMs - 1),
    best: cpuMs <= gpuMs ? 'cpu-only' : 'gpu-only',
    roomPercent: 100 * (best.ms / optimumMs - 1),
    bestBaseline: best.name,
    execution: 'serial',
    sourced: platform.weakestSource !== 'assumed' && sourcedBatches.includes(model.batch),
  };
}

/** The eager, direct, single-precision variants with other launch and transfer costs. */
function sweptProfiles(profile: string): string[] {
  return profileVariants(profile)
    .filter((uri) => ['launch=eager', 'transfer=direct', 'precision=fp32'].every((axis) => uri.includes(axis)))
    .flatMap((uri) =>
      sweptLaunchUs.flatMap((launch) =>
        sweptTransferUs.map(
          (transfer) =>
            `${uri}&device1.launch=${launch}us&transfer0.latency=${transfer}us&transfer1.latency=${transfer}us`,
        ),
      ),
    );
}

/** The sourced cell with most headroom, or most room; the first of equals. Null when no cell is sourced. */
export function chosenBy(rule: 'largest-headroom' | 'largest-room', rows: readonly AtlasRow[]): AtlasRow | null {
  const amountOf = (row: AtlasRow) => (rule === 'largest-room' ? row.roomPercent : row.headroomPercent);
  return rows
    .filter((row) => row.sourced)
    .reduce<AtlasRow | null>((best, row) => (best && amountOf(best) >= amountOf(row) ? best : row), null);
}
