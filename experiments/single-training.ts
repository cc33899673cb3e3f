// One training by itself: `sparoa-gym train` is an experiment of one learner and one seed, whose folder is the training's.
import { chooseCells } from './cells.js';
import { parseConfig } from './config.js';
import type { TrainingJob } from './job-files.js';
import { pluginsAt } from './plugins.js';
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
  /** Fields of a config that --set reaches. */
  readonly fields: { agent: unknown; environment: unknown; training: unknown };
}

/** @throws InputError naming the field and the rule */
export async function singleTraining({
  learner,
  seed,
  models,
  profiles,
  executor,
  devices,
  compute,
  plugins,
  fields,
}: TrainingRequest): Promise<TrainingJob> {
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
