// Episodes as rows of trajectories.csv: each says everything needed to recompute its return and, simulated, its latency.
import { InputError } from '../base/errors/input-error.js';
import type { ExecutionError } from '../engine/executor.js';
import type { Schedule } from '../engine/schedule.js';
import type { Trace } from '../engine/trace.js';
import type { Env } from '../env/gym/env.js';
import { Discrete } from '../env/gym/spaces/discrete.js';
import type { Space } from '../env/gym/spaces/space.js';
import type { Scenario } from '../env/scheduling/scenario.js';
import type { ShareEnv } from '../env/scheduling/share-env.js';
import { shareEnvId } from '../env/scheduling/share-options.js';

export interface TrajectoryRow {
  readonly env: string;
  /** As a query: `shares=binary&lookahead=4`. */
  readonly envOptions: string;
  readonly model: string;
  readonly modelHash: string;
  /** The profile's URI, or the hardware's: `lanes://cpu:1+cpu:1`. */
  readonly profile: string;
  readonly profileHash: string;
  /** As a query: `regime=serial&mode=maxn`; of a measured row also `referenceMs`, which the return was measured in. */
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

/** Drives the environment with given actions: an episode's, as the numbers that `actionNumbers` gives. */
export function replay<Action>(
  env: Env<Float32Array, Action>,
  actions: readonly Float32Array[],
  seed: number,
): Episode {
  env.reset({ seed });
  let total = 0;
  for (const [step, numbers] of actions.entries()) {
    const { reward, terminated, truncated, info } = env.step(actionOf(env.actionSpace, numbers));
    total += reward;
    if (!terminated && !truncated) continue;
    if (step + 1 < actions.length) break;
    return { return: total, actions, trace: traceOf(info) };
  }
  throw new InputError(`${actions.length} actions are not an episode's.`, 'Give all of them, and no more.');
}

/** An action as numbers: those of a Box or a choice as they are, any other flattened. */
export function actionNumbers<Action>(space: Space<Action>, action: Action): Float32Array {
  return typeof action === 'number' ? Float32Array.of(action) : space.flatten(action);
}

function actionOf<Action>(space: Space<Action>, numbers: Float32Array): Action {
  return space instanceof Discrete ? (numbers[0] as Action) : space.unflatten(numbers);
}

/** How many numbers `actionNumbers` gives. */
export function actionSize(space: Space<unknown>): number {
  return space instanceof Discrete ? 1 : space.flatSize;
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
  { model, platform, conditions, executor }: Scenario,
  env: ShareEnv,
  label: { scheduler: string; seed: number; phase: TrajectoryRow['phase'] },
  { actions, return: total, trace }: Episode,
): TrajectoryRow {
  const { regime, mode } = conditions;
  return {
    env: shareEnvId,
    envOptions: queryOf(env.options),
    model: model.uri,
    modelHash: model.modelHash,
    profile: platform.uri,
    profileHash: platform.hash,
    conditions: queryOf({ regime, mode, ...(executor.kind === 'measured' && { referenceMs: env.referenceMs }) }),
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

export function queryOf(record: Readonly<Record<string, string | number>>): string {
  return Object.entries(record)
    .map(([key, value]) => `${key}=${value}`)
    .join('&');
}

export function encodeActions(actions: readonly Float32Array[]): string {
  const size = actions[0]?.length ?? 0;
  const bytes = Buffer.alloc(4 * size * actions.length);
  for (const [i, action] of actions.entries())
    for (const [k, x] of action.entries()) bytes.writeFloatLE(x, 4 * (i * size + k));
  return bytes.toString('base64');
}

/** @param size numbers of one action */
export function decodeActions(text: string, size = 1): Float32Array[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: Math.floor(bytes.length / (4 * size)) }, (_, i) =>
    Float32Array.from({ length: size }, (_, k) => bytes.readFloatLE(4 * (i * size + k))),
  );
}
