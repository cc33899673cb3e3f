// The default observation of SparOA/Share-v0: features of the unit and of the next few, the location of its inputs and the
// cost of moving them, the hardware's state, progress. Costs are estimates from a cost table; no planner's decision is
// included. It follows SparOA (arXiv 2511.19457), whose exact vector is not public: the design is ours.

import type { HardwareState } from '../../engine/executor.js';
import { type OperatorGraph, opClasses } from '../../models/graph.js';
import { type CostTable, wholeUnitMs } from '../../predictor/cost-table.js';
import { type InputMoves, moveColumn } from './input-moves.js';
import { bounded, type ObservationBlock } from './observation-block.js';
import { positionNames, writePosition } from './position-code.js';

/** Features of each unit in the window, standardised over the graph. */
export const unitFeatures = [
  'logMsOnDevice0',
  'logMsOnDevice1',
  'msDifference',
  'logMoveOutputsMs',
  'logFlops',
  'logIntensity',
  'activationSparsity',
] as const;
/** Features of the unit and of the next few, each with the cost of its moves on device 0 minus on device 1. */
export class UnitWindow implements ObservationBlock {
  readonly names: readonly string[];
  readonly #rows: Float64Array;
  readonly #units: number;
  readonly #moves: InputMoves;
  readonly #lookahead: number;

  constructor({ units }: OperatorGraph, rows: Float64Array, moves: InputMoves, lookahead: number) {
    this.#rows = rows;
    this.#units = units.length;
    this.#moves = moves;
    this.#lookahead = lookahead;
    const each = [...unitFeatures, 'moveInputsDifference'];
    this.names = Array.from({ length: lookahead + 1 }, (_, k) => each.map((name) => `unit+${k}.${name}`)).flat();
  }

  fixed(next: number, out: Float32Array, at: number): void {
    const width = unitFeatures.length;
    for (let k = 0; k <= this.#lookahead && next + k < this.#units; k++)
      out.set(this.#rows.subarray((next + k) * width, (next + k + 1) * width), at + k * (width + 1));
  }

  live(next: number, state: HardwareState, out: Float32Array, at: number): void {
    const width = unitFeatures.length;
    const moves = this.#moves;
    const count = Math.min(this.#lookahead + 1, this.#units - next);
    for (let k = 0; k < count; k++) out[at + k * (width + 1) + width] = moves.columns[moves.at(next + k, state)]!;
  }
}

/** One-hot. */
export function unitClass({ units }: OperatorGraph): ObservationBlock {
  return {
    names: opClasses.map((name) => `class.${name}`),
    fixed(next, out, at) {
      if (next < units.length) out[at + opClasses.indexOf(units[next]!.opClass)] = 1;
    },
  };
}

/** The cost of the unit's moves to each device, and the difference of the devices' times with them. */
export class UnitMoves implements ObservationBlock {
  readonly names = ['moveInputsTo0', 'moveInputsTo1', 'msDifferenceWithMoves'];
  readonly #units: number;
  readonly #moves: InputMoves;

  constructor(units: number, moves: InputMoves) {
    this.#units = units;
    this.#moves = moves;
  }

  live(next: number, state: HardwareState, out: Float32Array, at: number): void {
    if (next >= this.#units) return;
    const { columns } = this.#moves;
    const from = this.#moves.at(next, state);
    out[at] = columns[from + moveColumn.to0]!;
    out[at + 1] = columns[from + moveColumn.to1]!;
    out[at + 2] = columns[from + moveColumn.unitDifference]!;
  }
}

/** The clock and the devices' busy times, in units of the better single device's latency. */
export class HardwareLoad implements ObservationBlock {
  readonly names = ['elapsed', 'busyOnDevice0', 'busyOnDevice1'];
  readonly #referenceMs: number;

  constructor(referenceMs: number) {
    this.#referenceMs = referenceMs;
  }

  live(_next: number, state: HardwareState, out: Float32Array, at: number): void {
    out[at] = bounded(state.clockMs() / this.#referenceMs);
    out[at + 1] = bounded(state.busyMs(0) / this.#referenceMs);
    out[at + 2] = bounded(state.busyMs(1) / this.#referenceMs);
  }
}

export function progress(units: number): ObservationBlock {
  return {
    names: ['progress', ...positionNames],
    fixed(next, out, at) {
      out[at] = next / units;
      if (next < units) writePosition(next / units, out, at + 1);
    },
  };
}

/** Row-major units x unitFeatures. */
export function unitRows(
  { units }: OperatorGraph,
  costs: CostTable,
  scaleMs: number,
  referenceMs: number,
): Float64Array {
  return standardise(
    units.map(({ id, outputs, flops, intensity, activationSparsity }) => {
      const [on0Ms, on1Ms] = [0, 1].map((device) => finite(wholeUnitMs(costs, id, device), referenceMs)) as [
        number,
        number,
      ];
      let moveMs = 0;
      for (const tensor of outputs) moveMs += costs.transferMs(tensor, 0) + costs.transferMs(tensor, 1);
      return [
        Math.log(on0Ms / scaleMs + 1e-6),
        Math.log(on1Ms / scaleMs + 1e-6),
        // asinh: linear for small differences, logarithmic for large ones.
        Math.asinh((on0Ms - on1Ms) / scaleMs),
        Math.log(moveMs / scaleMs + 1e-6),
        Math.log1p(flops),
        Math.log1p(intensity),
        activationSparsity ?? 0,
      ];
    }),
  );
}

function finite(ms: number, otherwise: number): number {
  return Number.isFinite(ms) ? ms : otherwise;
}

/** Columns to mean 0 and standard deviation 1; constant columns to 0. */
function standardise(rows: readonly (readonly number[])[]): Float64Array {
  const width = rows[0]?.length ?? 0;
  const result = Float64Array.from(rows.flat());
  for (let f = 0; f < width; f++) {
    let mean = 0;
    for (const row of rows) mean += row[f]! / rows.length;
    let variance = 0;
    for (const row of rows) variance += (row[f]! - mean) ** 2 / rows.length;
    const deviation = Math.sqrt(variance);
    for (let r = 0; r < rows.length; r++) {
      result[r * width + f] = deviation > 1e-9 ? (result[r * width + f]! - mean) / deviation : 0;
    }
  }
  return result;
}
