// The neighbours of a schedule: one unit on the other device, a run of units on one device, another share of one unit.
import type { Rng } from '../../../base/random/rng.js';
import { Schedule } from '../../../engine/schedule.js';
import { splitShares } from '../list-scheduling.js';
import type { PlanningProblem } from '../planner.js';

/** From 2 to half of the units, as many short runs as long ones on a logarithmic scale. */
const runLength = (units: number, random: Rng): number => Math.round(2 * (Math.max(4, units) / 4) ** random.uniform());

/** What a search may choose: the units that either device can run, and those of them that may be split. */
export interface Choices {
  readonly units: readonly number[];
  readonly splittable: readonly number[];
}

export function choicesOf({ graph, whole = false }: PlanningProblem): Choices {
  const free = graph.units.filter(({ onlyOn }) => onlyOn === null);
  const splittable = whole ? [] : free.filter(({ splitAxis }) => splitAxis !== null);
  return { units: free.map(({ id }) => id), splittable: splittable.map(({ id }) => id) };
}

/** The schedule with one move made, each kind of move being equally likely; order and lanes stay. */
export function moved({ graph }: PlanningProblem, choices: Choices, schedule: Schedule, random: Rng): Schedule {
  const { units, splittable } = choices;
  if (units.length === 0) return schedule;
  const share = schedule.share.slice();
  const other = (unit: number) => Number(share[unit]! < 0.5);
  const kind = random.integer(splittable.length > 0 ? 3 : 2);
  if (kind === 0) {
    const unit = units[random.integer(units.length)]!;
    share[unit] = other(unit);
  } else if (kind === 1) {
    const from = random.integer(units.length);
    const length = runLength(units.length, random);
    const device = other(units[from]!);
    for (const unit of units.slice(from, from + length)) share[unit] = device;
  } else {
    const unit = splittable[random.integer(splittable.length)]!;
    const others = splitShares.filter((each) => each !== share[unit]);
    share[unit] = others[random.integer(others.length)]!;
  }
  // What was on a lane of device 0 is on the only lane that device 1 has.
  const lane = schedule.lane.map((each, unit) => (share[unit] === 1 ? 0 : each));
  return Schedule.of(graph, share, { order: schedule.order, lane });
}

/** A schedule of which each unit is on one device, the other, or split between both, all equally likely, and every share too. */
export function drawn({ graph, random }: PlanningProblem, { units, splittable }: Choices): Schedule {
  const share = Float32Array.from(graph.units, ({ onlyOn }) => onlyOn ?? 0);
  const splits = new Set(splittable);
  for (const unit of units) {
    const device = random.integer(splits.has(unit) ? 3 : 2);
    share[unit] = device < 2 ? device : splitShares[random.integer(splitShares.length)]!;
  }
  return Schedule.of(graph, share);
}
