// A ring of transitions in flat arrays. Adding and sampling allocate nothing.
import type { Rng } from '../base/random/rng.js';

/** Where a sampled batch goes: row-major arrays of one row per transition. */
export interface BatchTarget {
  readonly observation: Float32Array;
  readonly action: Float32Array;
  readonly reward: Float32Array;
  readonly nextObservation: Float32Array;
  /** 0 where the episode terminated with the transition, else 1. */
  readonly continues: Float32Array;
}

export class ReplayBuffer {
  readonly capacity: number;
  readonly #observationSize: number;
  readonly #actionSize: number;
  readonly #rows: BatchTarget;
  #length = 0;
  /** Where the next transition goes. */
  #next = 0;

  constructor(capacity: number, observationSize: number, actionSize: number) {
    this.capacity = capacity;
    this.#observationSize = observationSize;
    this.#actionSize = actionSize;
    this.#rows = {
      observation: new Float32Array(capacity * observationSize),
      action: new Float32Array(capacity * actionSize),
      reward: new Float32Array(capacity),
      nextObservation: new Float32Array(capacity * observationSize),
      continues: new Float32Array(capacity),
    };
  }

  /** Transitions held. */
  get length(): number {
    return this.#length;
  }

  /** Adds a transition, over the oldest when full. */
  add(
    observation: Float32Array,
    action: Float32Array,
    reward: number,
    nextObservation: Float32Array,
    terminated: boolean,
  ): void {
    const row = this.#next;
    this.#rows.observation.set(observation, row * this.#observationSize);
    this.#rows.action.set(action, row * this.#actionSize);
    this.#rows.reward[row] = reward;
    this.#rows.nextObservation.set(nextObservation, row * this.#observationSize);
    this.#rows.continues[row] = terminated ? 0 : 1;
    this.#next = (row + 1) % this.capacity;
    this.#length = Math.max(this.#length, row + 1);
  }

  /** Fills `target` with transitions drawn uniformly, with replacement; as many as `target.reward` has places. */
  sampleInto(target: BatchTarget, random: Rng): void {
    const { observation, action, reward, nextObservation, continues } = this.#rows;
    for (let i = 0; i < target.reward.length; i++) {
      const row = random.integer(this.#length);
      copyRow(observation, row, target.observation, i, this.#observationSize);
      copyRow(action, row, target.action, i, this.#actionSize);
      target.reward[i] = reward[row]!;
      copyRow(nextObservation, row, target.nextObservation, i, this.#observationSize);
      target.continues[i] = continues[row]!;
    }
  }

  /** A copy of the filled part, and where the next transition goes. */
  save(): { readonly next: number; readonly rows: BatchTarget } {
    const { observation, action, reward, nextObservation, continues } = this.#rows;
    return {
      next: this.#next,
      rows: {
        observation: observation.slice(0, this.#length * this.#observationSize),
        action: action.slice(0, this.#length * this.#actionSize),
        reward: reward.slice(0, this.#length),
        nextObservation: nextObservation.slice(0, this.#length * this.#observationSize),
        continues: continues.slice(0, this.#length),
      },
    };
  }

  /** Puts back what `save` gave; sizes are the caller's to check. */
  load({ next, rows }: { readonly next: number; readonly rows: BatchTarget }): void {
    this.#length = rows.reward.length;
    this.#next = next;
    for (const [name, array] of Object.entries(rows)) this.#rows[name as keyof BatchTarget].set(array);
  }
}

/** A loop, as `set(subarray(...))` would allocate a view per row. */
function copyRow(from: Float32Array, fromRow: number, to: Float32Array, toRow: number, size: number): void {
  const source = fromRow * size;
  const target = toRow * size;
  for (let k = 0; k < size; k++) to[target + k] = from[source + k]!;
}
