// What an agent sees before each decision of SparOA/Share-v0: features of the unit and of the next few, where its inputs
// lie and what moving them would cost, the hardware's state, progress. Costs are estimates from a cost table; nothing in
// here is a decision computed ahead. The observation after SparOA (arXiv 2511.19457), whose exact vector is not public:
// the design is ours.
import { type CostTable, wholeUnitMs } from '../../engine/device/cost-table.js';
import type { HardwareState } from '../../engine/executor.js';
import { type OperatorGraph, opClasses, type Unit } from '../../models/graph.js';

/** Of each unit in the window, standardised over the graph. */
const staticFeatures = [
  'logMsOnDevice0',
  'logMsOnDevice1',
  'msDifference',
  'logMoveOutputsMs',
  'logFlops',
  'logIntensity',
  'activationSparsity',
] as const;
/** Also of each unit in the window: cost of bringing its existing inputs to device 0 less that to device 1. */
const windowFeatures = [...staticFeatures, 'moveInputsDifference'] as const;
const currentFeatures = [
  'moveInputsTo0',
  'moveInputsTo1',
  'msDifferenceWithMoves',
  'elapsed',
  'busyOnDevice0',
  'busyOnDevice1',
  'progress',
] as const;
/** Progress as a positional code, so that a small network can tell neighbouring units apart. */
const positionFrequencies = [1, 2, 4, 8, 16, 32] as const;

const bound = 10;

export class ShareObservation {
  readonly size: number;
  /** One name per element, for reports and for users who select columns. */
  readonly names: readonly string[];
  readonly #graph: OperatorGraph;
  readonly #costs: CostTable;
  readonly #lookahead: number;
  /** Row-major units x staticFeatures. */
  readonly #static: Float64Array;
  readonly #wholeMs: Float64Array;
  readonly #referenceMs: number;
  /** Of the latest `#moveInputs`, for device 0 and 1. */
  readonly #movesMs = new Float64Array(2);
  /** A typical unit's time: what differences between devices are measured in. */
  readonly #scaleMs: number;

  /**
   * @param referenceMs latency of the better single device
   * @param lookahead how many units after the current one are described
   */
  constructor(graph: OperatorGraph, costs: CostTable, referenceMs: number, lookahead: number) {
    this.#graph = graph;
    this.#costs = costs;
    this.#lookahead = lookahead;
    this.#referenceMs = referenceMs;
    this.#scaleMs = referenceMs / graph.units.length;
    this.#wholeMs = Float64Array.from({ length: 2 * graph.units.length }, (_, i) => wholeUnitMs(costs, i >> 1, i & 1));
    this.#static = standardise(graph.units.map((unit) => this.#unitFeatures(unit)));
    this.names = [
      ...Array.from({ length: lookahead + 1 }, (_, k) => windowFeatures.map((name) => `unit+${k}.${name}`)).flat(),
      ...opClasses.map((name) => `class.${name}`),
      ...currentFeatures,
      ...positionFrequencies.flatMap((frequency) => [`sin${frequency}`, `cos${frequency}`]),
    ];
    this.size = this.names.length;
  }

  static readonly bound = bound;

  #unitFeatures(unit: Unit): number[] {
    const on0 = this.#wholeMs[2 * unit.id]!;
    const on1 = this.#wholeMs[2 * unit.id + 1]!;
    let moveMs = 0;
    for (const tensor of unit.outputs) moveMs += this.#costs.transferMs(tensor, 0) + this.#costs.transferMs(tensor, 1);
    return [
      Math.log(finite(on0, this.#referenceMs) / this.#scaleMs + 1e-6),
      Math.log(finite(on1, this.#referenceMs) / this.#scaleMs + 1e-6),
      this.#difference(on0, on1),
      Math.log(moveMs / this.#scaleMs + 1e-6),
      Math.log1p(unit.flops),
      Math.log1p(unit.intensity),
      unit.activationSparsity ?? 0,
    ];
  }

  /** Signed and compressed: small differences keep their size, large ones their sign. */
  #difference(on0: number, on1: number): number {
    return Math.asinh((finite(on0, this.#referenceMs) - finite(on1, this.#referenceMs)) / this.#scaleMs);
  }

  /**
   * Writes the observation before unit `next`; past the last unit it is all zeros but for the progress. The hot path of
   * every step: numbers that a call returns would be allocated, so calls leave theirs in `#movesMs`.
   */
  write(next: number, state: HardwareState, out: Float32Array): void {
    out.fill(0);
    const count = this.#graph.units.length;
    const staticSize = staticFeatures.length;
    const movesMs = this.#movesMs;
    let at = 0;
    for (let k = 0; k <= this.#lookahead; k++) {
      const id = next + k;
      if (id < count) {
        for (let f = 0; f < staticSize; f++) out[at + f] = this.#static[id * staticSize + f]!;
        this.#moveInputs(id, state);
        out[at + staticSize] = Math.asinh((movesMs[0]! - movesMs[1]!) / this.#scaleMs);
      }
      at += windowFeatures.length;
    }
    const unit = this.#graph.units[next];
    if (unit) {
      out[at + opClasses.indexOf(unit.opClass)] = 1;
      at += opClasses.length;
      this.#moveInputs(next, state);
      out[at] = Math.asinh(movesMs[0]! / this.#scaleMs);
      out[at + 1] = Math.asinh(movesMs[1]! / this.#scaleMs);
      const on0 = this.#wholeMs[2 * next]! + movesMs[0]!;
      const on1 = this.#wholeMs[2 * next + 1]! + movesMs[1]!;
      const finite0 = on0 < Number.POSITIVE_INFINITY ? on0 : this.#referenceMs;
      const finite1 = on1 < Number.POSITIVE_INFINITY ? on1 : this.#referenceMs;
      out[at + 2] = Math.asinh((finite0 - finite1) / this.#scaleMs);
    } else at += opClasses.length;
    out[at + 3] = state.clockMs() / this.#referenceMs;
    out[at + 4] = state.busyMs(0) / this.#referenceMs;
    out[at + 5] = state.busyMs(1) / this.#referenceMs;
    out[at + 6] = next / count;
    at += currentFeatures.length;
    const positions = unit ? positionFrequencies.length : 0;
    for (let p = 0; p < positions; p++) {
      const angle = Math.PI * positionFrequencies[p]! * (next / count);
      out[at++] = Math.sin(angle);
      out[at++] = Math.cos(angle);
    }
    for (let i = 0; i < out.length; i++) out[i] = Math.max(-bound, Math.min(bound, out[i]!));
  }

  /**
   * Bringing to each device what it lacks of the unit's inputs, into `#movesMs`; inputs that are not computed yet do not
   * count.
   */
  #moveInputs(id: number, state: HardwareState): void {
    const movesMs = this.#movesMs;
    movesMs[0] = 0;
    movesMs[1] = 0;
    const { inputs } = this.#graph.units[id]!;
    for (let i = 0; i < inputs.length; i++) {
      const tensor = inputs[i]!;
      const on0 = state.held(tensor, 0);
      const on1 = state.held(tensor, 1);
      if (on0 + on1 <= 0) continue;
      if (on0 < 1) movesMs[0]! += this.#costs.transferMs(tensor, 0, 1 - on0);
      if (on1 < 1) movesMs[1]! += this.#costs.transferMs(tensor, 1, 1 - on1);
    }
  }
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
