// Checks a trajectories.csv against the program: simulated episodes are replayed and must give the same numbers; of
// measured ones everything but the latency is checked, because no machine takes the same time twice.
import { InputError } from '../base/errors/input-error.js';
import { readCsv } from '../base/files/csv.js';
import { parseHardwareUri } from '../engine/runtime/hardware.js';
import { Schedule } from '../engine/schedule.js';
import type { Env } from '../env/gym/env.js';
import { environmentIds, makeFromSpec } from '../env/gym/registry.js';
import '../env/scheduling/environments.js';
import { hardwareGranularity, openScenario, type Scenario } from '../env/scheduling/scenario.js';
import { shareOf } from '../env/scheduling/share-env.js';
import {
  type ShareEnvOptions,
  shareEnvId,
  shareEnvOf,
  shareEnvOptionsSchema,
} from '../env/scheduling/share-options.js';
import { type LoadedModel, loadModel } from '../models/load.js';
import { parseWith } from './config.js';
import {
  actionSize,
  decodeActions,
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
  const simulations = new Map<string, Promise<{ scenario: Scenario; env: Env<Float32Array, unknown> }>>();
  const models = new Map<string, Promise<LoadedModel>>();
  const failures: string[] = [];
  let measured = 0;
  for (const [index, row] of rows.entries()) {
    // The header is line 1.
    const where = `${path}:${index + 2}`;
    if (!environmentIds().includes(row.env)) {
      throw new InputError(
        `${where}: environment "${row.env}" cannot be replayed.`,
        `Known: ${environmentIds().join(', ')}.`,
      );
    }
    let failure: string | null;
    if (parseHardwareUri(row.profile)) {
      measured += 1;
      const model = await once(models, row.model, () => loadModel(row.model));
      failure = checkMeasured(row, model, envOptionsOf(row, where));
    } else {
      const key = JSON.stringify([row.env, row.model, row.profile, row.envOptions, row.conditions]);
      const { scenario, env } = await once(simulations, key, () => openSimulated(row, where));
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

/** The environment that a simulated row names, under its conditions. */
async function openSimulated(row: TextRow, where: string) {
  const opened = await openScenario(row.model, row.profile);
  if (row.env === shareEnvId) {
    const overlap = new URLSearchParams(row.conditions).get('regime') === 'overlap';
    const conditions = { ...opened.conditions, ...(overlap && { regime: 'overlap' as const }) };
    const scenario = { ...opened, conditions };
    return { scenario, env: shareEnvOf(scenario, envOptionsOf(row, where)) as unknown as Env<Float32Array, unknown> };
  }
  const entries = [...new URLSearchParams(row.envOptions)].map(([name, text]) => [name, optionOf(text)]);
  const options = { model: row.model, profile: row.profile, ...Object.fromEntries(entries) };
  const env = (await makeFromSpec({ id: row.env, options, wrappers: [] })) as Env<Float32Array, unknown>;
  return { scenario: opened, env };
}

/** An option as it was before it became part of a query. */
function optionOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

function envOptionsOf(row: TextRow, where: string): ShareEnvOptions {
  const { lookahead, ...others } = Object.fromEntries(new URLSearchParams(row.envOptions));
  return parseWith(shareEnvOptionsSchema, { ...others, lookahead: Number(lookahead) }, `${where}: envOptions`);
}

function replaySimulated(row: TextRow, { model, platform }: Scenario, env: Env<Float32Array, unknown>): string | null {
  if (row.kind !== 'simulated') return `kind is ${row.kind}, but ${row.profile} is simulated`;
  if (row.modelHash !== model.modelHash) return `model changed: recorded ${row.modelHash}, now ${model.modelHash}`;
  if (row.profileHash !== platform.hash) return `profile changed: recorded ${row.profileHash}, now ${platform.hash}`;
  const actions = decodeActions(row.actions, actionSize(env.actionSpace));
  let episode: Episode;
  try {
    episode = replay(env, actions, Number(row.seed));
  } catch (error) {
    if (error instanceof InputError) return `result differs: ${error.problem}`;
    throw error;
  }
  if (episode.return !== Number(row.return))
    return `result differs: return ${row.return} recorded, ${episode.return} replayed`;
  const latencyMs = episode.trace.makespanMs;
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
