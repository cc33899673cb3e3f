// Guarantees on rewards and results: their sign, their sum, and conservation laws.
import type { Info } from '../env.js';
import { type Check, play, type Subject } from './check.js';

/** Rounding of sums in different orders, relative. */
const slack = 1e-9;

interface Finished {
  readonly rewards: readonly number[];
  readonly terminated: boolean;
  readonly info: Info;
}

function episodes(subject: Subject): Finished[] {
  return [0, 1, 2].map((episode) => {
    const { steps } = play(subject.env, subject, subject.actions('episode', episode), subject.seed + episode);
    const { terminated, info } = steps.at(-1)!.result;
    return { rewards: steps.map(({ result }) => result.reward), terminated, info };
  });
}

/** The first problem of an episode. */
function firstProblem(subject: Subject, problem: (episode: Finished) => string | null | undefined): string | null {
  for (const [i, episode] of episodes(subject).entries()) {
    const found = problem(episode);
    if (found) return `seed ${subject.seed + i}: ${found}`;
  }
  return null;
}

export const rewardChecks: readonly Check[] = [
  {
    name: 'reward sign',
    remedy: 'Mend the reward, or do not promise a rewardSign.',
    skip: ({ guarantees }) => (guarantees.rewardSign ? null : 'no rewardSign is promised'),
    problem: (subject) =>
      firstProblem(subject, ({ rewards, terminated }) => {
        const { rewardSign } = subject.guarantees;
        const step = rewards.findIndex((reward) => (rewardSign === 'nonpositive' ? reward > 0 : reward < 0));
        return terminated && step >= 0
          ? `the reward of step ${step + 1} is ${rewards[step]}, not ${rewardSign}.`
          : null;
      }),
  },
  {
    name: 'telescoping',
    remedy: 'Let rewards be differences of the objective, so that they add up to the return that the last info says.',
    skip: ({ guarantees }) => (guarantees.returnOf ? null : 'no returnOf is promised'),
    problem: (subject) =>
      firstProblem(subject, ({ rewards, terminated, info }) => {
        if (!terminated) return null;
        const sum = rewards.reduce((a, b) => a + b, 0);
        const stated = subject.guarantees.returnOf!(info);
        const scale = rewards.reduce((a, b) => a + Math.abs(b), Math.abs(stated));
        if (Math.abs(sum - stated) <= slack * scale) return null;
        return `rewards add up to ${sum}, but the return of the last info is ${stated}.`;
      }),
  },
  {
    name: 'conservation',
    remedy: 'Mend what executes: nothing runs before its inputs are there, and nothing is lost or done twice.',
    skip: ({ guarantees }) => (guarantees.violations ? null : 'no conservation laws are promised'),
    problem: (subject) =>
      firstProblem(subject, ({ terminated, info }) => {
        if (!terminated) return null;
        const violations = subject.guarantees.violations!(info);
        return violations[0] && `${violations[0]}${violations.length > 1 ? `; ${violations.length} in all` : ''}.`;
      }),
  },
];
