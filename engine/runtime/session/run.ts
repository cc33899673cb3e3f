// An execution unit by unit in session mode, for environments. A session cannot stop between operators, so decisions are only
// collected, and the objective is an estimate from probed unit times, until the last decision executes the whole schedule.
import type { OperatorGraph } from '../../../models/graph.js';
import type { ExecutionError, HardwareState, Run } from '../../executor.js';
import { Schedule } from '../../schedule.js';
import type { Trace } from '../../trace.js';

export class SessionRun implements Run {
  readonly #graph: OperatorGraph;
  readonly #estimateMs: readonly (readonly [number, number])[];
  readonly #execute: (schedule: Schedule) => Trace | ExecutionError;
  readonly #order: number[] = [];
  readonly #share: Float32Array;
  readonly #busyMs = [0, 0];
  /** Per tensor and device, whether it is there. */
  readonly #held: Uint8Array;
  #clockMs = 0;
  #result: Trace | ExecutionError | null = null;

  constructor(
    graph: OperatorGraph,
    estimateMs: readonly (readonly [number, number])[],
    execute: (schedule: Schedule) => Trace | ExecutionError,
  ) {
    this.#graph = graph;
    this.#estimateMs = estimateMs;
    this.#execute = execute;
    this.#share = new Float32Array(graph.units.length);
    this.#held = Uint8Array.from({ length: 2 * graph.tensors.length }, (_, i) =>
      Number(i % 2 === 0 && graph.tensors[i >> 1]!.producer === null),
    );
  }

  /** An estimate until the last unit, which gives the measured makespan; NaN when that execution fails. */
  decide(unit: number, share: number): number {
    const device = share > 0 ? 1 : 0;
    const { inputs, outputs } = this.#graph.units[unit]!;
    this.#order.push(unit);
    this.#share[unit] = share;
    for (const tensor of inputs) this.#held[2 * tensor + device] = 1;
    for (const tensor of outputs) this.#held[2 * tensor + device] = 1;
    this.#busyMs[device]! += this.#estimateMs[unit]![device]!;
    this.#clockMs += this.#estimateMs[unit]![device]!;
    if (this.#order.length < this.#graph.units.length) return this.#clockMs;
    this.#result = this.#execute(Schedule.of(this.#graph, this.#share, { order: this.#order }));
    this.#clockMs = 'error' in this.#result ? Number.NaN : this.#result.makespanMs;
    return this.#clockMs;
  }

  readonly state: HardwareState = {
    clockMs: () => this.#clockMs,
    busyMs: (device) => this.#busyMs[device]!,
    held: (tensor, device) => this.#held[2 * tensor + device]!,
  };

  finish(): Trace | ExecutionError {
    return this.#result ?? { error: 'the execution ended before every unit was decided', unit: null, device: null };
  }
}
