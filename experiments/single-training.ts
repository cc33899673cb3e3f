// One training by itself: `sparoa-gym train` is an experiment of one learner and one seed, whose folder is the training's.
import { InputError } from '../base/errors/input-error.js';
import { parseHardwareUri, provenance } from '../engine/runtime/hardware.js';
import { chooseCells } from './cells.js';
import { parseConfig } from './config.js';
import type { TrainingJob } from './job-files.js';
import { pluginsAt } from './plugins.js';
import { applySettings, type Fields } from './settings.js';
import { trainingsOf } from './trainings.js';

export interface TrainingRequest {
  readonly learner: string;
  /** One policy learns on all of them, one in each episode. */
  readonly models: readonly string[];
  readonly executor?: string | undefined;
  readonly profiles?: readonly string[] | undefined;
  readonly devices?: string | undefined;
  readonly seed: number;
  readonly compute: string;
  readonly plugins: readonly string[];
  /** `path=value` of the config's fields `agent`, `environment` and `training`: what --set gives. */
  readonly settings: readonly string[];
  /** Environment steps; default the environment's own. */
  readonly steps?: number | undefined;
}

/** The fields of a config that are a training's. */
const settable = ['agent', 'environment', 'training'];

function fieldsOf({ settings, steps }: TrainingRequest): Fields {
  const fields: Fields = { agent: {}, environment: {}, training: {} };
  applySettings(fields, settings);
  const stray = Object.keys(fields).find((key) => !settable.includes(key));
  if (stray) throw new InputError(`--set ${stray}: is no part of a training.`, `Known: ${settable.join(', ')}.`);
  return steps ? { ...fields, training: { ...(fields.training as object), steps } } : fields;
}

/** @throws InputError naming the field and the rule */
export async function singleTraining(request: TrainingRequest): Promise<TrainingJob> {
  const { learner, seed, models, profiles, executor, devices, compute, plugins } = request;
  const fields = fieldsOf(request);
  const given = { models: [...models], ...(profiles && { profiles: [...profiles] }) };
  const config = parseConfig(
    {
      name: 'train',
      schedulers: [learner],
      ...given,
      ...(executor !== undefined && { executor }),
      ...(devices !== undefined && { devices }),
      compute,
      plugins: [...plugins],
      seeds: 1,
      ...fields,
    },
    'train',
  );
  const cells = await chooseCells(config, config.grid, []);
  const [entry] = trainingsOf(config, '.', cells, cells, pluginsAt(plugins));
  return { ...entry!.job, seed };
}

/** A training in words: what it trains on, whether that executes on devices, and what stands beside its latencies. */
export function describeTraining(job: TrainingJob): { hardware: boolean; where: string; label: string } {
  const hardware = job.train.some(({ platform }) => parseHardwareUri(platform));
  const { models, platform } = job.train[0]!;
  const where = provenance({ kind: hardware ? 'measured' : 'simulated', profile: platform });
  const more = job.train.length > 1 ? ` and ${job.train.length - 1} more` : '';
  return { hardware, where, label: `${job.name} on ${models.join(' and ')}${more}, ${where}` };
}
