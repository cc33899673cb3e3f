// The baselines of SparOA/Stream-v0: policies that choose a schedule before each batch.
import { InputError } from '../../../base/errors/input-error.js';
import { memoize } from '../../../base/functions/memoize.js';
import { Schedule } from '../../../engine/schedule.js';
import type { Env } from '../../../env/gym/env.js';
import { StreamEnv } from '../../../env/stream/env.js';
import type { StreamEpisode } from '../../../env/stream/episode.js';
import { streamEnvId } from '../../../env/stream/options.js';
import type { StreamSetting } from '../../../env/stream/setting.js';
import type { Action } from '../../train-loop.js';
import { type PolicyEntry, registerBaseline } from '../registry.js';
import { bestFixed } from './best-fixed.js';
import { lookupCharge, resolvingCharge } from './decision-times.js';
import { resolving, type StreamPolicy } from './policy.js';
import { tablePolicy } from './table.js';

/** Most pre-solved schedules in a table that has a name. */
const largestTable = 8;

/**
 * The actions of a policy: its schedule of each batch, unit by unit.
 * @param policyOf makes the policy of an episode
 * @throws InputError when the environment is not SparOA/Stream-v0
 */
export function streamActions(
  env: Env<Float32Array, Action>,
  policyOf: (setting: StreamSetting, episode: StreamEpisode) => StreamPolicy,
): () => Float32Array {
  if (!(env instanceof StreamEnv))
    throw new InputError(`${streamEnvId}: this is another environment.`, 'Make it by its id.');
  const policy = policyOf(env.setting, env.view().queue.episode);
  let shares: Float32Array = new Float32Array();
  let next = 0;
  return () => {
    if (next >= shares.length) [shares, next] = [policy(env.view()).share, 0];
    return Float32Array.of(shares[next++]!);
  };
}

function registerPolicy(
  name: string,
  card: Pick<PolicyEntry, 'summary' | 'decision' | 'charge'>,
  policyOf: Parameters<typeof streamActions>[1],
): void {
  const begin: PolicyEntry['begin'] = (env) => streamActions(env, policyOf);
  registerBaseline(name, { environments: [streamEnvId], stochastic: false, ...card, begin });
}

const onDevice =
  (device: 0 | 1): StreamPolicy =>
  ({ observed: { graph } }) =>
    Schedule.onDevice(graph, device);

registerPolicy('cpu-only', { summary: 'every unit on the CPU', decision: 'planned' }, () => onDevice(0));
registerPolicy('gpu-only', { summary: 'every unit that the GPU can run on it', decision: 'planned' }, () =>
  onDevice(1),
);
registerPolicy('best-fixed', { summary: 'the best fixed schedule in hindsight', decision: 'planned' }, (_, episode) =>
  bestFixed(episode),
);
registerPolicy(
  're-solve',
  {
    summary: 'the minimum cut under what the monitor reads, at each batch',
    decision: 'online',
    charge: resolvingCharge,
  },
  () => resolving,
);
for (let k = 1; k <= largestTable; k++) {
  const tableOf = memoize((setting: StreamSetting) => tablePolicy(setting, k));
  registerPolicy(
    `table-${k}`,
    {
      summary: `a table of ${k} pre-solved schedules for each model and batch size`,
      decision: 'online',
      charge: lookupCharge,
    },
    tableOf,
  );
}
