// Simulated annealing over the actions of an episode (Kirkpatrick et al. 1983), for environments of discrete actions where
// no optimum is proved: the result is the best known schedule of a stated budget. The search starts from the best of the other
// baselines, so its result is never worse than theirs. It plays on forks, heeds masks, and knows nothing else of an environment.
import { InputError } from '../../base/errors/input-error.js';
import type { Rng } from '../../base/random/rng.js';
import type { Env } from '../../env/gym/env.js';
import { Discrete } from '../../env/gym/spaces/discrete.js';
import { type Action, maskOf } from '../train-loop.js';
import { plannersAsBaselines, policiesOf, registerBaseline } from './registry.js';

/** Episodes that are played; not seconds, so that results stay the same. */
export const annealingEpisodes = 100;

/** Temperature at the start, as a fraction of the return then; it falls linearly to none. */
const firstTemperature = 0.01;

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
 * @returns the best episode found
 * @throws InputError when the environment cannot be forked, or its actions are not discrete
 */
export function anneal(
  begun: Env<Float32Array, Action>,
  starts: readonly ((fork: Env<Float32Array, Action>) => () => Action)[],
  rng: Rng,
  episodes = annealingEpisodes,
): Played {
  const { actionSpace: space, guarantees } = begun;
  if (!(space instanceof Discrete) || !guarantees?.restorable || !begun.fork)
    throw new InputError(
      'annealing: it tries discrete actions on forks of a simulated episode, which this environment does not offer.',
      'Leave it out of the schedulers.',
    );
  /** The episode again with another action at one step; where a later action has become forbidden, any other follows. */
  const varied = ({ actions }: Played, at: number): Played => {
    const env = begun.fork!();
    return play(env, (step) => {
      const mask = maskOf(env) ?? new Uint8Array(space.n).fill(1);
      const wanted = actions[step] as number | undefined;
      if (step !== at && wanted !== undefined && mask[wanted] === 1) return wanted;
      const allowed = [...mask.keys()].filter((action) => mask[action] === 1);
      const others = allowed.length > 1 ? allowed.filter((action) => action !== wanted) : allowed;
      return others[rng.integer(others.length)]!;
    });
  };
  const first = starts
    .map((start) => {
      const fork = begun.fork!();
      return play(fork, start(fork));
    })
    .reduce((a, b) => (b.total > a.total ? b : a));
  let [current, best] = [first, first];
  for (let episode = starts.length; episode < episodes; episode++) {
    const next = varied(current, rng.integer(current.actions.length));
    const temperature = Math.abs(first.total) * firstTemperature * (1 - episode / episodes);
    if (rng.uniform() < Math.exp((next.total - current.total) / temperature)) current = next;
    if (current.total > best.total) best = current;
  }
  return best;
}

const name = 'annealing';
const planned = () => plannersAsBaselines();
for (const [id, planners] of [['SparOA/Placement-v0', planned], ['SparOA/Branches-v0', () => new Map()]] as const) // biome-ignore format: a table
  registerBaseline(name, {
    environments: [id],
    summary: `the best of ${annealingEpisodes} episodes by simulated annealing, which begins with the best other baseline`,
    stochastic: true,
    decision: 'planned',
    begin(env, rng) {
      const others = [...planners(), ...policiesOf(id)].filter(
        ([other, { stochastic }]) => other !== name && !stochastic,
      );
      const { actions } = anneal(env, others.map(([, { begin }]) => (fork) => begin(fork, rng)), rng); // biome-ignore format: one call
      let next = 0;
      return () => actions[next++]!;
    },
  });
