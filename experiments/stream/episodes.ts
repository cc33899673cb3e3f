// Episodes of streams as results: who played, which stream, how it ended; and as rows of trajectories.csv.
import { InputError } from '../../base/errors/input-error.js';
import type { StreamEnv, StreamOutcome } from '../../env/stream/env.js';
import { parseStreamOptions, type StreamEnvOptions, streamEnvId } from '../../env/stream/options.js';
import type { StreamSetting } from '../../env/stream/setting.js';
import { encodeActions, type TrajectoryRow } from '../results/trajectories.js';

/** Of `stream-episodes.csv`. */
export interface StreamEpisodeRow {
  readonly scheduler: string;
  /** Of a learner's training; null where there is none. */
  readonly learnerSeed: number | null;
  /** Of the stream. */
  readonly seed: number;
  /** Response times and penalties. */
  readonly objectiveMs: number;
  readonly misses: number;
  /** Below which no policy gets in this stream. */
  readonly boundMs: number;
}

export const streamEpisodeColumns = [
  'scheduler',
  'learnerSeed',
  'seed',
  'objectiveMs',
  'misses',
  'boundMs',
] as const satisfies readonly (keyof StreamEpisodeRow)[];

export interface PlayedActions {
  readonly return: number;
  readonly actions: readonly Float32Array[];
  readonly outcome: StreamOutcome;
}

/** Plays given actions; null where they are not as many as the stream has units. */
export function replayStream(env: StreamEnv, actions: readonly Float32Array[], seed: number): PlayedActions | null {
  env.reset({ seed });
  let total = 0;
  for (const [i, action] of actions.entries()) {
    const { reward, terminated, info } = env.step(action);
    total += reward;
    if (!terminated) continue;
    return i === actions.length - 1 ? { return: total, actions, outcome: info as unknown as StreamOutcome } : null;
  }
  return null;
}

/** Mean time a request costs, penalties included: what a stream's row says as its latency. */
export function responseMs({ objectiveMs, responsesMs }: StreamOutcome): number {
  return objectiveMs / responsesMs.length;
}

/** The row of an episode of a stream, simulated or measured, which `validate` takes. */
export function streamTrajectoryRow(
  setting: StreamSetting,
  label: { readonly scheduler: string; readonly seed: number },
  { actions, return: total, outcome }: PlayedActions,
): TrajectoryRow {
  const { model, modelHash, profile, profileHash } = setting.identity;
  return {
    env: streamEnvId,
    envOptions: encodeURIComponent(JSON.stringify(setting.options)),
    model,
    modelHash,
    profile,
    profileHash,
    // What a measured return was measured in, and how many requests ran together: neither follows from the seed.
    conditions: setting.measured
      ? `regime=serial&mode=measured&referenceMs=${outcome.referenceMs}&batches=${outcome.served.map(({ requests }) => requests).join('.')}`
      : 'regime=serial',
    seed: label.seed,
    scheduler: label.scheduler,
    actions: encodeActions(actions),
    return: total,
    latencyMs: responseMs(outcome),
    energyMj: null,
    kind: setting.measured ? 'measured' : 'simulated',
    phase: 'final',
  };
}

/** @throws InputError when they are not a row's */
export function streamOptionsOf(envOptions: string, where: string): StreamEnvOptions {
  try {
    return parseStreamOptions(JSON.parse(decodeURIComponent(envOptions)));
  } catch (error) {
    throw new InputError(
      `${where}: envOptions are not those of ${streamEnvId}: ${(error as Error).message}`,
      'Give the trajectories.csv of a run.',
    );
  }
}
