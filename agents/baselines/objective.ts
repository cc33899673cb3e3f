// What a planner minimises. In serial execution energy is a sum over units and moves, as latency is: each ms costs the power of
// its state. So a weighted sum of both is a cost table in which a ms of a state has a price, and every planner that adds up
// costs minimises it unchanged. In overlap execution, and of split units, that is a heuristic.
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import type { Rng } from '../../base/random/rng.js';
import type { Scenario } from '../../engine/scenario.js';
import { Schedule } from '../../engine/schedule.js';
import type { Simulator } from '../../engine/simulator/simulator.js';
import type { Trace } from '../../engine/trace.js';
import { energyOf, type Goal, needsEnergy, rewardOf } from '../../env/rewards/rewards.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { activeW } from '../../predictor/power.js';
import type { PowerModel } from '../../predictor/profiles/profile.js';
import type { PlanningProblem } from './planner.js';

/** A goal that needs energy, and what it is computed from. */
export interface EnergyGoal extends Goal {
  /** Times alone. */
  readonly costs: CostTable;
  readonly power: PowerModel;
}

export const objectiveNames = ['latency', 'energy', 'energy-delay'] as const;
export type ObjectiveName = (typeof objectiveNames)[number];

/** The same times with prices: a ms of a state costs `perMs` and `perMj` for what the board draws in it. */
export function pricedCosts(costs: CostTable, power: PowerModel, perMs: number, perMj: number): CostTable {
  const { busyW, movingW } = activeW(power);
  const busy = [perMs + perMj * busyW[0], perMs + perMj * busyW[1]] as const;
  const moving = perMs + perMj * movingW;
  return {
    unitMs: (unit, device, share) => busy[device as 0 | 1] * costs.unitMs(unit, device, share),
    transferMs: (tensor, to, fraction) => moving * costs.transferMs(tensor, to, fraction),
    launchMs: (device) => busy[device as 0 | 1] * costs.launchMs(device),
    syncMs: busy[1] * costs.syncMs,
  };
}

/** The cost of an execution, minus its return: the deadline aside. */
export function costOf({ reward: { weights }, reference }: Goal, latencyMs: number, energyMj: number): number {
  const [latency, energy] = [latencyMs / reference.latencyMs, energyMj / reference.energyMj!];
  return weights.latency * latency + weights.energy * energy + weights['energy-delay'] * latency * energy;
}

/**
 * What planners get. With a goal that needs energy their costs are prices; a product of energy and latency is one of sums at the
 * reference: there d(ET) / ET = dE / E + dT / T.
 * @throws InputError when the goal needs energy and the platform has no power
 */
export function planningProblem(scenario: Scenario, random: Rng, goal?: Goal | null): PlanningProblem {
  const { graph, costs, conditions } = scenario;
  if (!goal || !needsEnergy(goal.reward)) return { graph, costs, conditions, random };
  const power = powerOf(scenario);
  const { latency, energy, 'energy-delay': product } = goal.reward.weights;
  const perMs = (latency + product) / goal.reference.latencyMs;
  const perMj = (energy + product) / goal.reference.energyMj!;
  const priced = pricedCosts(costs, power, perMs, perMj);
  return { graph, costs: priced, conditions, random, goal: { ...goal, costs, power } };
}

/** @throws InputError when the platform's power is not known */
function powerOf({ executor, platform }: Scenario): PowerModel {
  const power = 'profile' in executor ? (executor as Simulator).profile.power : null;
  if (power) return power;
  throw new InputError(
    `objective: ${platform.uri} has no model of power, which energy needs.`,
    'Name a profile with "power" (docs/energy.md), or plan for latency.',
  );
}

/**
 * The goal of that name on a scenario, in units of the better single device.
 * @throws InputError when the name is unknown, or the goal needs energy and executions have none
 */
export function goalNamed(name: string, scenario: Scenario): Goal | null {
  if (!objectiveNames.includes(name as ObjectiveName))
    throw new InputError(`objective: "${name}" is unknown.`, didYouMean(name, objectiveNames));
  if (name === 'latency') return null;
  powerOf(scenario);
  const { graph, executor, conditions } = scenario;
  const [best] = ([0, 1] as const)
    .map((device) => executor.run(graph, Schedule.onDevice(graph, device), conditions))
    .filter((result): result is Trace => !('error' in result))
    .sort((a, b) => a.makespanMs - b.makespanMs);
  if (!best) throw new InputError('objective: no single device runs the model.', 'Choose another profile.');
  const reference = { latencyMs: best.makespanMs, energyMj: energyOf(best) };
  return { reward: rewardOf({ reward: name as ObjectiveName }), reference };
}
