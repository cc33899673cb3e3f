// Searches over schedules. Each begins with the schedules of other planners, or with none, and tries a stated number of them.
import { InputError } from '../../../base/errors/input-error.js';
import type { Schedule } from '../../../engine/schedule.js';
import type { Planner, PlanningProblem } from '../planner.js';
import { bestByStages } from '../stages.js';
import { anneal } from './annealing.js';
import { asPlayed, evaluationOf } from './evaluation.js';
import { choicesOf, drawn, moved } from './moves.js';

/** A planner that begins with schedules of others. */
export type Improver = (problem: PlanningProblem, starts: readonly Schedule[]) => Schedule;

/** Schedules that a search tries unless the problem says how many. */
export const searchEvaluations = 1000;

/** @throws InputError when the problem's number is not 1 or more */
function evaluationsOf({ evaluations = searchEvaluations }: PlanningProblem): number {
  if (Number.isInteger(evaluations) && evaluations >= 1) return evaluations;
  throw new InputError(`planner: evaluations is ${evaluations}.`, 'Give the number of schedules to try, 1 or more.');
}

/** Simulated annealing, which begins with the best of the starts. @throws InputError as `evaluationOf` does */
export const annealing: Improver = (problem, starts) => {
  const choices = choicesOf(problem);
  const search = {
    starts: starts.map((start) => () => asPlayed(problem, start)),
    costOf: evaluationOf(problem),
    varied: (schedule: Schedule) => moved(problem, choices, schedule, problem.random),
  };
  return anneal(search, problem.random, evaluationsOf(problem)).state;
};

/** The best of schedules that are drawn independently. @throws InputError as `evaluationOf` does */
export const randomSearch: Planner = (problem) => {
  const choices = choicesOf(problem);
  const search = {
    starts: [() => drawn(problem, choices)],
    costOf: evaluationOf(problem),
    varied: () => drawn(problem, choices),
  };
  return anneal(search, problem.random, evaluationsOf(problem)).state;
};

/** The starts combined block by block (`bestByStages`). @throws InputError as `evaluationOf` does */
export const byStages: Improver = (problem, starts) => {
  const latencyMs = budgeted(evaluationOf(problem), evaluationsOf(problem));
  const played = starts.map((start) => asPlayed(problem, start));
  return bestByStages(problem.graph, played, (schedule, than) => {
    const thanMs = latencyMs(than);
    return latencyMs(schedule) < thanMs;
  });
};

/** The same evaluation, of each schedule once; Infinity once the budget is used up. */
function budgeted(latencyMs: (schedule: Schedule) => number, budget: number): (schedule: Schedule) => number {
  const known = new WeakMap<Schedule, number>();
  let done = 0;
  return (schedule) => {
    let ms = known.get(schedule);
    if (ms !== undefined) return ms;
    ms = done++ < budget ? latencyMs(schedule) : Number.POSITIVE_INFINITY;
    known.set(schedule, ms);
    return ms;
  };
}
