// Checks a trajectories.csv against the program: simulated episodes are replayed and must give the same numbers; of
// measured ones everything but the latency is checked, because no machine takes the same time twice.
import type { z } from 'zod';
import { InputError } from '../base/errors/input-error.js';
import { readCsv } from '../base/files/csv.js';
import type { LoadProcess } from '../engine/load-process.js';
import { parseHardwareUri } from '../engine/runtime/hardware.js';
import { Schedule } from '../engine/schedule.js';
import type { Env } from '../env/gym/env.js';
import { Discrete } from '../env/gym/spaces/discrete.js';
import type { ModelEnv } from '../env/scheduling/model-choice.js';
import '../env/scheduling/environments.js';
import { environmentOf, optionsSchemaOf, schedulingIds } from '../env/scheduling/register.js';
import { type RewardOptions, returnOf, rewardOf } from '../env/scheduling/rewards.js';
import { hardwareGranularity, openScenario, type Scenario } from '../env/scheduling/scenario.js';
import { shareOf } from '../env/scheduling/share-env.js';
import { shareEnvId } from '../env/scheduling/share-options.js';
import { scenarioUnder } from '../env/scheduling/situation.js';
import { StreamEnv } from '../env/scheduling/stream/env.js';
import { streamEnvId } from '../env/scheduling/stream/options.js';
import { openStreamSetting } from '../env/scheduling/stream/setting.js';
import { type LoadedModel, loadModel } from '../models/load.js';
import { parseWith } from './config.js';
import { replayStream, responseMs, streamOptionsOf } from './stream/episodes.js';
import {
  decodeActions,
  decodeChoices,
  type Episode,
  replay,
  type TrajectoryRow,
  trajectoryColumns,
} from './trajectories.js';

export interface Validation {
  readonly rows: number;
  /** Of them measured: their schedules and returns were checked, their latencies cannot be. */
  readonly measured: number;
  /** One sentence per row that does not hold. */
  readonly failures: readonly string[];
}

type TextRow = Record<keyof TrajectoryRow, string>;

/**
 * Checks every row of a trajectories.csv. Simulated ones are replayed; return and latency must be equal exactly.
 * @throws InputError when the file cannot be read, or a row names an environment that cannot be replayed.
 */
export async function validateTrajectories(path: string): Promise<Validation> {
  const rows = readCsv(path, trajectoryColumns);
  if (rows.length === 0) throw new InputError(`${path}: holds no episode.`, 'Give the trajectories.csv of a run.');
  const simulations = new Map<string, Promise<{ scenario: Scenario; env: ModelEnv<never> }>>();
  const models = new Map<string, Promise<LoadedModel>>();
  const failures: string[] = [];
  const streams = new Map<string, Promise<StreamEnv>>();
  let measured = 0;
  for (const [index, row] of rows.entries()) {
    // The header is line 1.
    const where = `${path}:${index + 2}`;
    if (row.env === streamEnvId) {
      const env = await once(streams, row.envOptions, async () => {
        return new StreamEnv(await openStreamSetting(streamOptionsOf(row.envOptions, where)));
      });
      const failure = replayStreamRow(row, env);
      if (failure) failures.push(`${where}: ${failure}`);
      continue;
    }
    if (!schedulingIds().includes(row.env)) {
      throw new InputError(
        `${where}: environment "${row.env}" cannot be replayed.`,
        `Known: ${[...schedulingIds(), streamEnvId].join(', ')}.`,
      );
    }
    const options = parseWith(
      optionsSchemaOf(row.env) as z.ZodType<Record<string, unknown>>,
      optionsOf(row.envOptions),
      `${where}: envOptions`,
    );
    let failure: string | null;
    if (parseHardwareUri(row.profile)) {
      measured += 1;
      const model = await once(models, row.model, () => loadModel(row.model));
      failure = checkMeasured(row, model, options);
    } else {
      const key = JSON.stringify([row.env, row.model, row.profile, row.conditions, row.envOptions]);
      const { scenario, env } = await once(simulations, key, async () => {
        const opened = underConditions(await openScenario(row.model, row.profile), row.conditions);
        return { scenario: opened, env: environmentOf(row.env, opened, options) };
      });
      failure = replaySimulated(row, scenario, env);
    }
    if (failure) failures.push(`${where}: ${failure}`);
  }
  return { rows: rows.length, measured, failures };
}

function once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

/** `shares=binary&lookahead=4` as an object; whatever looks like a number is one. */
function optionsOf(query: string): Record<string, unknown> {
  const told = [...new URLSearchParams(query)].map(([key, value]) => {
    if (value === 'null') return [key, null];
    return [key, value !== '' && Number.isFinite(Number(value)) ? Number(value) : value];
  });
  return Object.fromEntries(told);
}

/** The regime `overlap`, with the row's load, where the row is of that. */
function underConditions(scenario: Scenario, conditions: string): Scenario {
  const told = new URLSearchParams(conditions);
  if (told.get('regime') !== 'overlap') return scenario;
  const load = told.get('load');
  return scenarioUnder(scenario, { load: load === null ? null : (JSON.parse(load) as LoadProcess) });
}

function replaySimulated(row: TextRow, { model, platform }: Scenario, env: ModelEnv<never>): string | null {
  if (row.kind !== 'simulated') return `kind is ${row.kind}, but ${row.profile} is simulated`;
  if (row.modelHash !== model.modelHash) return `model changed: recorded ${row.modelHash}, now ${model.modelHash}`;
  if (row.profileHash !== platform.hash) return `profile changed: recorded ${row.profileHash}, now ${platform.hash}`;
  let episode: Episode<Float32Array | number>;
  try {
    const played = env as unknown as Env<Float32Array, Float32Array | number>;
    const actions = env.actionSpace instanceof Discrete ? decodeChoices(row.actions) : decodeActions(row.actions);
    episode = replay(played, actions as readonly (Float32Array | number)[], Number(row.seed));
  } catch (error) {
    if (error instanceof InputError) return `result differs: ${error.problem}`;
    throw error;
  }
  return difference(row, episode.return, episode.trace.makespanMs);
}

function replayStreamRow(row: TextRow, env: StreamEnv): string | null {
  const { modelHash, profileHash } = env.setting.identity;
  if (row.modelHash !== modelHash) return `model changed: recorded ${row.modelHash}, now ${modelHash}`;
  if (row.profileHash !== profileHash) return `profile changed: recorded ${row.profileHash}, now ${profileHash}`;
  const actions = decodeActions(row.actions);
  const played = replayStream(env, actions, Number(row.seed));
  if (!played) return `result differs: ${actions.length} actions are not as many as the stream's batches have units`;
  return difference(row, played.return, responseMs(played.outcome));
}

function difference(row: TextRow, total: number, latencyMs: number): string | null {
  if (total !== Number(row.return)) return `result differs: return ${row.return} recorded, ${total} replayed`;
  if (latencyMs !== Number(row.latencyMs))
    return `result differs: latency ${row.latencyMs} ms recorded, ${latencyMs} ms replayed`;
  return null;
}

/** Rounding of the sum of rewards, relative to it. */
const returnTolerance = 1e-9;

/** What holds of a measured episode on any machine: of SparOA/Share-v0 its schedule; its return given its latency. */
function checkMeasured(
  row: TextRow,
  model: LoadedModel,
  { shares, ...options }: RewardOptions & { readonly shares?: unknown },
): string | null {
  if (row.kind !== 'measured') return `kind is ${row.kind}, but ${row.profile} is hardware`;
  if (row.modelHash !== model.modelHash) return `model changed: recorded ${row.modelHash}, now ${model.modelHash}`;
  const wrong = row.env === shareEnvId ? sharesProblem(row, model, shares as 'binary' | 'split') : null;
  if (wrong) return wrong;
  const referenceMs = Number(new URLSearchParams(row.conditions).get('referenceMs'));
  const told = { latencyMs: referenceMs, energyMj: null };
  const expected = returnOf(rewardOf(options), told, Number(row.latencyMs), null);
  if (!(referenceMs > 0) || !(Math.abs(Number(row.return) - expected) <= returnTolerance * Math.abs(expected))) {
    return `return ${row.return} is not ${expected}, that of ${row.latencyMs} ms in units of the reference, ${referenceMs} ms`;
  }
  return null;
}

/** What is wrong with the schedule of a row of SparOA/Share-v0. */
function sharesProblem(row: TextRow, model: LoadedModel, shares: 'binary' | 'split'): string | null {
  const graph = model.graph(hardwareGranularity);
  const { units } = graph;
  const actions = decodeActions(row.actions).map(([action]) => action!);
  if (actions.length !== units.length) return `schedule: ${actions.length} actions for ${units.length} units`;
  const stray = actions.findIndex((action) => !(action >= 0 && action <= 1));
  if (stray >= 0) return `schedule: action ${actions[stray]} of unit ${stray} is outside [0, 1]`;
  // Throws where the program's own rules would not let the schedule be.
  Schedule.of(
    graph,
    actions.map((action, id) => shareOf(units[id]!, action, shares)),
  );
  return null;
}
