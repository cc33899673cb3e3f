// Compiled plans, the most recently used of them: what holds sessions, and therefore memory.
import type { ExecutionError } from '../../executor.js';
import type { LaneGroup } from './lane-group.js';
import type { Segment } from './program.js';
import type { Operation } from './protocol.js';

export interface Plan {
  readonly segments: readonly Segment[];
  /** Per lane. */
  readonly operations: readonly (readonly Operation[])[];
}

/** A least-recently-used cache; a plan that leaves it releases its sessions, unless another plan has them too. */
export class PlanCache {
  readonly #lanes: LaneGroup;
  readonly #capacity: number;
  readonly #plans = new Map<string, Plan>();
  #generation = 0;

  constructor(lanes: LaneGroup, capacity: number) {
    this.#lanes = lanes;
    this.#capacity = capacity;
  }

  get(segments: readonly Segment[]): Plan | null {
    if (this.#generation !== this.#lanes.generation) {
      // A lane was replaced: no session of any plan is left.
      this.#plans.clear();
      this.#generation = this.#lanes.generation;
    }
    const key = keyOf(segments);
    const plan = this.#plans.get(key);
    if (!plan) return null;
    this.#plans.delete(key);
    this.#plans.set(key, plan);
    return plan;
  }

  /** Keeps a plan whose segments `load` loads; nothing is kept when that fails. */
  add(plan: Plan, load: () => ExecutionError | null): ExecutionError | null {
    const failure = load();
    if (failure) return failure;
    this.#plans.set(keyOf(plan.segments), plan);
    for (const oldest of this.#plans.values()) {
      if (this.#plans.size <= this.#capacity) break;
      this.remove(oldest);
    }
    return null;
  }

  remove(plan: Plan): void {
    if (this.#plans.delete(keyOf(plan.segments))) this.#lanes.release(plan.segments);
  }
}

function keyOf(segments: readonly Segment[]): string {
  return segments.map(({ key }) => key).join('|');
}
