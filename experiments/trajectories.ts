// Replayable episodes: a row of trajectories.csv says everything needed to recompute its return and latency.
import { rollout } from '../agents/train-loop.js';
import { InputError } from '../base/errors/input-error.js';
import { readCsv } from '../base/files/csv.js';
import type { Schedule } from '../engine/schedule.js';
import type { Trace } from '../engine/trace.js';
import { openScenario, type Scenario } from '../env/scheduling/scenario.js';
import type { ShareEnv } from '../env/scheduling/share-env.js';
import {
  type ShareEnvOptions,
  shareEnvId,
  shareEnvOf,
  shareEnvOptionsSchema,
} from '../env/scheduling/share-options.js';
import { parseWith } from './config.js';

export interface TrajectoryRow {
  readonly env: string;
  /** As a query: `shares=binary&lookahead=4`. */
  readonly envOptions: string;
  readonly model: string;
  readonly modelHash: string;
  readonly profile: string;
  readonly profileHash: string;
  /** As a query: `regime=serial&mode=maxn`. */
  readonly conditions: string;
  /** Of the episode's reset. */
  readonly seed: number;
  readonly scheduler: string;
  /** Base64 of the actions as little-endian float32. */
  readonly actions: string;
  readonly return: number;
  readonly latencyMs: number;
  readonly energyMj: number | null;
  readonly kind: 'simulated' | 'measured';
  /** `final`: what latency.csv reports; `training`: an exploring episode. */
  readonly phase: 'final' | 'training';
}

export const trajectoryColumns = [
  'env',
  'envOptions',
  'model',
  'modelHash',
  'profile',
  'profileHash',
  'conditions',
  'seed',
  'scheduler',
  'actions',
  'return',
  'latencyMs',
  'energyMj',
  'kind',
  'phase',
] as const satisfies readonly (keyof TrajectoryRow)[];

export interface Episode {
  readonly return: number;
  readonly actions: readonly Float32Array[];
  readonly trace: Trace;
}

/** Drives the environment with given actions, one per unit. */
export function replay(env: ShareEnv, actions: readonly Float32Array[], seed: number): Episode {
  let next = 0;
  const episode = rollout(env, { act: () => actions[next++]! }, seed);
  return { ...episode, trace: traceOf(episode.info) };
}

/** A planner's schedule as an episode of the environment: its shares are the actions. */
export function driveSchedule(env: ShareEnv, schedule: Schedule, seed: number): Episode {
  return replay(
    env,
    Array.from(schedule.share, (share) => Float32Array.of(share)),
    seed,
  );
}

/** The trace of an episode that ended well. */
export function traceOf(info: Readonly<Record<string, unknown>>): Trace {
  if (!info.trace) throw new Error(`the episode failed: ${JSON.stringify(info.error)}`);
  return info.trace as Trace;
}

export function trajectoryRow(
  scenario: Scenario,
  options: ShareEnvOptions,
  label: { scheduler: string; seed: number; phase: TrajectoryRow['phase'] },
  { actions, return: total, trace }: Episode,
): TrajectoryRow {
  const { model, profile, conditions } = scenario;
  return {
    env: shareEnvId,
    envOptions: queryOf({ ...options }),
    model: model.uri,
    modelHash: model.modelHash,
    profile: profile.uri,
    profileHash: profile.hash,
    conditions: queryOf({ regime: conditions.regime, mode: conditions.mode }),
    seed: label.seed,
    scheduler: label.scheduler,
    actions: encodeActions(actions),
    return: total,
    latencyMs: trace.makespanMs,
    energyMj: null,
    kind: trace.kind,
    phase: label.phase,
  };
}

function queryOf(record: Readonly<Record<string, string | number>>): string {
  return Object.entries(record)
    .map(([key, value]) => `${key}=${value}`)
    .join('&');
}

export function encodeActions(actions: readonly Float32Array[]): string {
  const bytes = Buffer.alloc(4 * actions.length);
  actions.forEach((action, i) => {
    bytes.writeFloatLE(action[0]!, 4 * i);
  });
  return bytes.toString('base64');
}

export function decodeActions(text: string): Float32Array[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: bytes.length >> 2 }, (_, i) => Float32Array.of(bytes.readFloatLE(4 * i)));
}

export interface Validation {
  readonly rows: number;
  /** One sentence per row that does not hold. */
  readonly failures: readonly string[];
}

/**
 * Replays every row of a trajectories.csv and compares return and latency exactly.
 * @throws InputError when the file cannot be read, or a row names an environment that cannot be replayed.
 */
export async function validateTrajectories(path: string): Promise<Validation> {
  const rows = readCsv(path, trajectoryColumns);
  if (rows.length === 0) throw new InputError(`${path}: holds no episode.`, 'Give the trajectories.csv of a run.');
  const environments = new Map<string, Promise<{ scenario: Scenario; env: ShareEnv }>>();
  const failures: string[] = [];
  for (const [index, row] of rows.entries()) {
    // The header is line 1.
    const where = `${path}:${index + 2}`;
    if (row.env !== shareEnvId) {
      throw new InputError(`${where}: environment "${row.env}" cannot be replayed.`, `Known: ${shareEnvId}.`);
    }
    const key = JSON.stringify([row.model, row.profile, row.envOptions]);
    const opened = environments.get(key) ?? open(row, where);
    environments.set(key, opened);
    const { scenario, env } = await opened;
    const failure = compare(row, scenario, env);
    if (failure) failures.push(`${where}: ${failure}`);
  }
  return { rows: rows.length, failures };
}

type TextRow = Record<keyof TrajectoryRow, string>;

async function open(row: TextRow, where: string): Promise<{ scenario: Scenario; env: ShareEnv }> {
  const { lookahead, ...others } = Object.fromEntries(new URLSearchParams(row.envOptions));
  const options = parseWith(shareEnvOptionsSchema, { ...others, lookahead: Number(lookahead) }, `${where}: envOptions`);
  const scenario = await openScenario(row.model, row.profile);
  return { scenario, env: shareEnvOf(scenario, options) };
}

function compare(row: TextRow, scenario: Scenario, env: ShareEnv): string | null {
  if (row.modelHash !== scenario.model.modelHash) {
    return `model changed: recorded ${row.modelHash}, now ${scenario.model.modelHash}`;
  }
  if (row.profileHash !== scenario.profile.hash) {
    return `profile changed: recorded ${row.profileHash}, now ${scenario.profile.hash}`;
  }
  const actions = decodeActions(row.actions);
  if (actions.length !== scenario.graph.units.length) {
    return `result differs: ${actions.length} actions for ${scenario.graph.units.length} units`;
  }
  const episode = replay(env, actions, Number(row.seed));
  if (episode.return !== Number(row.return))
    return `result differs: return ${row.return} recorded, ${episode.return} replayed`;
  const latencyMs = episode.trace.makespanMs;
  if (latencyMs !== Number(row.latencyMs))
    return `result differs: latency ${row.latencyMs} ms recorded, ${latencyMs} ms replayed`;
  return null;
}
