// Checks every call and changes nothing. PassiveEnvChecker of Gymnasium 1.4 (wrappers/common.py) warns about the first reset
// and step only; this one throws at any call, because most errors come late in an episode.
import { z } from 'zod';
import { InputError } from '../../../base/errors/input-error.js';
import { resetProblem, sharedObject, stepProblem } from '../check/results.js';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.js';
import { parseOptions } from '../options.js';
import { Wrapper } from './wrapper.js';

/** Throws an InputError for a result that violates the contract, or an action outside the space. */
export class PassiveChecker<Observation, Action> extends Wrapper<Observation, Action> {
  #previous: Observation | null = null;

  constructor(env: Env<Observation, Action>, options: Readonly<Record<string, never>> = {}) {
    super(env, parseOptions('PassiveChecker', z.strictObject({}), options));
  }

  override reset(options?: ResetOptions): ResetResult<Observation> {
    const result = super.reset(options);
    this.#refuse(resetProblem(this as Env<unknown, unknown>, result));
    this.#refuseShared(result.observation);
    return result;
  }

  override step(action: Action): StepResult<Observation> {
    const problem = this.actionSpace.problem(action);
    if (problem !== null)
      throw new InputError(`PassiveChecker: the action ${problem}.`, `Give one of ${this.actionSpace}.`);
    const result = super.step(action);
    this.#refuse(stepProblem(this as Env<unknown, unknown>, result));
    this.#refuseShared(result.observation);
    return result;
  }

  #refuseShared(observation: Observation): void {
    const shared = sharedObject(this.#previous, observation, 'observation');
    this.#refuse(shared && `the call before returned the same ${shared}: keeping one keeps the other's values.`);
    this.#previous = observation;
  }

  #refuse(problem: string | null): void {
    if (problem === null) return;
    throw new InputError(`PassiveChecker: ${this.env.constructor.name}: ${problem}`, 'Mend the environment.');
  }
}
