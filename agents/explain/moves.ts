// What it would cost to move a unit of a schedule to the other device: alone, and with the units that it should take along.

import { Rng } from '../../base/random/rng.js';
import { Schedule } from '../../engine/schedule.js';
import type { OperatorGraph, Unit } from '../../models/graph.js';
import { optimum } from '../bounds/optimum.js';
import type { Case } from './case.js';

export interface Move {
  readonly unit: number;
  readonly to: 0 | 1;
  /** Simulated latency with only this unit moved, less the schedule's, ms; negative where the move would pay. */
  readonly costMs: number;
}

export interface GroupMove {
  /** Ascending; at least two. */
  readonly units: readonly number[];
  readonly to: 0 | 1;
  /** Simulated latency with all of them moved, less the schedule's, ms. */
  readonly costMs: number;
  /** The least and the sum of the costs of moving one of them alone, ms. */
  readonly leastAloneMs: number;
  readonly sumAloneMs: number;
}

/** The device that a unit would move to: of a split unit the one with the smaller part. */
const otherDevice = (share: number): 0 | 1 => (share >= 0.5 ? 0 : 1);

/** The schedule with these units wholly on `to`. */
export function moved(
  graph: OperatorGraph,
  { share, order, lane }: Schedule,
  units: Iterable<number>,
  to: 0 | 1,
): Schedule {
  const shares = Float32Array.from(share);
  for (const unit of units) shares[unit] = to;
  return Schedule.of(graph, shares, { order, lane });
}

/** Each unit that both devices can run, moved alone. */
export function movesAlone(each: Case, schedule: Schedule): Move[] {
  const latencyMs = each.latencyMs(schedule);
  return each.graph.units
    .filter(({ onlyOn }) => onlyOn === null)
    .map(({ id }) => {
      const to = otherDevice(schedule.share[id]!);
      return { unit: id, to, costMs: each.latencyMs(moved(each.graph, schedule, [id], to)) - latencyMs };
    });
}

/** Units for which companions are looked for, those that cost least to move alone first: each takes a minimum cut. */
const mostCuts = 200;

/**
 * Units that are cheaper to move together than any of them alone, those that spare most first. The companions of a unit are
 * those that the serial optimum moves with it when it must move, as far as tensors connect them; what moving them costs is
 * simulated.
 */
export function movesTogether(each: Case, schedule: Schedule, alone: readonly Move[]): GroupMove[] {
  const { graph } = each;
  const latencyMs = each.latencyMs(schedule);
  const aloneMs = new Map(alone.map(({ unit, costMs }) => [unit, costMs]));
  const groups = new Map<string, GroupMove>();
  const cheapest = alone.toSorted((a, b) => a.costMs - b.costMs || a.unit - b.unit).slice(0, mostCuts);
  for (const { unit, to } of cheapest) {
    const units = companions(each, schedule, unit, to);
    const key = units.join();
    if (units.length < 2 || groups.has(key)) continue;
    const costs = units.map((member) => aloneMs.get(member)!);
    groups.set(key, {
      units,
      to,
      costMs: each.latencyMs(moved(graph, schedule, units, to)) - latencyMs,
      leastAloneMs: Math.min(...costs),
      sumAloneMs: costs.reduce((sum, ms) => sum + ms, 0),
    });
  }
  const spared = ({ costMs, sumAloneMs }: GroupMove) => sumAloneMs - costMs;
  return [...groups.values()]
    .filter(({ costMs, leastAloneMs }) => costMs < leastAloneMs)
    .sort((a, b) => spared(b) - spared(a) || a.units[0]! - b.units[0]!);
}

/** The unit, and what the serial optimum moves to the same device when the unit must go there, as far as tensors connect it. */
function companions({ graph, costs, conditions }: Case, { share }: Schedule, unit: number, to: 0 | 1): number[] {
  const units = graph.units.map((each): Unit => (each.id === unit ? { ...each, onlyOn: to } : each));
  const forced = optimum({ graph: { ...graph, units }, costs, conditions, random: Rng.of(0, 'explain') });
  const moves = (id: number): boolean =>
    graph.units[id]!.onlyOn === null && forced.share[id] === to && otherDevice(share[id]!) === to;
  const found = new Set([unit]);
  for (const id of found) {
    const { inputs, outputs } = graph.units[id]!;
    for (const tensor of [...inputs, ...outputs]) {
      const { producer, consumers } = graph.tensors[tensor]!;
      for (const near of producer === null ? consumers : [producer, ...consumers]) if (moves(near)) found.add(near);
    }
  }
  return [...found].sort((a, b) => a - b);
}
