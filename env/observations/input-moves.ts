// The cost of moving a unit's inputs to each device from where they are now, scaled for a network.

import type { HardwareState } from '../../engine/executor.js';
import type { OperatorGraph } from '../../models/graph.js';
import { type CostTable, wholeUnitMs } from '../../predictor/cost-table.js';
import { bounded } from './observation-block.js';

/** Columns at the index that `at` gives. */
export const moveColumn = {
  /** To device 0 less to device 1. */
  difference: 0,
  to0: 1,
  to1: 2,
  /** The whole unit with its moves, on device 0 less on device 1. */
  unitDifference: 3,
} as const;
const width = 4;

/**
 * Differences are compressed by asinh. That takes 40 ns, four times as long as adding up the moves, and inputs are in few
 * distinct places. So the latest columns are cached for each unit and each pair of answers to "does anything move to
 * device 0? to device 1?", which nearly always determines them.
 */
export class InputMoves {
  readonly columns: Float32Array;
  /** The moves, ms, that `columns` were computed of: two for each `width` of them. */
  readonly #known: Float64Array;
  /** Inputs of unit u: `#inputs` from `#start[u]` to `#start[u + 1]`. */
  readonly #start: Uint32Array;
  readonly #inputs: Uint32Array;
  /** Per tensor and device, the whole tensor. */
  readonly #wholeMs: Float64Array;
  readonly #costs: CostTable;
  /** Per unit and device. */
  readonly #unitMs: Float64Array;
  readonly #scaleMs: number;
  readonly #otherwiseMs: number;

  /**
   * @param scaleMs the unit of differences
   * @param otherwiseMs instead of the time of a unit, with its moves, on a device that cannot run it
   */
  constructor({ units, tensors }: OperatorGraph, costs: CostTable, scaleMs: number, otherwiseMs: number) {
    this.#costs = costs;
    this.#scaleMs = scaleMs;
    this.#start = new Uint32Array(units.length + 1);
    for (const { id, inputs } of units) this.#start[id + 1] = this.#start[id]! + inputs.length;
    this.#inputs = Uint32Array.from(units.flatMap(({ inputs }) => inputs));
    this.#wholeMs = Float64Array.from({ length: 2 * tensors.length }, (_, i) => costs.transferMs(i >> 1, i & 1));
    this.#unitMs = Float64Array.from({ length: 2 * units.length }, (_, i) => wholeUnitMs(costs, i >> 1, i & 1));
    this.#otherwiseMs = otherwiseMs;
    this.columns = new Float32Array(4 * width * units.length);
    this.#known = new Float64Array(4 * 2 * units.length).fill(Number.NaN);
  }

  /**
   * Index in `columns` of the unit's columns, valid until the next call; inputs that are not computed yet do not count. Hot:
   * it returns an index, because returning a fractional number would allocate.
   */
  at(unit: number, state: HardwareState): number {
    let to0Ms = 0;
    let to1Ms = 0;
    const end = this.#start[unit + 1]!;
    for (let i = this.#start[unit]!; i < end; i++) {
      const tensor = this.#inputs[i]!;
      const on0 = state.held(tensor, 0);
      const on1 = state.held(tensor, 1);
      if (on0 + on1 <= 0) continue;
      if (on0 <= 0) to0Ms += this.#wholeMs[2 * tensor]!;
      else if (on0 < 1) to0Ms += this.#costs.transferMs(tensor, 0, 1 - on0);
      if (on1 <= 0) to1Ms += this.#wholeMs[2 * tensor + 1]!;
      else if (on1 < 1) to1Ms += this.#costs.transferMs(tensor, 1, 1 - on1);
    }
    const slot = 4 * unit + (to0Ms > 0 ? 2 : 0) + (to1Ms > 0 ? 1 : 0);
    const at = width * slot;
    const known = this.#known;
    if (known[2 * slot] === to0Ms && known[2 * slot + 1] === to1Ms) return at;
    known[2 * slot] = to0Ms;
    known[2 * slot + 1] = to1Ms;
    const { columns } = this;
    columns[at] = bounded(Math.asinh((to0Ms - to1Ms) / this.#scaleMs));
    columns[at + 1] = bounded(Math.asinh(to0Ms / this.#scaleMs));
    columns[at + 2] = bounded(Math.asinh(to1Ms / this.#scaleMs));
    const on0Ms = this.#unitMs[2 * unit]! + to0Ms;
    const on1Ms = this.#unitMs[2 * unit + 1]! + to1Ms;
    const finite0Ms = on0Ms < Number.POSITIVE_INFINITY ? on0Ms : this.#otherwiseMs;
    const finite1Ms = on1Ms < Number.POSITIVE_INFINITY ? on1Ms : this.#otherwiseMs;
    columns[at + 3] = bounded(Math.asinh((finite0Ms - finite1Ms) / this.#scaleMs));
    return at;
  }
}
