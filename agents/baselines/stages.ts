// A network is often a chain of blocks, with one tensor between two of them. Plans of several planners can then be combined
// block by block, and the combination may be better than each plan.
import { Schedule } from '../../engine/schedule.js';
import type { OperatorGraph } from '../../models/graph.js';

/**
 * The units in stages, each a run of ids: what a stage reads of earlier ones is a single tensor. Units that follow each
 * other one by one are a stage together.
 */
export function stagesOf({ units, tensors }: OperatorGraph): number[][] {
  const stages: number[][] = [];
  let stage: number[] = [];
  let chain = false;
  const open = new Set<number>();
  for (const { id, inputs, outputs } of units) {
    stage.push(id);
    for (const tensor of inputs) if (tensors[tensor]!.consumers.at(-1) === id) open.delete(tensor);
    for (const tensor of outputs) if (tensors[tensor]!.consumers.length > 0) open.add(tensor);
    if (open.size > 1) continue;
    if (chain && stage.length === 1) stages.at(-1)!.push(id);
    else stages.push(stage);
    chain = stage.length === 1;
    stage = [];
  }
  if (stage.length > 0) stages.push(stage);
  return stages;
}

/** Units that read from each other, directly or not, are one part; parts are in order of their first units. */
export function connectedParts({ units, tensors }: OperatorGraph, of: readonly number[]): number[][] {
  const partOf = new Map<number, Set<number>>();
  for (const unit of of) {
    const part = new Set([unit]);
    for (const tensor of units[unit]!.inputs)
      for (const each of partOf.get(tensors[tensor]!.producer ?? -1) ?? []) part.add(each);
    for (const each of part) partOf.set(each, part);
  }
  return [...new Set(partOf.values())].map((part) => [...part].sort((a, b) => a - b)).sort((a, b) => a[0]! - b[0]!);
}

/**
 * Coordinate descent over stages. It begins with the best schedule and replaces, stage by stage, the stage or everything from
 * it on by another schedule's, if that is faster. Everything from it on, because a device that keeps several stages runs them
 * as one segment, and a single stage does not show that saving.
 * @param isFaster whether the first schedule is faster than the second, simulated or measured
 */
export function bestByStages(
  graph: OperatorGraph,
  schedules: readonly Schedule[],
  isFaster: (schedule: Schedule, than: Schedule) => boolean,
): Schedule {
  let best = schedules.reduce((least, schedule) => (isFaster(schedule, least) ? schedule : least));
  const stages = stagesOf(graph);
  for (const [index, stage] of stages.entries()) {
    for (const part of [stages.slice(index).flat(), stage]) {
      const tried = new Set([planOf(best, part)]);
      for (const other of schedules) {
        const plan = planOf(other, part);
        // If this stage is equal, later stages differ, and they are tried later.
        if (tried.has(plan) || planOf(other, stage) === planOf(best, stage)) continue;
        tried.add(plan);
        const exchanged = exchange(graph, best, other, part);
        if (isFaster(exchanged, best)) best = exchanged;
      }
    }
  }
  return best;
}

/** The schedule's decisions for the units, as text. */
function planOf({ order, share, lane }: Schedule, units: readonly number[]): string {
  const within = new Set(units);
  return [...order]
    .filter((unit) => within.has(unit))
    .map((unit) => `${unit}:${share[unit]}:${lane[unit]}`)
    .join();
}

/** `base` with the units as `other` has them. */
function exchange(graph: OperatorGraph, base: Schedule, other: Schedule, units: readonly number[]): Schedule {
  const within = new Set(units);
  const [share, lane] = [base.share.slice(), base.lane.slice()];
  for (const unit of units) {
    share[unit] = other.share[unit]!;
    lane[unit] = other.lane[unit]!;
  }
  const inside = [...other.order].filter((unit) => within.has(unit));
  // The units may be scattered over the order; they keep the places that they have together.
  let next = 0;
  const order = [...base.order].map((unit) => (within.has(unit) ? inside[next++]! : unit));
  return Schedule.of(graph, share, { order, lane });
}
