// Rewards by name. Each is a weighted sum of terms, and a term is the growth of a cost. So the rewards of an episode add up to
// minus the cost of the whole execution.
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { totalMj } from '../../engine/telemetry/total.js';
import type { Trace } from '../../engine/trace.js';
import type { SpaceFlags } from '../observations/observation-spaces.js';

/** Energy is known when an execution has ended, so its terms are given at the last step. */
export const rewardTerms = ['latency', 'deadline', 'energy', 'energy-delay'] as const;
export type RewardTerm = (typeof rewardTerms)[number];

const flags = { deterministic: false, platformDependent: true };
export const rewards = {
  latency: { summary: 'minus the latency, in units of the better single device', ...flags },
  deadline: { summary: '-1 where the deadline is missed, at the step that misses it; option `deadline`', ...flags },
  energy: { summary: "minus the energy, in units of the better single device's", ...flags },
  'energy-delay': { summary: "minus energy x latency, in units of the better single device's", ...flags },
  weighted: { summary: 'the sum of those four by option `weights`', ...flags },
} as const satisfies Readonly<Record<string, SpaceFlags>>;
export type RewardName = keyof typeof rewards;
const names = Object.keys(rewards) as RewardName[];

export interface RewardOptions {
  /** Default `latency`. */
  readonly reward?: RewardName | undefined;
  /** Deadline in units of the better single device's latency, for the terms that use it. */
  readonly deadline?: number | undefined;
  /** Weights of `weighted`, not negative; missing ones are 0. */
  readonly weights?: Readonly<Partial<Record<RewardTerm, number>>> | undefined;
}

/** The return of an episode whose execution failed. */
export const failureReturn = -10;

/** The costs of the better single device, which rewards are divided by. */
export interface RewardReference {
  readonly latencyMs: number;
  /** Null if the executor gives no energy. */
  readonly energyMj: number | null;
}

/** The weight of each term, and the deadline in ms; infinite if no term has one. */
export interface Reward {
  readonly weights: Readonly<Record<RewardTerm, number>>;
  readonly deadline: number;
}

/** What an episode is to achieve: a reward, in units of a reference. */
export interface Goal {
  readonly reward: Reward;
  readonly reference: RewardReference;
}

/** @throws InputError when a name is unknown, or an option is missing, out of range or without effect */
export function rewardOf({ reward = 'latency', deadline, weights }: RewardOptions): Reward {
  if (!names.includes(reward)) throw new InputError(`reward: "${reward}" is unknown.`, didYouMean(reward, names));
  if (reward === 'weighted' && !weights)
    throw new InputError('reward: "weighted" without weights.', `Give weights of ${rewardTerms.join(', ')}.`);
  if (reward !== 'weighted' && weights)
    throw new InputError(
      `reward: weights are given, but the reward is "${reward}".`,
      'Choose "weighted", or give none.',
    );
  const all = { latency: 0, deadline: 0, energy: 0, 'energy-delay': 0 };
  for (const [term, weight] of Object.entries(weights ?? { [reward]: 1 })) {
    if (!rewardTerms.includes(term as RewardTerm))
      throw new InputError(`reward: there is no weight "${term}".`, didYouMean(term, rewardTerms));
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY))
      throw new InputError(`reward: the weight of ${term} is ${weight}.`, 'Give a finite number, 0 or more.');
    all[term as RewardTerm] = weight;
  }
  if (Object.values(all).every((weight) => weight === 0))
    throw new InputError('reward: every weight is 0.', 'Give one that is more.');
  if (all.deadline > 0 && deadline === undefined)
    throw new InputError(`reward: "${reward}" without a deadline.`, 'Give one, in units of the better single device.');
  if (all.deadline === 0 && deadline !== undefined)
    throw new InputError(
      `reward: a deadline is given, which "${reward}" does not know.`,
      'Leave it out, or choose "deadline".',
    );
  if (deadline !== undefined && !(deadline > 0 && deadline < Number.POSITIVE_INFINITY))
    throw new InputError(
      `reward: the deadline is ${deadline}.`,
      'Give a number above 0: 1 is the better single device.',
    );
  return { weights: all, deadline: deadline ?? Number.POSITIVE_INFINITY };
}

/** Whether a reward has a term that needs energy. */
export function needsEnergy({ weights }: Reward): boolean {
  return weights.energy > 0 || weights['energy-delay'] > 0;
}

/** The growth of the terms that are known at every step, from one clock to another, ms: minus the reward. */
export function growth(
  { weights, deadline }: Reward,
  reference: RewardReference,
  fromMs: number,
  toMs: number,
): number {
  const deadlineMs = deadline * reference.latencyMs;
  return (
    (weights.latency * (toMs - fromMs)) / reference.latencyMs +
    weights.deadline * (Number(toMs > deadlineMs) - Number(fromMs > deadlineMs))
  );
}

/** The sum of the energy terms after an execution has ended: minus the reward. */
export function energyCost(
  { weights }: Reward,
  reference: RewardReference,
  latencyMs: number,
  energyMj: number,
): number {
  const ratio = energyMj / reference.energyMj!;
  return weights.energy * ratio + (weights['energy-delay'] * ratio * latencyMs) / reference.latencyMs;
}

/** The return of an episode: minus the cost of its execution. Energy counts if a term needs it. */
export function returnOf(
  reward: Reward,
  reference: RewardReference,
  latencyMs: number,
  energyMj: number | null,
): number {
  const energy = needsEnergy(reward) ? energyCost(reward, reference, latencyMs, energyMj!) : 0;
  return -growth(reward, reference, 0, latencyMs) - energy;
}

/** The energy of a trace, over rails that do not overlap; null if it has none. */
export function energyOf({ energyMj }: Pick<Trace, 'energyMj'>): number | null {
  return energyMj && totalMj(energyMj);
}
