// The task of SparOA/Stream-v0: streams of inferences on one profile, each compared with its clairvoyant bound. An episode
// draws from all models of the config, and decisions take time.
import { clairvoyantBound } from '../../agents/bounds/stream-bound.js';
import '../../agents/baselines/streams/register.js';
import { type DecisionCharge, free, policiesOf } from '../../agents/baselines/registry.js';
import { learnerCharge } from '../../agents/baselines/streams/decision-times.js';
import { InputError } from '../../base/errors/input-error.js';
import { StreamEnv } from '../../env/stream/env.js';
import { parseStreamOptions, streamEnvId, streamOptionsSchema } from '../../env/stream/options.js';
import { streamOutcome } from '../../env/stream/outcome.js';
import { openStreamSetting, type StreamSetting } from '../../env/stream/setting.js';
import { energyPerRequestMj, responseMs, streamRowCheck, streamTrajectoryRow } from './stream-rows.js';
import { type Bound, evaluationSeed, keptBy, type Outcome, type Task, type TaskEntry } from './task.js';

/** Number of streams of a learning curve; the evaluated streams are others. */
const curveEpisodes = [0, 1, 2, 3, 4].map((stream) => 1_999_000_000 + stream);

/** Number of streams that every scheduler is evaluated on. */
const defaultEpisodes = 20;

const options = streamOptionsSchema
  .omit({ models: true, profile: true, executor: true, devices: true })
  .omit({ decisionMsPerInference: true, decisionMsPerUnit: true });

export const streamTask: TaskEntry = {
  options,
  cells: 'all-models',
  objective: 'responseMs',
  baselines: () => policiesOf(streamEnvId),
  async open({ models, platform }, given) {
    const setting = await openStreamSetting(
      parseStreamOptions({ ...options.parse(given), models: [...models], profile: platform }),
    );
    return taskOf(setting);
  },
  around(env) {
    if (env instanceof StreamEnv) return taskOf(env.setting);
    throw new InputError(`${streamEnvId}: this is another environment.`, 'Make it by its id.');
  },
  checker: streamRowCheck,
};

function taskOf(setting: StreamSetting): Task {
  const { options: full, identity, measured } = setting;
  const envs = keptBy((charge: DecisionCharge) => new StreamEnv(setting.with(charge)));
  const charged = (charge: DecisionCharge) => envs(JSON.stringify(charge), charge);
  const look = charged(free);
  const begun = (seed: number) => {
    const { info } = look.reset({ seed });
    return { referenceMs: info.referenceMs as number, episode: look.view().queue.episode };
  };
  const perRequest = (objectiveMs: number) => objectiveMs / full.requests;
  const ended = ({ info }: Outcome) => streamOutcome(info);
  const bounds = keptBy((seed: number): Bound | null =>
    measured || full.shares !== 'binary'
      ? null
      : { kind: 'clairvoyant', objective: perRequest(clairvoyantBound(begun(seed).episode).objectiveMs) },
  );
  const { model, modelHash, profile, profileHash, weakestSource } = identity;
  const kind = measured ? ('measured' as const) : ('simulated' as const);
  return {
    id: streamEnvId,
    subject: {
      model,
      modelHash,
      profile,
      profileHash,
      kind,
      weakestSource,
      execution: 'serial',
      batch: setting.batches[0]!,
    },
    options: full,
    objective: streamTask.objective,
    decisions: full.requests * meanUnits(setting),
    env: charged,
    charge: { decisionMsPerInference: full.decisionMsPerInference, decisionMsPerUnit: full.decisionMsPerUnit },
    learnerCharge,
    baselines: policiesOf(streamEnvId),
    episodes: (count) => Array.from({ length: count ?? defaultEpisodes }, (_, i) => evaluationSeed(i)),
    curveEpisodes,
    reference: (seed) => ({ name: 'better single device', objective: perRequest(begun(seed).referenceMs) }),
    bound: (seed) => bounds(String(seed), seed),
    metrics: (outcome) => {
      const { misses } = ended(outcome);
      const energyMj = energyPerRequestMj(ended(outcome));
      const missRate = misses / full.requests;
      return { responseMs: responseMs(ended(outcome)), missRate, energyMj, return: outcome.return };
    },
    row: (outcome, label) =>
      streamTrajectoryRow(
        charged(outcome.charge).setting,
        { ...label, seed: outcome.seed },
        { ...outcome, outcome: ended(outcome) },
      ),
    inference: null,
    close: () => setting.close(),
  };
}

/** Units of a request, averaged over models. */
function meanUnits(setting: StreamSetting): number {
  let units = 0;
  for (let model = 0; model < setting.modelCount; model++) units += setting.caseOf(model, 0, 0).graph.units.length;
  return units / setting.modelCount;
}
