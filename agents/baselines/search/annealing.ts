// Simulated annealing (Kirkpatrick, Gelatt, Vecchi, "Optimization by Simulated Annealing", Science 220, 1983) over whatever
// has a cost and can be varied: schedules, episodes. Its budget is a number of evaluations and not of seconds, so that
// results stay the same on every machine.
import type { Rng } from '../../../base/random/rng.js';

export interface Search<State> {
  /** Where it may begin; those beyond the budget are not made. */
  readonly starts: readonly (() => State)[];
  /** What is to be small; Infinity where the state is not possible. */
  costOf(state: State): number;
  varied(state: State, random: Rng): State;
}

export interface Found<State> {
  readonly state: State;
  readonly cost: number;
  /** States that were made and looked at, starts included. */
  readonly evaluations: number;
}

/** Temperature at the start, as a fraction of the cost there; it falls linearly to none. */
const firstTemperature = 0.01;

/**
 * Begins with the best of the starts, so what it finds is never worse than those.
 * @param budget states to look at, starts included, 1 or more; all of it is used
 */
export function anneal<State>({ starts, costOf, varied }: Search<State>, random: Rng, budget: number): Found<State> {
  const valued = (state: State) => ({ state, cost: costOf(state) });
  const begun = starts.slice(0, budget).map((start) => valued(start()));
  const first = begun.reduce((a, b) => (b.cost < a.cost ? b : a));
  // Away from an impossible start every step is welcome that leads to a possible state.
  const scale = Number.isFinite(first.cost) ? Math.abs(first.cost) * firstTemperature : 0;
  let [current, best] = [first, first];
  for (let done = begun.length; done < budget; done++) {
    const next = valued(varied(current.state, random));
    const temperature = scale * (1 - done / budget);
    const draw = random.uniform();
    if (next.cost <= current.cost || draw < Math.exp((current.cost - next.cost) / temperature)) current = next;
    if (current.cost < best.cost) best = current;
  }
  return { ...best, evaluations: Math.max(begun.length, budget) };
}
