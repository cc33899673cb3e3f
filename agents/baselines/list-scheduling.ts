// List scheduling of both devices at once, with splits: HEFT (Topcuoglu, Hariri, Wu, "Performance-Effective and
// Low-Complexity Task Scheduling for Heterogeneous Computing", IEEE TPDS 13(3), 2002), its choices widened by the shares
// of a unit that both devices take part in (fine-grained co-execution, arXiv 2510.21081).

import { Schedule } from '../../engine/schedule.js';
import type { OperatorGraph } from '../../models/graph.js';
import { fractionRead, fractionSlack, readsAll } from '../../models/parts/channels.js';
import { type CostTable, wholeUnitMs } from '../../predictor/cost-table.js';
import type { Planner } from './planner.js';

/** Shares tried for a unit that can split. */
export const splitShares: readonly number[] = [1, 2, 3, 4, 5, 6, 7].map((eighths) => eighths / 8);
/**
 * Takes units by upward rank (the longest path to the end), and gives each the device or share with which it ends first. A
 * move keeps both devices busy; the sending device starts it when it is free. The schedule's order is by the times at
 * which inputs arrive, moved tensors first, so that executors can cut segments where the other device waits.
 * @param cutMs a choice that separates a unit from its producers (splitting it, or moving it to the other device) must
 * end it earlier by more than this. Units of one segment share fusion and layouts, which a cost table of single units
 * does not show, so callers try several values. A unit that reads a split tensor in parts is separated already.
 * Nothing is split in serial execution, where parts of a unit have little to gain.
 */
export function listScheduling(cutMs: number): Planner {
  return ({ graph, costs, conditions, whole = false }) => {
    const timeline = new Timeline(graph, costs);
    for (const unit of byUpwardRank(graph, costs)) {
      const { onlyOn, splitAxis } = graph.units[unit]!;
      const splits = !whole && conditions.execution === 'overlap' && onlyOn === null && splitAxis !== null;
      const shares = [...(onlyOn === null ? [0, 1] : [onlyOn]), ...(splits ? splitShares : [])];
      const attempts = shares.map((share) => timeline.attempt(unit, share));
      const valueMs = ({ endMs, cuts }: Attempt): number => endMs + (cuts ? cutMs : 0);
      timeline.place(
        unit,
        attempts.reduce((a, b) => (valueMs(b) < valueMs(a) ? b : a)),
      );
    }
    // One unit at a time: the order does not matter.
    return Schedule.of(graph, timeline.share, conditions.execution === 'overlap' ? { order: timeline.order() } : {});
  };
}

/** Upward rank: mean time of the unit, plus the longest of what follows with the mean time of moving there. */
function byUpwardRank(graph: OperatorGraph, costs: CostTable): number[] {
  const meanMs = (a: number, b: number): number => (Number.isFinite(a + b) ? (a + b) / 2 : Math.min(a, b));
  const rank = new Float64Array(graph.units.length);
  for (const { id, outputs } of graph.units.toReversed()) {
    const after = outputs.flatMap((tensor) => {
      const moveMs = meanMs(costs.transferMs(tensor, 0), costs.transferMs(tensor, 1));
      return graph.tensors[tensor]!.consumers.map((consumer) => moveMs + rank[consumer]!);
    });
    rank[id] = meanMs(wholeUnitMs(costs, id, 0), wholeUnitMs(costs, id, 1)) + Math.max(0, ...after);
  }
  return graph.units.map(({ id }) => id).sort((a, b) => rank[b]! - rank[a]! || a - b);
}

interface Attempt {
  readonly share: number;
  /** When the unit's last part ends, and its output is put together. */
  readonly endMs: number;
  /** Whether a tensor that lay whole on one device is needed on the other, or parts begin that read all of their inputs. */
  readonly cuts: boolean;
  /** Per device: when it is free again, and when its part of the unit ends. */
  readonly freeMs: readonly [number, number];
  readonly partMs: readonly [number, number];
  /** When all inputs are computed, wherever they lie. */
  readonly readyMs: number;
  readonly brought: readonly Brought[];
}

/** So much of a tensor is on the device from then on. */
interface Brought {
  readonly tensor: number;
  readonly device: 0 | 1;
  readonly fraction: number;
  readonly sinceMs: number;
}

/** The state of the two devices: until when each is busy, and when each part of a tensor arrived. */
class Timeline {
  readonly share: Float64Array;
  readonly #graph: OperatorGraph;
  readonly #costs: CostTable;
  #freeMs: readonly [number, number] = [0, 0];
  /** Per tensor and device: the fraction there, and since when. */
  readonly #fraction: [number, number][];
  readonly #sinceMs: [number, number][];
  readonly #placed: { readonly unit: number; readonly readyMs: number; readonly crosses: boolean }[] = [];

  constructor(graph: OperatorGraph, costs: CostTable) {
    this.#graph = graph;
    this.#costs = costs;
    this.share = new Float64Array(graph.units.length);
    this.#fraction = graph.tensors.map(({ producer }) => [producer === null ? 1 : 0, 0]);
    this.#sinceMs = graph.tensors.map(() => [0, 0]);
  }

  /** The result of placing the unit now with this share. */
  attempt(unit: number, share: number): Attempt {
    const { inputs, outputs } = this.#graph.units[unit]!;
    const parts = [1 - share, share] as const;
    const readyMs = Math.max(0, ...inputs.map((tensor) => Math.max(...this.#sinceMs[tensor]!)));
    const freeMs: [number, number] = [...this.#freeMs];
    const brought: Brought[] = [];
    const partMs: [number, number] = [0, 0];
    for (const device of [0, 1] as const) {
      if (parts[device] === 0) continue;
      for (const tensor of inputs)
        this.#bring(tensor, device, fractionRead(this.#graph, unit, tensor, device, parts[device]), freeMs, brought);
    }
    for (const device of [0, 1] as const) {
      if (parts[device] === 0) continue;
      const overheadMs = this.#costs.launchMs(device) + (device === 1 ? this.#costs.syncMs : 0);
      freeMs[device] += overheadMs + this.#costs.unitMs(unit, device, parts[device]);
      partMs[device] = freeMs[device];
    }
    // A split output is put together sooner or later; charging it here keeps a split from looking free.
    const split = share > 0 && share < 1;
    const joinMs = outputs.map((tensor) => (split ? this.#costs.transferMs(tensor, 0, Math.min(...parts)) : 0));
    const cuts =
      brought.some(({ tensor, device }) => this.#fraction[tensor]![1 - device] === 1) ||
      (split && inputs.some((tensor) => readsAll(this.#graph, unit, tensor)));
    return { share, endMs: Math.max(...partMs) + Math.max(...joinMs), cuts, freeMs, partMs, readyMs, brought };
  }

  #bring(tensor: number, device: 0 | 1, fraction: number, freeMs: [number, number], brought: Brought[]): void {
    if (fraction === 0) return;
    const sinceMs = this.#sinceMs[tensor]!;
    const missing = fraction - this.#fraction[tensor]![device];
    if (missing <= fractionSlack) {
      freeMs[device] = Math.max(freeMs[device], sinceMs[device]);
      return;
    }
    const other = (1 - device) as 0 | 1;
    const moveMs = this.#costs.transferMs(tensor, device, missing);
    freeMs[other] += moveMs;
    freeMs[device] = Math.max(freeMs[device], sinceMs[device], sinceMs[other]) + moveMs;
    brought.push({ tensor, device, fraction, sinceMs: freeMs[device] });
  }

  place(unit: number, { share, freeMs, partMs, readyMs, brought }: Attempt): void {
    this.share[unit] = share;
    this.#freeMs = freeMs;
    for (const { tensor, device, fraction, sinceMs } of brought) {
      this.#fraction[tensor]![device] = fraction;
      this.#sinceMs[tensor]![device] = sinceMs;
    }
    for (const tensor of this.#graph.units[unit]!.outputs) {
      this.#fraction[tensor] = [1 - share, share];
      this.#sinceMs[tensor] = [...partMs];
    }
    this.#placed.push({ unit, readyMs, crosses: brought.length > 0 });
  }

  /** Units by when they are ready; the sort keeps those of one time, some without cost among them, as they were placed. */
  order(): number[] {
    const { units, tensors } = this.#graph;
    const sorted = this.#placed.toSorted((a, b) => a.readyMs - b.readyMs || Number(b.crosses) - Number(a.crosses));
    // Units without cost are ready at the same time as their inputs, but still come before the units that read them.
    const order: number[] = [];
    const done = new Set<number>();
    const visit = (unit: number): void => {
      if (done.has(unit)) return;
      done.add(unit);
      for (const tensor of units[unit]!.inputs) {
        const { producer } = tensors[tensor]!;
        if (producer !== null) visit(producer);
      }
      order.push(unit);
    };
    for (const { unit } of sorted) visit(unit);
    return order;
  }
}
