// Checks a trajectories.csv against the program: simulated episodes are replayed and must give the same numbers; of
// measured ones everything but the latency is checked, because no machine takes the same time twice.
import { InputError } from '../base/errors/input-error.js';
import { readCsv } from '../base/files/csv.js';
import { parseHardwareUri } from '../engine/runtime/hardware.js';
import { Schedule } from '../engine/schedule.js';
import { hardwareGranularity, openScenario, type Scenario } from '../env/scheduling/scenario.js';
import { type ShareEnv, shareOf } from '../env/scheduling/share-env.js';
import {
  type ShareEnvOptions,
  shareEnvId,
  shareEnvOf,
  shareEnvOptionsSchema,
} from '../env/scheduling/share-options.js';
import { StreamEnv } from '../env/scheduling/stream/env.js';
import { streamEnvId } from '../env/scheduling/stream/options.js';
import { openStreamSetting } from '../env/scheduling/stream/setting.js';
import { type LoadedModel, loadModel } from '../models/load.js';
import { parseWith } from './config.js';
import { replayStream, responseMs, streamOptionsOf } from './stream/episodes.js';
import { decodeActions, replay, type TrajectoryRow, trajectoryColumns } from './trajectories.js';

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
  const simulations = new Map<string, Promise<{ scenario: Scenario; env: ShareEnv }>>();
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
    if (row.env !== shareEnvId) {
      const known = `Known: ${shareEnvId}, ${streamEnvId}.`;
      throw new InputError(`${where}: environment "${row.env}" cannot be replayed.`, known);
    }
    const options = envOptionsOf(row, where);
    let failure: string | null;
    if (parseHardwareUri(row.profile)) {
      measured += 1;
      const model = await once(models, row.model, () => loadModel(row.model));
      failure = checkMeasured(row, model, options);
    } else {
      const key = JSON.stringify([row.model, row.profile, row.envOptions]);
      const { scenario, env } = await once(simulations, key, async () => {
        const opened = await openScenario(row.model, row.profile);
        return { scenario: opened, env: shareEnvOf(opened, options) };
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

function envOptionsOf(row: TextRow, where: string): ShareEnvOptions {
  const { lookahead, ...others } = Object.fromEntries(new URLSearchParams(row.envOptions));
  return parseWith(shareEnvOptionsSchema, { ...others, lookahead: Number(lookahead) }, `${where}: envOptions`);
}

function replaySimulated(row: TextRow, { model, platform, graph }: Scenario, env: ShareEnv): string | null {
  if (row.kind !== 'simulated') return `kind is ${row.kind}, but ${row.profile} is simulated`;
  if (row.modelHash !== model.modelHash) return `model changed: recorded ${row.modelHash}, now ${model.modelHash}`;
  if (row.profileHash !== platform.hash) return `profile changed: recorded ${row.profileHash}, now ${platform.hash}`;
  const actions = decodeActions(row.actions);
  if (actions.length !== graph.units.length) {
    return `result differs: ${actions.length} actions for ${graph.units.length} units`;
  }
  const episode = replay(env, actions, Number(row.seed));
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

/** What holds of a measured episode on any machine: its schedule, and its return given its latency. */
function checkMeasured(row: TextRow, model: LoadedModel, { shares }: ShareEnvOptions): string | null {
  if (row.kind !== 'measured') return `kind is ${row.kind}, but ${row.profile} is hardware`;
  if (row.modelHash !== model.modelHash) return `model changed: recorded ${row.modelHash}, now ${model.modelHash}`;
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
  const referenceMs = Number(new URLSearchParams(row.conditions).get('referenceMs'));
  const expected = -Number(row.latencyMs) / referenceMs;
  if (!(referenceMs > 0) || !(Math.abs(Number(row.return) - expected) <= returnTolerance * Math.abs(expected))) {
    return `return ${row.return} is not minus the latency, ${row.latencyMs} ms, in units of the reference, ${referenceMs} ms`;
  }
  return null;
}
