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

  /** Writes the observation before unit `next`; past the last unit it is all zeros but for the progress. */
  write(next: number, state: HardwareState, out: Float32Array): void {
    out.fill(0);
    const count = this.#graph.units.length;
    const staticSize = staticFeatures.length;
    let at = 0;
    for (let k = 0; k <= this.#lookahead; k++) {
      const id = next + k;
      if (id < count) {
        for (let f = 0; f < staticSize; f++) out[at + f] = clip(this.#static[id * staticSize + f]!);
        const difference = this.#moveInputsMs(id, 0, state) - this.#moveInputsMs(id, 1, state);
        out[at + staticSize] = clip(Math.asinh(difference / this.#scaleMs));
      }
      at += windowFeatures.length;
    }
    const unit = this.#graph.units[next];
    if (unit) out[at + opClasses.indexOf(unit.opClass)] = 1;
    at += opClasses.length;
    if (unit) {
      const move0 = this.#moveInputsMs(next, 0, state);
      const move1 = this.#moveInputsMs(next, 1, state);
      out[at] = clip(Math.asinh(move0 / this.#scaleMs));
      out[at + 1] = clip(Math.asinh(move1 / this.#scaleMs));
      out[at + 2] = clip(this.#difference(this.#wholeMs[2 * next]! + move0, this.#wholeMs[2 * next + 1]! + move1));
    }
    out[at + 3] = clip(state.clockMs() / this.#referenceMs);
    out[at + 4] = clip(state.busyMs(0) / this.#referenceMs);
    out[at + 5] = clip(state.busyMs(1) / this.#referenceMs);
    out[at + 6] = next / count;
    at += currentFeatures.length;
    if (!unit) return;
    for (const frequency of positionFrequencies) {
      const angle = Math.PI * frequency * (next / count);
      out[at++] = Math.sin(angle);
      out[at++] = Math.cos(angle);
    }
  }

  /** Bringing to `device` what it lacks of the unit's inputs; inputs that are not computed yet do not count. */
  #moveInputsMs(id: number, device: number, state: HardwareState): number {
    let total = 0;
    const { inputs } = this.#graph.units[id]!;
    for (let i = 0; i < inputs.length; i++) {
      const tensor = inputs[i]!;
      const held = state.held(tensor, device);
      if (held < 1 && held + state.held(tensor, 1 - device) > 0)
        total += this.#costs.transferMs(tensor, device, 1 - held);
    }
    return total;
  }
}

function finite(ms: number, otherwise: number): number {
  return Number.isFinite(ms) ? ms : otherwise;
}

function clip(value: number): number {
  return Math.max(-bound, Math.min(bound, value));
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
