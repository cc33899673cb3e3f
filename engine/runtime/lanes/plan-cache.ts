// The most recently used compiled plans; they hold sessions, and therefore memory.

import type { LaneBuffer } from '../../segments/memory.js';
import type { Operation } from '../../segments/operations.js';
import type { Segment } from '../../segments/segments.js';
import type { LaneGroup } from './lane-group.js';

export interface Plan {
  readonly segments: readonly Segment[];
  /** Per segment, others that it waits for to keep to a memory budget. */
  readonly waits: readonly (readonly number[])[];
  /** Per lane. */
  readonly operations: readonly (readonly Operation[])[];
  readonly buffers: readonly LaneBuffer[];
  /** By how much the process's resident memory grew while the plan was loaded and first executed. */
  readonly growthBytes: number;
}

/** A least-recently-used cache; a plan that leaves it releases its sessions, unless another plan has them too. */
export class PlanCache<P extends Pick<Plan, 'segments' | 'waits'>> {
  readonly #lanes: LaneGroup;
  readonly #capacity: number;
  readonly #plans = new Map<string, P>();
  #generation = 0;

  constructor(lanes: LaneGroup, capacity: number) {
    this.#lanes = lanes;
    this.#capacity = capacity;
  }

  get(plan: Pick<Plan, 'segments' | 'waits'>): P | null {
    if (this.#generation !== this.#lanes.generation) {
      // A lane was replaced: no session of any plan is left.
      this.#plans.clear();
      this.#generation = this.#lanes.generation;
    }
    const key = keyOf(plan);
    const known = this.#plans.get(key);
    if (!known) return null;
    this.#plans.delete(key);
    this.#plans.set(key, known);
    return known;
  }

  /** Keeps a plan whose segments are loaded, and drops the one that was not used for longest. */
  add(plan: P): void {
    this.#plans.set(keyOf(plan), plan);
    for (const [key, { segments }] of this.#plans) {
      if (this.#plans.size <= this.#capacity) break;
      this.#plans.delete(key);
      this.#lanes.release(segments);
    }
  }
}

function keyOf({ segments, waits }: Pick<Plan, 'segments' | 'waits'>): string {
  return segments.map(({ key }, index) => `${key} after ${waits[index] ?? ''}`).join('|');
}
