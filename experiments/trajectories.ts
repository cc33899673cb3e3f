// Episodes as rows of trajectories.csv: each says everything needed to recompute its return and, simulated, its latency.
import { rollout } from '../agents/train-loop.js';
import { InputError } from '../base/errors/input-error.js';
import type { ExecutionError } from '../engine/executor.js';
import type { Schedule } from '../engine/schedule.js';
import type { Trace } from '../engine/trace.js';
import type { Scenario } from '../env/scheduling/scenario.js';
import type { ShareEnv } from '../env/scheduling/share-env.js';
import { shareEnvId } from '../env/scheduling/share-options.js';

export interface TrajectoryRow {
  readonly env: string;
  /** As a query: `shares=binary&lookahead=4`; of SparOA/Stream-v0 all its options, as JSON percent-encoded. */
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

/** Drives the environment with given actions, one per unit. */
export function replay(env: ShareEnv, actions: readonly Float32Array[], seed: number): Episode {
  let next = 0;
  const episode = rollout(env, { act: () => actions[next++]! }, seed);
  return { ...episode, trace: traceOf(episode.info) };
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
