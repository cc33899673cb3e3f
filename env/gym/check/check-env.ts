// Tests an environment against the contract and its guarantees.
import { InputError } from '../../../base/errors/input-error.js';
import { checkOptions } from '../../../base/errors/options.js';
import { Rng } from '../../../base/random/rng.js';
import { defaultGuarantees, type Env } from '../env.js';
import type { Check, Subject } from './check.js';
import { closeCheck, contractChecks, orderCheck, startChecks } from './contract-checks.js';
import { determinismChecks } from './determinism-checks.js';
import { maskCheck } from './mask-check.js';
import { rewardChecks } from './reward-checks.js';
import { stateChecks } from './state-checks.js';

export interface CheckOptions {
  /** Seed of the episodes that are played. */
  readonly seed?: number;
  /** An episode that is still going after this many steps is taken to be endless; default 10,000. */
  readonly maxSteps?: number;
}

export interface CheckReport {
  readonly passed: readonly string[];
  /** Checks that do not apply, with the reason. */
  readonly skipped: readonly { readonly check: string; readonly why: string }[];
  /** Properties that may be a problem for learners. */
  readonly advice: readonly string[];
}

/** In the order in which they run. */
export const checks: readonly Check[] = [
  orderCheck,
  ...startChecks,
  maskCheck,
  ...contractChecks,
  ...determinismChecks,
  ...stateChecks,
  ...rewardChecks,
  closeCheck,
];

/**
 * Checks the environment that `create` makes (twice); both are closed at the end.
 * @throws InputError that lists every check that failed: what was seen, and what to do
 */
export async function checkEnv<Observation, Action>(
  create: () => Env<Observation, Action> | Promise<Env<Observation, Action>>,
  options: CheckOptions = {},
): Promise<CheckReport> {
  checkOptions('checkEnv', options, { seed: true, maxSteps: true });
  const { seed = 0, maxSteps = 10_000 } = options;
  const [env, twin] = [await create(), await create()] as Env<unknown, unknown>[] as [Env<unknown>, Env<unknown>];
  const subject: Subject = {
    env: env as Env<unknown, unknown>,
    twin: twin as Env<unknown, unknown>,
    guarantees: env.guarantees ?? defaultGuarantees,
    seed,
    maxSteps,
    actions: (...names) => Rng.of(seed, 'check', ...names),
  };
  const passed: string[] = [];
  const skipped: CheckReport['skipped'][number][] = [];
  const advice: string[] = [];
  const failed: string[] = [];
  for (const check of checks) {
    const why = check.skip?.(subject) ?? null;
    if (why !== null) {
      skipped.push({ check: check.name, why });
      continue;
    }
    const problem = problemOf(check, subject);
    if (problem === null) passed.push(check.name);
    else (check.advice ? advice : failed).push(`${check.name}: ${problem} ${check.remedy}`);
    if (problem !== null && check.first) break;
  }
  if (failed.length === 0) return { passed, skipped, advice };
  if (!passed.includes(closeCheck.name)) problemOf(closeCheck, subject);
  throw new InputError(
    [`${env.constructor.name}: ${failed.length} of ${passed.length + failed.length} checks failed.`, ...failed],
    'Mend the environment, and check it again.',
  );
}

/** The problem that a check finds; an exception is a problem too. */
function problemOf(check: Check, subject: Subject): string | null {
  try {
    return check.problem(subject);
  } catch (error) {
    return `an exception: ${error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error)}.`;
  }
}
