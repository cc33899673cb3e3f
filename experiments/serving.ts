// What `serve` answers about the environments that a client has open: their baselines, references and bounds, and rows of
// trajectories.csv, all from the environments' tasks. Other episodes are played in twins: the client's goes on untouched.
import { prepareBound } from '../agents/bounds/scenario-bound.js';
import { didYouMean, InputError } from '../base/errors/input-error.js';
import { csvText } from '../base/files/csv.js';
import type { Env } from '../env/gym/env.js';
import { makeFromSpec } from '../env/gym/registry.js';
import { Box } from '../env/gym/spaces/box.js';
import { Discrete } from '../env/gym/spaces/discrete.js';
import type { Drawn } from '../env/randomisation/situation.js';
import type { EndedEpisode, OpenEnv, TaskHandlers } from '../env/server/task-handlers.js';
import { playActions, playBaseline } from './play.js';
import { encodeActions, trajectoryColumns } from './results/trajectories.js';
import { type Outcome, type Task, taskNamed } from './tasks/registry.js';

export const taskHandlers: TaskHandlers = {
  baselines: ({ id }) =>
    [...taskNamed(id).baselines()].map(([name, { summary, stochastic, decision }]) => ({
      name,
      summary,
      stochastic,
      decision,
    })),

  plan: (of, name, seed, randomSeed) =>
    inEpisode(of, seed, (task, own) => {
      // Of those that are not defined here, playing says why.
      const baseline = task.baselines.get(name) ?? taskNamed(of.id).baselines().get(name);
      if (!baseline)
        throw new InputError(`${of.id}: baseline "${name}" is unknown.`, didYouMean(name, [...task.baselines.keys()]));
      const { charge } = task;
      const outcome = playBaseline(task, name, { ...baseline, charge }, own, randomSeed);
      const metrics = task.metrics(outcome);
      const { objective } = task;
      return {
        seed,
        actions: encodeActions(outcome.actions),
        return: outcome.return,
        metric: objective,
        objective: metrics[objective],
        metrics,
      };
    }),

  reference: (of, seed) => inEpisode(of, seed, (task, own) => ({ ...task.reference(own), metric: task.objective })),

  bound: (of, seed) =>
    inEpisode(of, seed, async (task, own) => {
      await prepareBound(task.subject.execution);
      const bound = task.bound(own);
      return bound && { ...bound, metric: task.objective };
    }),

  metrics(of, episode) {
    const task = taskOf(of);
    return task.metrics(outcomeOf(task, episode, episode.seed ?? 0));
  },

  async row(of, episode, scheduler, given) {
    if (/[,"\r\n]/.test(scheduler))
      throw new InputError(
        `serve: the scheduler is called ${JSON.stringify(scheduler)}.`,
        'Leave out commas, quotation marks and line breaks.',
      );
    const { actionSpace } = of.env;
    if (!(actionSpace instanceof Box || actionSpace instanceof Discrete))
      throw new InputError(
        `${of.id}: actions of ${actionSpace} cannot be recorded.`,
        'Record those of a Box or Discrete.',
      );
    const task = taskOf(of);
    const outcome = outcomeOf(task, episode, await seedOf(of, episode, given));
    const row = task.row(outcome, { scheduler, phase: 'final' });
    const text = csvText(trajectoryColumns, [row], ['actions']);
    const end = text.indexOf('\n') + 1;
    return { header: text.slice(0, end), line: text.slice(end) };
  },
};

/** The task of a client's environment, in its current episode. */
function taskOf({ id, options, env }: OpenEnv): Task {
  return taskNamed(id).around(env, options);
}

function outcomeOf({ charge }: Task, episode: EndedEpisode, seed: number): Outcome {
  return { ...episode, actions: episode.actions as Outcome['actions'], charge, seed };
}

/** @param use is called with the task of that episode, and with the seed in the environment that was drawn for it */
async function inEpisode<T>(of: OpenEnv, seed: number, use: (task: Task, seed: number) => T | Promise<T>): Promise<T> {
  const { id, options } = of;
  const env = await twinOf(of);
  try {
    const drawn = env.reset({ seed }).info.drawn as Drawn | undefined;
    return await use(taskOf({ id, options, env }), drawn?.seed ?? seed);
  } finally {
    // A fork shares what executes with its origin.
    if (!forks(of.env)) env.close();
  }
}

/** A fork of the environment, or a second one made from the same spec if it cannot be forked. */
async function twinOf({ id, options, env }: OpenEnv): Promise<Env<unknown, unknown>> {
  if (env.guarantees?.deterministic === false)
    throw new InputError(
      `${id}: this environment runs on hardware, where no other episode is played beside yours.`,
      'The info of reset() holds referenceMs; for baselines run `sparoa-gym run` on the devices.',
    );
  return forks(env) ? env.fork!() : makeFromSpec({ id, options, wrappers: [] });
}

const forks = ({ guarantees, fork }: Env<unknown, unknown>): boolean => guarantees?.restorable === true && !!fork;

/**
 * The seed of the reset, in the environment that was drawn. If the reset had none, the given seed must replay the episode.
 * @throws InputError when it does not, or differs from the seed of the reset
 */
async function seedOf(of: OpenEnv, episode: EndedEpisode, given: number | null): Promise<number> {
  const { id } = of;
  if (given !== null && episode.seed !== null && given !== episode.seed)
    throw new InputError(`${id}: the episode has seed ${episode.seed}, not ${given}.`, 'Leave the seed out.');
  const drawn = episode.info.drawn as Drawn | undefined;
  if (drawn) return drawn.seed;
  if (episode.seed !== null) return episode.seed;
  const seed = given ?? 0;
  const replays = await inEpisode(of, seed, (task) => {
    try {
      const replayed = playActions(task, outcomeOf(task, episode, seed));
      const value = (outcome: Outcome) => task.metrics(outcome)[task.objective];
      return replayed.return === episode.return && value(replayed) === value(outcomeOf(task, episode, seed));
    } catch (error) {
      if (error instanceof InputError) return false;
      throw error;
    }
  });
  if (replays) return seed;
  throw new InputError(
    `${id}: the episode was reset without a seed, and is another than that of seed ${seed}.`,
    'Give each reset() a seed: episodes are recorded to be replayed.',
  );
}
