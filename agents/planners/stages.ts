// A network is often a chain of blocks: between two of them lies one tensor, through which everything passes. Plans of
// several planners are then exchanged block by block, and what is best of them together may be better than any.
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

/** An improvement has to be this large, or it may be noise of the measurement. */
const leastGain = 0.005;

/**
 * Coordinate descent over stages: begins with the best schedule and takes, stage by stage, what another of them does there
 * where that is faster.
 * @param measureMs the latencies of schedules: simulated, or measured in turn, so that a machine that slows down does so
 * for all of them
 */
export function bestByStages(
  graph: OperatorGraph,
  schedules: readonly Schedule[],
  measureMs: (schedules: readonly Schedule[]) => readonly number[],
): Schedule {
  const latenciesMs = measureMs(schedules);
  let best = schedules[latenciesMs.indexOf(Math.min(...latenciesMs))]!;
  for (const stage of stagesOf(graph)) {
    const tried = new Set([planOf(best, stage)]);
    for (const other of schedules) {
      const plan = planOf(other, stage);
      if (tried.has(plan)) continue;
      tried.add(plan);
      const exchanged = exchange(graph, best, other, stage);
      const [bestMs, exchangedMs] = measureMs([best, exchanged]) as [number, number];
      if (exchangedMs < (1 - leastGain) * bestMs) best = exchanged;
    }
  }
  return best;
}

/** What the schedule does with the stage, as text. */
function planOf({ order, share, lane }: Schedule, stage: readonly number[]): string {
  const within = new Set(stage);
  return [...order]
    .filter((unit) => within.has(unit))
    .map((unit) => `${unit}:${share[unit]}:${lane[unit]}`)
    .join();
}

/** `base` with the stage as `other` has it. */
function exchange(graph: OperatorGraph, base: Schedule, other: Schedule, stage: readonly number[]): Schedule {
  const within = new Set(stage);
  const [share, lane] = [base.share.slice(), base.lane.slice()];
  for (const unit of stage) {
    share[unit] = other.share[unit]!;
    lane[unit] = other.lane[unit]!;
  }
  const inside = [...other.order].filter((unit) => within.has(unit));
  // A stage's units may be scattered over the order; each place that one had is one's again.
  let next = 0;
  const order = [...base.order].map((unit) => (within.has(unit) ? inside[next++]! : unit));
  return Schedule.of(graph, share, { order, lane });
}
