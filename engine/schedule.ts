// A schedule says, for each unit, which share of it runs on device 1 ("the GPU"), in which order and on which lane.
// Schedule.of checks it once; a Schedule that exists is valid everywhere after.
import { InputError } from '../base/errors/input-error.js';
import type { OperatorGraph } from '../models/graph.js';

export class Schedule {
  private constructor(
    readonly graphHash: string,
    /** The graph's batch size. */
    readonly batch: number,
    /** Per unit, the fraction on device 1; strictly between 0 and 1 only where the unit can split. */
    readonly share: Float32Array,
    /** A topological permutation of the units; a lane takes its units in this order and never skips ahead. */
    readonly order: Uint32Array,
    /**
     * Lane within the device; 0 unless branches run in parallel. A split unit's is device 0's; its other part runs on
     * lane 0 of device 1.
     */
    readonly lane: Uint8Array,
  ) {}

  /**
   * A checked schedule; order and lanes default to the graph's order and lane 0.
   * @throws InputError when a share is outside [0, 1], splits a unit that cannot split or lies on a device that cannot
   * run the unit, or when the order is no topological permutation.
   */
  static of(
    graph: OperatorGraph,
    share: ArrayLike<number>,
    { order, lane }: { order?: ArrayLike<number>; lane?: ArrayLike<number> } = {},
  ): Schedule {
    const count = graph.units.length;
    if (share.length !== count) {
      throw new InputError(
        `schedule: ${share.length} shares for ${count} units.`,
        'Give one share for each unit of the graph.',
      );
    }
    for (const unit of graph.units) checkShare(unit, share[unit.id]!);
    const orderArray = order ? Uint32Array.from(order) : Uint32Array.from({ length: count }, (_, i) => i);
    checkOrder(graph, orderArray);
    return new Schedule(
      graph.hash,
      graph.batch,
      Float32Array.from(share),
      orderArray,
      lane ? Uint8Array.from(lane) : new Uint8Array(count),
    );
  }

  /** Every unit on `device`, except those that only the other one can run. */
  static onDevice(graph: OperatorGraph, device: 0 | 1): Schedule {
    return Schedule.of(
      graph,
      graph.units.map((unit) => unit.onlyOn ?? device),
    );
  }
}

/** @throws InputError when the unit cannot have this share on device 1. */
export function checkShare(unit: OperatorGraph['units'][number], share: number): void {
  const at = `schedule: unit ${unit.id} "${unit.name}" has share ${share}`;
  if (!(share >= 0 && share <= 1))
    throw new InputError(`${at}, outside [0, 1].`, 'Give 0 for device 0, 1 for device 1, or a fraction.');
  if (unit.onlyOn !== null && share !== unit.onlyOn) {
    throw new InputError(`${at}, but only device ${unit.onlyOn} can run it.`, `Give it the share ${unit.onlyOn}.`);
  }
  if (share > 0 && share < 1 && unit.splitAxis === null) {
    throw new InputError(`${at}, but it cannot be split.`, 'Give it 0 or 1; Conv, Gemm, MatMul and LRN can be split.');
  }
}

function checkOrder(graph: OperatorGraph, order: Uint32Array): void {
  const done = new Uint8Array(graph.units.length);
  const remedy = 'Give a permutation of the units in which each follows the units whose outputs it reads.';
  if (order.length !== graph.units.length)
    throw new InputError(`schedule: an order of ${order.length} units for ${graph.units.length}.`, remedy);
  for (const id of order) {
    const unit = graph.units[id];
    if (!unit || done[id])
      throw new InputError(`schedule: unit ${id} is ${unit ? 'repeated' : 'unknown'} in the order.`, remedy);
    for (const tensor of unit.inputs) {
      const producer = graph.tensors[tensor]!.producer;
      if (producer !== null && !done[producer]) {
        throw new InputError(
          `schedule: unit ${id} "${unit.name}" comes before unit ${producer}, whose output it reads.`,
          remedy,
        );
      }
    }
    done[id] = 1;
  }
}
