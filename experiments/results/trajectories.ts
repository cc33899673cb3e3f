// Episodes as rows of trajectories.csv: each has everything needed to recompute its return and, if simulated, its latency.
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { writeCsv } from '../../base/files/csv.js';
import type { ExecutionError } from '../../engine/executor.js';
import type { Schedule } from '../../engine/schedule.js';
import type { Trace } from '../../engine/trace.js';
import type { Env, Info } from '../../env/gym/env.js';
import { type Drawn, type SituatedEnv, situated } from '../../env/randomisation/situation.js';

export interface TrajectoryRow {
  readonly env: string;
  /** As a query: `shares=binary&lookahead=4`; of SparOA/Stream-v0 all its options, as JSON percent-encoded. */
  readonly envOptions: string;
  readonly model: string;
  readonly modelHash: string;
  /** The profile's URI, or the hardware's: `lanes://cpu:1+cpu:1`. */
  readonly profile: string;
  readonly profileHash: string;
  /**
   * As a query: `execution=serial&mode=maxn`; with `load` as JSON where there is one; of a measured row also `referenceMs`,
   * the unit of the return.
   */
  readonly conditions: string;
  /** Of the episode's reset. */
  readonly seed: number;
  readonly scheduler: string;
  /** Base64 of the actions, little-endian: float32 of a Box, int32 of a Discrete space. */
  readonly actions: string;
  readonly return: number;
  readonly latencyMs: number;
  readonly energyMj: number | null;
  readonly kind: 'simulated' | 'measured';
  /** `final`: an episode that latency.csv reports; `training`: an exploring one. */
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

export const trajectoryRowSchema = z.object({
  env: z.string(),
  envOptions: z.string(),
  model: z.string(),
  modelHash: z.string(),
  profile: z.string(),
  profileHash: z.string(),
  conditions: z.string(),
  seed: z.number(),
  scheduler: z.string(),
  actions: z.string(),
  return: z.number(),
  latencyMs: z.number().nonnegative(),
  energyMj: z.number().nullable(),
  kind: z.enum(['simulated', 'measured']),
  phase: z.enum(['final', 'training']),
}) satisfies z.ZodType<TrajectoryRow>;

/** An episode of any environment of scheduling: its actions are numbers of a `Discrete` space, or arrays of a `Box`. */
export interface Episode<Action extends Float32Array | number = Float32Array> {
  readonly return: number;
  readonly actions: readonly Action[];
  readonly trace: Trace;
}

/**
 * Drives the environment with given actions.
 * @throws InputError when they are too many or too few for an episode, or the execution fails
 */
export function replay<Action extends Float32Array | number>(
  env: Env<Float32Array, Action>,
  actions: readonly Action[],
  seed: number,
): Episode<Action> {
  env.reset({ seed });
  let total = 0;
  for (const [index, action] of actions.entries()) {
    const { reward, terminated, truncated, info } = env.step(action);
    total += reward;
    if (!terminated && !truncated) continue;
    const trace = traceOf(info);
    if (index + 1 === actions.length) return { return: total, actions, trace };
    throw new InputError(
      `${actions.length} actions, but the episode is over after ${index + 1}`,
      'Give the actions of one episode.',
    );
  }
  throw new InputError(
    `${actions.length} actions, after which the episode goes on`,
    'Give the actions of a whole episode.',
  );
}

/** A planner's schedule as actions of the environment: its shares. */
export function actionsOf({ share }: Schedule): Float32Array[] {
  return Array.from(share, (value) => Float32Array.of(value));
}

/**
 * The trace of an episode that ended well.
 * @throws InputError when its execution failed
 */
export function traceOf(info: Readonly<Record<string, unknown>>): Trace {
  if (info.trace) return info.trace as Trace;
  const { error } = info.error as ExecutionError;
  throw new InputError(
    `an execution failed: ${error}.`,
    'Give the same command again to continue, or choose another device pair.',
  );
}

export function trajectoryRow(
  { id, options, scenario, referenceMs }: Omit<SituatedEnv, keyof Env>,
  label: { scheduler: string; seed: number; phase: TrajectoryRow['phase'] },
  { actions, return: total, trace }: Episode<Float32Array | number>,
): TrajectoryRow {
  const { model, platform } = scenario;
  const { execution, mode, load } = trace.conditions;
  const conditions = {
    execution,
    mode,
    ...(load && { load: encodeURIComponent(JSON.stringify(load)) }),
    ...(trace.kind === 'measured' && { referenceMs }),
  };
  return {
    env: id,
    envOptions: queryOf(options),
    model: model.uri,
    modelHash: model.modelHash,
    profile: platform.uri,
    profileHash: platform.hash,
    conditions: queryOf(conditions),
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

/**
 * The row of the episode that an environment has just ended, under any wrappers. If its situation was drawn, `validate` replays
 * it in the environment of that draw.
 * @param seed of the reset, where nothing was drawn
 * @throws InputError when the execution failed, or the environment has no scenario
 */
export function episodeRow(
  env: Env<Float32Array, never>,
  {
    seed,
    info,
    ...played
  }: Omit<Episode<Float32Array | number>, 'trace'> & {
    readonly seed: number;
    readonly info: Info;
    readonly scheduler: string;
  },
): TrajectoryRow {
  const drawn = info.drawn as Drawn | undefined;
  const label = { scheduler: played.scheduler, seed: drawn?.seed ?? seed, phase: 'final' } as const;
  return trajectoryRow(situated(env), label, { ...played, trace: traceOf(info) });
}

/** Writes a file that `validate` takes. */
export function writeTrajectories(
  path: string,
  rows: readonly Readonly<Record<keyof TrajectoryRow, string | number | null>>[],
): void {
  writeCsv(path, trajectoryColumns, rows, ['actions']);
}

function queryOf(record: Readonly<Record<string, string | number | null>>): string {
  return Object.entries(record)
    .map(([key, value]) => `${key}=${value}`)
    .join('&');
}

export function encodeActions(actions: readonly (Float32Array | number)[]): string {
  const bytes = Buffer.alloc(
    4 * actions.reduce<number>((n, each) => n + (typeof each === 'number' ? 1 : each.length), 0),
  );
  let at = 0;
  for (const action of actions) {
    if (typeof action === 'number') at = bytes.writeInt32LE(action, at);
    else for (const value of action) at = bytes.writeFloatLE(value, at);
  }
  return bytes.toString('base64');
}

/** Those of a `Box` of so many numbers. */
export function decodeActions(text: string, size = 1): Float32Array[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: Math.floor(bytes.length / 4 / size) }, (_, i) =>
    Float32Array.from({ length: size }, (_, j) => bytes.readFloatLE(4 * (i * size + j))),
  );
}

/** Those of a `Discrete` space. */
export function decodeChoices(text: string): number[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readInt32LE(4 * i));
}
