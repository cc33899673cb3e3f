// Checks a trajectories.csv against the program: simulated episodes are replayed and must give the same numbers; of
// measured ones everything but the latency is checked, because no machine takes the same time twice.
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../base/errors/input-error.js';
import { readCsv } from '../base/files/csv.js';
import { readJsonIfWhole } from '../base/files/json.js';
import type { LoadProcess } from '../engine/load-process.js';
import { parseHardwareUri } from '../engine/runtime/hardware.js';
import type { Env } from '../env/gym/env.js';
import { Discrete } from '../env/gym/spaces/discrete.js';
import type { ModelEnv } from '../env/randomisation/model-choice.js';
import '../env/environments.js';
import { openScenario, type Scenario } from '../engine/scenario.js';
import { scenarioUnder } from '../env/randomisation/situation.js';
import { environmentOf, optionsSchemaOf, schedulingIds } from '../env/register.js';
import { StreamEnv } from '../env/stream/env.js';
import { streamEnvId } from '../env/stream/options.js';
import { openStreamSetting } from '../env/stream/setting.js';
import { type LoadedModel, loadModel } from '../models/load.js';
import { parseWith } from './config.js';
import { checkMeasured, checkMeasuredStream, type TextRow } from './results/measured-rows.js';
import { decodeActions, decodeChoices, type Episode, replay, trajectoryColumns } from './results/trajectories.js';
import { replayStream, responseMs, streamOptionsOf } from './stream/episodes.js';

export interface Validation {
  readonly rows: number;
  /** Of them measured: their schedules and returns were checked, their latencies cannot be. */
  readonly measured: number;
  /** One sentence per row that does not hold. */
  readonly failures: readonly string[];
}

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
    if (row.env === streamEnvId && parseHardwareUri(row.profile)) {
      measured += 1;
      const failure = await checkMeasuredStream(row, streamOptionsOf(row.envOptions, where));
      if (failure) failures.push(`${where}: ${failure}`);
      continue;
    }
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
  const by = failures.length > 0 ? recordedBy(path) : '';
  return { rows: rows.length, measured, failures: failures.map((failure) => failure + by) };
}

/** Which version a run was recorded with, where the file that says so lies beside its trajectories. */
function recordedBy(path: string): string {
  const system = readJsonIfWhole(join(dirname(path), 'system.json'), z.looseObject({ version: z.string() }));
  return system ? ` (recorded with SparOA Gym ${system.version})` : '';
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
