// Episodes of streams as rows of trajectories.csv, and checks of recorded ones.

import type { Action } from '../../agents/train-loop.js';
import { InputError } from '../../base/errors/input-error.js';
import { parseHardwareUri } from '../../engine/runtime/hardware.js';
import { StreamEnv } from '../../env/stream/env.js';
import { parseStreamOptions, type StreamEnvOptions, streamEnvId } from '../../env/stream/options.js';
import { type StreamOutcome, streamOutcome } from '../../env/stream/outcome.js';
import { openStreamSetting, type StreamSetting } from '../../env/stream/setting.js';
import { checkMeasuredStream } from '../results/measured-rows.js';
import { decodeActions, encodeActions, type TrajectoryRow } from '../results/trajectories.js';
import { differenceOf, keptBy, type RowCheck, type TextRow } from './task.js';

/** An episode with the values of its last info. */
export interface PlayedActions {
  readonly return: number;
  readonly actions: readonly Action[];
  readonly outcome: StreamOutcome;
}

/** Plays given actions; null if their number is not that of the stream's units. */
export function replayStream(env: StreamEnv, actions: readonly Float32Array[], seed: number): PlayedActions | null {
  env.reset({ seed });
  let total = 0;
  for (const [i, action] of actions.entries()) {
    const { reward, terminated, info } = env.step(action);
    total += reward;
    if (!terminated) continue;
    return i === actions.length - 1 ? { return: total, actions, outcome: streamOutcome(info) } : null;
  }
  return null;
}

/** Mean time per request, penalties included: the latency in a stream's row. */
export function responseMs({ objectiveMs, responsesMs }: StreamOutcome): number {
  return objectiveMs / responsesMs.length;
}

/** Energy per request, the waiting between them included; null where no power is known. */
export function energyPerRequestMj({ energyMj, responsesMs }: StreamOutcome): number | null {
  return energyMj === null ? null : energyMj / responsesMs.length;
}

/** The row of an episode of a stream, simulated or measured, which `validate` takes. */
export function streamTrajectoryRow(
  setting: StreamSetting,
  label: { readonly scheduler: string; readonly seed: number; readonly phase?: TrajectoryRow['phase'] },
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
    // The reference of a measured return, and the batch sizes: neither follows from the seed.
    conditions: setting.measured
      ? `execution=serial&mode=measured&referenceMs=${outcome.referenceMs}&batches=${outcome.served.map(({ requests }) => requests).join('.')}`
      : 'execution=serial',
    seed: label.seed,
    scheduler: label.scheduler,
    actions: encodeActions(actions),
    return: total,
    latencyMs: responseMs(outcome),
    energyMj: energyPerRequestMj(outcome),
    kind: setting.measured ? 'measured' : 'simulated',
    phase: label.phase ?? 'final',
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

/** A check of recorded streams; settings that it opens are kept for further rows. */
export function streamRowCheck(): RowCheck {
  const envs = keptBy(async (options: StreamEnvOptions) => new StreamEnv(await openStreamSetting(options)));
  return async (row, where) => {
    const options = streamOptionsOf(row.envOptions, where);
    if (parseHardwareUri(row.profile)) return checkMeasuredStream(row, options);
    return replaySimulated(row, await envs(row.envOptions, options));
  };
}

function replaySimulated(row: TextRow, env: StreamEnv): string | null {
  const { modelHash, profileHash } = env.setting.identity;
  if (row.modelHash !== modelHash) return `model changed: recorded ${row.modelHash}, now ${modelHash}`;
  if (row.profileHash !== profileHash) return `profile changed: recorded ${row.profileHash}, now ${profileHash}`;
  const actions = decodeActions(row.actions);
  const played = replayStream(env, actions, Number(row.seed));
  if (!played) return `result differs: ${actions.length} actions are not as many as the stream's batches have units`;
  return differenceOf(row, played.return, responseMs(played.outcome));
}
