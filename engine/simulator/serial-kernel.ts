// Serial execution as a transition on one row of numbers: one unit at a time, synchronous launches, no contention.
// The whole state of an execution is the row, so a fork is a row copy and a snapshot is the row as JSON. `decide` is the
// hot path of every environment: typed arrays, no allocation.

import type { OperatorGraph } from '../../models/graph.js';
import { fractionSlack, readLaw, readLine } from '../../models/parts/channels.js';
import { type CostTable, wholeUnitMs } from '../../predictor/cost-table.js';
import type { EventKind } from '../trace.js';

/**
 * Offsets of the scalars at the start of a row; per-tensor fractions held by device 0, then by device 1, follow. Device 0
 * holds the first channels of a tensor, device 1 the last: that is what parts of units write, and what they read.
 */
export const row = { clockMs: 0, busyMs: 1, movingMs: 3, scalars: 4 } as const;

/** Receives each event of a decision, [from, to) being a part of the channels; environments pass none. */
export type EventSink = (
  kind: EventKind,
  device: number,
  unit: number,
  startMs: number,
  endMs: number,
  from: number,
  to: number,
  tensor?: number,
) => void;

export class SerialKernel {
  readonly rowLength: number;
  readonly #costs: CostTable;
  readonly #tensorCount: number;
  /** Per unit and device: launch + kernel + synchronisation of the whole unit, ms. */
  readonly #wholeMs: Float64Array;
  /** Per tensor and destination, the whole tensor, ms. */
  readonly #moveMs: Float64Array;
  /** Tensor lists in compressed rows: those of unit u are at [start[u], start[u + 1]). */
  readonly #inputs: Compressed;
  /** For each of `#inputs.items`, the line that a part reads by: its slope, and its intercepts on device 0 and 1. */
  readonly #reads: Float64Array;
  readonly #outputs: Compressed;
  readonly #isGraphOutput: Uint8Array;
  readonly #graphInputs: readonly number[];

  constructor(graph: OperatorGraph, costs: CostTable) {
    const { units, tensors } = graph;
    this.#costs = costs;
    this.#tensorCount = tensors.length;
    this.rowLength = row.scalars + 2 * tensors.length;
    this.#wholeMs = Float64Array.from({ length: 2 * units.length }, (_, i) => wholeUnitMs(costs, i >> 1, i & 1));
    this.#moveMs = Float64Array.from({ length: 2 * tensors.length }, (_, i) => costs.transferMs(i >> 1, i & 1));
    this.#inputs = compress(units.map((unit) => unit.inputs));
    this.#reads = Float64Array.from(
      units.flatMap(({ id, inputs }) =>
        inputs.flatMap((tensor) => {
          const law = readLaw(graph, id, tensor);
          return [law.slope, readLine(law, 0).intercept, readLine(law, 1).intercept];
        }),
      ),
    );
    this.#outputs = compress(units.map((unit) => unit.outputs));
    this.#isGraphOutput = Uint8Array.from(tensors, (tensor) => Number(tensor.graphOutput));
    this.#graphInputs = tensors.filter((tensor) => tensor.producer === null).map((tensor) => tensor.id);
  }

  /** The start of an inference: graph inputs lie on device 0, nothing else exists. */
  reset(state: Float64Array): void {
    state.fill(0);
    for (const tensor of this.#graphInputs) state[row.scalars + tensor] = 1;
  }

  /** Fraction of `tensor` that `device` holds. */
  held(state: Float64Array, tensor: number, device: number): number {
    return state[row.scalars + device * this.#tensorCount + tensor]!;
  }

  /** Time to bring to `device` what it lacks of the unit's inputs. */
  inputsMoveMs(state: Float64Array, unit: number, device: number): number {
    const { start, items } = this.#inputs;
    let total = 0;
    for (let i = start[unit]!; i < start[unit + 1]!; i++) total += this.#missingMs(state, items[i]!, device, 1);
    return total;
  }

  /** Time of the whole unit on `device`, launch and synchronisation included, its inputs being there. */
  unitMs(unit: number, device: number): number {
    return this.#wholeMs[2 * unit + device]!;
  }

  /** `advance`; returns the clock after it. */
  decide(state: Float64Array, unit: number, share: number, sink: EventSink | null = null): number {
    this.advance(state, unit, share, sink);
    return state[row.clockMs]!;
  }

  /**
   * Executes `unit` with `share` of it on device 1. Units come in topological order. Returns nothing: it is too large to be
   * inlined, and a number with a fraction that a call returns is allocated.
   */
  advance(state: Float64Array, unit: number, share: number, sink: EventSink | null): void {
    const { start, items } = this.#inputs;
    for (let i = start[unit]!; i < start[unit + 1]!; i++) {
      if (share < 1) this.#move(state, items[i]!, 0, this.#read(i, 0, 1 - share), unit, sink);
      if (share > 0) this.#move(state, items[i]!, 1, this.#read(i, 1, share), unit, sink);
    }
    this.#compute(state, unit, share, sink);
    const outputs = this.#outputs;
    for (let i = outputs.start[unit]!; i < outputs.start[unit + 1]!; i++) {
      const tensor = outputs.items[i]!;
      state[row.scalars + tensor] = 1 - share;
      state[row.scalars + this.#tensorCount + tensor] = share;
      // Graph outputs end on device 0: returned at once, which in a serial world costs the same as returning them last.
      if (this.#isGraphOutput[tensor] === 1) this.#move(state, tensor, 0, 1, unit, sink);
    }
  }

  /** Fraction of input `i` that the device's part of so much of its unit reads. */
  #read(i: number, device: number, part: number): number {
    if (part === 1) return 1;
    return Math.min(1, Math.max(0, this.#reads[3 * i]! * part + this.#reads[3 * i + 1 + device]!));
  }

  /** Time to bring to device `to` what it lacks of the fraction `needed` of a tensor. */
  #missingMs(state: Float64Array, tensor: number, to: number, needed: number): number {
    const missing = needed - state[row.scalars + to * this.#tensorCount + tensor]!;
    if (missing <= fractionSlack) return 0;
    return missing === 1 ? this.#moveMs[2 * tensor + to]! : this.#costs.transferMs(tensor, to, missing);
  }

  #move(state: Float64Array, tensor: number, to: number, needed: number, unit: number, sink: EventSink | null): void {
    const at = row.scalars + to * this.#tensorCount + tensor;
    const held = state[at]!;
    if (held >= needed - fractionSlack) return;
    const durationMs = this.#missingMs(state, tensor, to, needed);
    const startMs = state[row.clockMs]!;
    state[row.clockMs] = startMs + durationMs;
    state[row.movingMs]! += durationMs;
    state[at] = needed;
    if (sink === null) return;
    const endMs = startMs + durationMs;
    sink('copy', to, unit, startMs, endMs, to === 0 ? held : 1 - needed, to === 0 ? needed : 1 - held, tensor);
  }

  #compute(state: Float64Array, unit: number, share: number, sink: EventSink | null): void {
    const startMs = state[row.clockMs]!;
    let endMs: number;
    if (sink === null && (share === 0 || share === 1)) {
      const wholeMs = this.#wholeMs[2 * unit + share]!;
      state[row.busyMs + share]! += wholeMs;
      state[row.clockMs] = startMs + wholeMs;
      return;
    }
    // The host launches device 1 first, then works on its own part, then waits for the other.
    const costs = this.#costs;
    const kernel0Ms = share < 1 ? costs.unitMs(unit, 0, 1 - share) : 0;
    const kernel1Ms = share > 0 ? costs.unitMs(unit, 1, share) : 0;
    const launch0Ms = share < 1 ? costs.launchMs(0) : 0;
    const launch1Ms = share > 0 ? costs.launchMs(1) : 0;
    const syncMs = share > 0 ? costs.syncMs : 0;
    const computeMs = Math.max(launch0Ms + kernel0Ms, kernel1Ms);
    if (share === 0 || share === 1) endMs = startMs + this.#wholeMs[2 * unit + share]!;
    else endMs = startMs + (launch1Ms + computeMs + syncMs);
    state[row.busyMs]! += share < 1 ? launch0Ms + kernel0Ms : 0;
    state[row.busyMs + 1]! += share > 0 ? launch1Ms + kernel1Ms + syncMs : 0;
    state[row.clockMs] = endMs;
    if (sink === null) return;
    const launchedMs = startMs + launch1Ms;
    if (launch1Ms > 0) sink('launch', 0, unit, startMs, launchedMs, 0, 1);
    if (launch0Ms > 0) sink('launch', 0, unit, launchedMs, launchedMs + launch0Ms, 0, 1);
    if (share < 1) sink('compute', 0, unit, launchedMs + launch0Ms, launchedMs + launch0Ms + kernel0Ms, 0, 1 - share);
    if (share > 0) sink('compute', 1, unit, launchedMs, launchedMs + kernel1Ms, 1 - share, 1);
    if (syncMs > 0) sink('sync', 0, unit, launchedMs + computeMs, endMs, 0, 1);
  }
}

interface Compressed {
  readonly start: Uint32Array;
  readonly items: Uint32Array;
}

function compress(lists: readonly (readonly number[])[]): Compressed {
  const start = new Uint32Array(lists.length + 1);
  lists.forEach((list, i) => {
    start[i + 1] = start[i]! + list.length;
  });
  return { start, items: Uint32Array.from(lists.flat()) };
}
