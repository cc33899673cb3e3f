// The task of a small environment that needs neither models nor a profile, for plug-ins. Its episodes are recorded with the
// options, and replayed by making the environment again.
import type { ZodType } from 'zod';
import { type Baseline, free, policiesOf } from '../../agents/baselines/registry.js';
import { InputError } from '../../base/errors/input-error.js';
import { contentHash } from '../../base/files/hash.js';
import { Discrete } from '../../env/gym/spaces/discrete.js';
import { parseWith } from '../parse-with.js';
import { playActions } from '../play.js';
import { decodeActions, decodeChoices, encodeActions } from '../results/trajectories.js';
import {
  type Bound,
  differenceOf,
  evaluationSeed,
  keptBy,
  type Outcome,
  type Task,
  type TaskEntry,
  type TaskEnv,
  type TaskMetrics,
} from './task.js';

/** What an experiment needs to know of the environment beyond its contract. */
export interface PlainTask<Options, Played extends TaskEnv> {
  readonly options: ZodType<Options>;
  make(options: Options): Played;
  /** The metric to minimise; a name that ends in `Ms` is in milliseconds. */
  readonly objective: string;
  metrics(outcome: Outcome): TaskMetrics;
  /** The reference objective of an episode, such as that of the simplest rule. */
  reference(env: Played, seed: number): { readonly name: string; readonly objective: number };
  /** Null if nothing is proved. */
  bound(env: Played, seed: number): Bound | null;
  /** Steps of an episode, about. */
  decisions(env: Played): number;
}

/** @param id of the environment, under which its baselines are registered */
export function plainTask<Options, Played extends TaskEnv>(
  id: string,
  plain: PlainTask<Options, Played>,
): TaskEntry<Options> {
  const baselines = () => policiesOf(id);
  return {
    options: plain.options,
    cells: 'none',
    objective: plain.objective,
    baselines,
    open: async (_, options) => taskOf(id, plain, options, baselines()),
    around: (_, options) => taskOf(id, plain, parseWith(plain.options, options, id), baselines()),
    checker: () => {
      const envs = keptBy((options: Options) => plain.make(options));
      return async (row, where) => {
        const options = parseWith(plain.options, optionsIn(row.envOptions, where), `${where}: envOptions`);
        const env = envs(row.envOptions, options);
        const task = taskOf(id, plain, options, new Map(), env);
        const { actionSpace } = env;
        const actions =
          actionSpace instanceof Discrete
            ? decodeChoices(row.actions)
            : decodeActions(row.actions, actionSpace.flatSize);
        try {
          const outcome = playActions(task, { seed: Number(row.seed), charge: free, actions });
          return differenceOf(row, outcome.return, task.metrics(outcome)[plain.objective]!);
        } catch (error) {
          if (error instanceof InputError) return `result differs: ${error.problem}`;
          throw error;
        }
      };
    },
  };
}

function optionsIn(text: string, where: string): unknown {
  try {
    return JSON.parse(decodeURIComponent(text));
  } catch (error) {
    throw new InputError(`${where}: envOptions: ${(error as Error).message}.`, 'Give the trajectories.csv of a run.');
  }
}

function taskOf<Options, Played extends TaskEnv>(
  id: string,
  plain: PlainTask<Options, Played>,
  options: Options,
  baselines: ReadonlyMap<string, Baseline>,
  env: Played = plain.make(options),
): Task {
  const envOptions = encodeURIComponent(JSON.stringify(options));
  const hash = contentHash(id, envOptions);
  const nothing = { model: '', modelHash: '', profile: '', profileHash: hash, weakestSource: '' } as const;
  return {
    id,
    subject: { ...nothing, kind: 'simulated', execution: 'serial', batch: 1 },
    options,
    objective: plain.objective,
    decisions: plain.decisions(env),
    env: () => env,
    charge: free,
    learnerCharge: null,
    baselines,
    episodes: (count) => Array.from({ length: count ?? 1 }, (_, i) => evaluationSeed(i)),
    curveEpisodes: [evaluationSeed(0)],
    reference: (seed) => plain.reference(env, seed),
    bound: (seed) => plain.bound(env, seed),
    metrics: (outcome) => ({ ...plain.metrics(outcome), return: outcome.return }),
    row: (outcome, { scheduler, phase }) => ({
      env: id,
      envOptions,
      model: '',
      modelHash: '',
      profile: '',
      profileHash: hash,
      conditions: '',
      seed: outcome.seed,
      scheduler,
      actions: encodeActions(outcome.actions),
      return: outcome.return,
      latencyMs: plain.metrics(outcome)[plain.objective]!,
      energyMj: null,
      kind: 'simulated',
      phase,
    }),
    inference: null,
    close: () => env.close(),
  };
}
