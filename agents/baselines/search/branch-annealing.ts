// Annealing over the actions of an episode, for environments of discrete actions that are no placement of units. It plays on
// forks, heeds masks, and knows nothing else of an environment. In SparOA/Branches-v0, where no optimum is proved, its result
// is the best known schedule of a stated budget.
import { InputError } from '../../../base/errors/input-error.js';
import type { Rng } from '../../../base/random/rng.js';
import type { Env } from '../../../env/gym/env.js';
import { Discrete } from '../../../env/gym/spaces/discrete.js';
import { type Action, maskOf } from '../../train-loop.js';
import { policiesOf, registerBaseline } from '../registry.js';
import { anneal, type Found } from './annealing.js';

/** Episodes that are played unless the budget is another. */
export const annealingEpisodes = 100;

interface Played {
  readonly actions: readonly Action[];
  readonly total: number;
}

/** Plays to the end. */
function play(env: Env<Float32Array, Action>, choose: (step: number) => Action): Played {
  const actions: Action[] = [];
  let total = 0;
  for (;;) {
    const action = choose(actions.length);
    const { reward, terminated, truncated } = env.step(action);
    actions.push(action);
    total += reward;
    if (terminated || truncated) return { actions, total };
  }
}

/**
 * @param begun an environment after a reset; the search plays on forks and leaves it unchanged
 * @param starts choosers of actions on forks; the best episode of theirs is where it begins
 * @returns the best episode found; its cost is minus its return
 * @throws InputError when the environment cannot be forked, or its actions are not discrete
 */
export function annealEpisodes(
  begun: Env<Float32Array, Action>,
  starts: readonly ((fork: Env<Float32Array, Action>) => () => Action)[],
  rng: Rng,
  budget = annealingEpisodes,
): Found<Played> {
  const { actionSpace: space, guarantees } = begun;
  if (!(space instanceof Discrete) || !guarantees?.restorable || !begun.fork)
    throw new InputError(
      'annealing: it tries discrete actions on forks of a simulated episode, which this environment does not offer.',
      'Leave it out of the schedulers.',
    );
  const search = {
    starts: starts.map((start) => () => {
      const fork = begun.fork!();
      return play(fork, start(fork));
    }),
    costOf: ({ total }: Played) => -total,
    /** The episode again with another action at one step; where a later action has become forbidden, any other follows. */
    varied({ actions }: Played, random: Rng): Played {
      const at = random.integer(actions.length);
      const env = begun.fork!();
      return play(env, (step) => {
        const mask = maskOf(env) ?? new Uint8Array(space.n).fill(1);
        const wanted = actions[step] as number | undefined;
        if (step !== at && wanted !== undefined && mask[wanted] === 1) return wanted;
        const allowed = [...mask.keys()].filter((action) => mask[action] === 1);
        const others = allowed.length > 1 ? allowed.filter((action) => action !== wanted) : allowed;
        return others[random.integer(others.length)]!;
      });
    },
  };
  return anneal(search, rng, budget);
}

const name = 'annealing';
const id = 'SparOA/Branches-v0';
registerBaseline(name, {
  environments: [id],
  summary: `the best of ${annealingEpisodes} episodes by simulated annealing, which begins with the best other baseline`,
  stochastic: true,
  searches: true,
  decision: 'planned',
  begin(env, rng, evaluations) {
    const others = [...policiesOf(id).values()].filter(({ stochastic, searches }) => !stochastic && !searches);
    const starts = others.map(
      ({ begin }) =>
        (fork: Env<Float32Array, Action>) =>
          begin(fork, rng),
    );
    const { actions } = annealEpisodes(env, starts, rng, evaluations).state;
    let next = 0;
    return () => actions[next++]!;
  },
});
