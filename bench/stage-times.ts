// How fast a schedule is on a machine that others disturb: of many executions the least time of each stage, added up. A
// stage of some milliseconds finds an undisturbed moment sooner than a whole network does.
import { stagesOf } from '../agents/baselines/stages.js';
import type { Trace } from '../engine/trace.js';
import type { OperatorGraph } from '../models/graph.js';

export class StageTimes {
  readonly #stageOf: Int32Array;
  readonly #leastMs: Float64Array;
  readonly #endMs: Float64Array;

  constructor(graph: OperatorGraph) {
    const stages = stagesOf(graph);
    this.#stageOf = new Int32Array(graph.units.length);
    for (const [index, stage] of stages.entries()) for (const unit of stage) this.#stageOf[unit] = index;
    this.#leastMs = new Float64Array(stages.length).fill(Number.POSITIVE_INFINITY);
    this.#endMs = new Float64Array(stages.length);
  }

  /** A segment of several stages counts as the last of them. */
  add({ events, makespanMs }: Trace): void {
    this.#endMs.fill(0);
    for (const { kind, units, endMs } of events) {
      if (kind !== 'compute') continue;
      for (const unit of units) this.#endMs[this.#stageOf[unit]!] = Math.max(this.#endMs[this.#stageOf[unit]!]!, endMs);
    }
    this.#endMs[this.#endMs.length - 1] = makespanMs;
    let beforeMs = 0;
    for (const [stage, endMs] of this.#endMs.entries()) {
      this.#leastMs[stage] = Math.min(this.#leastMs[stage]!, Math.max(0, endMs - beforeMs));
      beforeMs = Math.max(beforeMs, endMs);
    }
  }

  /** Infinite without an execution. */
  leastMs(): number {
    return this.#leastMs.reduce((sum, ms) => sum + ms, 0);
  }
}
