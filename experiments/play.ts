// Episodes of a task: played by a baseline, by a trained policy, or by given actions.
import type { Agent } from '../agents/agent.js';
import type { Baseline, DecisionCharge } from '../agents/baselines/registry.js';
import { drive, rollout } from '../agents/train-loop.js';
import { InputError } from '../base/errors/input-error.js';
import { Rng } from '../base/random/rng.js';
import type { Outcome, Task } from './tasks/task.js';

/** An episode with the wall-clock time of its decisions. */
export interface TimedOutcome extends Outcome {
  readonly decisionWallMs: number;
}

/**
 * One episode by a baseline.
 * @param rngSeed of the random numbers that the baseline draws
 * @param evaluations what it may try if it searches; default: its own number
 */
export function playBaseline(
  task: Task,
  name: string,
  baseline: Baseline,
  seed: number,
  rngSeed: number,
  evaluations?: number,
): TimedOutcome {
  const { charge } = baseline;
  const env = task.env(charge);
  let next: ReturnType<Baseline['begin']> | null = null;
  const played = drive(env, seed, () => {
    next ??= baseline.begin(env, Rng.of(rngSeed, 'planner', name), evaluations);
    return next();
  });
  return { ...played, seed, charge };
}

/** One episode by an agent's deterministic policy. */
export function playPolicy(task: Task, agent: Pick<Agent, 'act'>, seed: number, charge: DecisionCharge): TimedOutcome {
  return { ...rollout(task.env(charge), agent, seed), seed, charge };
}

/**
 * One episode by given actions.
 * @throws InputError when they are too many or too few
 */
export function playActions(task: Task, { actions, seed, charge }: Omit<Outcome, 'return' | 'info'>): Outcome {
  const env = task.env(charge);
  env.reset({ seed });
  let total = 0;
  for (const [index, action] of actions.entries()) {
    const { reward, terminated, truncated, info } = env.step(action);
    total += reward;
    if (!terminated && !truncated) continue;
    if (index + 1 === actions.length) return { seed, charge, actions, return: total, info };
    throw wrongLength(actions.length, `is over after ${index + 1}`);
  }
  throw wrongLength(actions.length, 'goes on');
}

/** The outcome, and further executions of its actions until there are `times` of them, because measurements vary. */
export function repeat(task: Task, outcome: Outcome, times: number): Outcome[] {
  return [outcome, ...Array.from({ length: times - 1 }, () => playActions(task, outcome))];
}

const wrongLength = (count: number, how: string) =>
  new InputError(`${count} actions, but the episode ${how}.`, 'Give the actions of one whole episode.');
