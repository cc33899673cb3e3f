// The steps between two rounds of updates, in flat arrays that grow as needed: what was seen, what was played, and with
// which probability.
import type { RolloutValues } from './advantages.js';
import type { PpoInput } from './step.js';

type Column = Float32Array | Int32Array | Uint8Array;

/** Numbers per step in each array. */
export interface RolloutWidths {
  readonly observation: number;
  readonly action: number;
  /** 0 where nothing is ever forbidden. */
  readonly allowed: number;
}

export interface RolloutRows extends RolloutValues {
  readonly observation: Float32Array;
  /** As the update step takes it. */
  readonly action: Float32Array;
  readonly allowed: Uint8Array;
  readonly logProbability: Float32Array;
}

/** What an agent decided, and on what. */
export interface Decision {
  readonly observation: Float32Array;
  readonly action: Float32Array;
  readonly allowed: Uint8Array;
  logProbability: number;
  value: number;
}

export class Rollout {
  readonly widths: RolloutWidths;
  #rows: RolloutRows;
  #capacity: number;
  #length = 0;

  constructor(widths: RolloutWidths, capacity: number) {
    this.widths = widths;
    this.#capacity = capacity;
    this.#rows = emptyRows(widths, capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** The first `length` steps of each array are filled. */
  get rows(): RolloutRows {
    return this.#rows;
  }

  /** Adds a step; the index that it got. `lastValue` is filled in later, where it is needed. */
  add(
    { observation, action, allowed, logProbability, value }: Decision,
    step: { readonly env: number; readonly reward: number; readonly terminated: boolean; readonly truncated: boolean },
  ): number {
    if (this.#length === this.#capacity) this.#grow();
    const at = this.#length++;
    const { widths } = this;
    const rows = this.#rows;
    rows.observation.set(observation, at * widths.observation);
    rows.action.set(action, at * widths.action);
    rows.allowed.set(allowed, at * widths.allowed);
    rows.logProbability[at] = logProbability;
    rows.value[at] = value;
    rows.env[at] = step.env;
    rows.reward[at] = step.reward;
    rows.terminated[at] = step.terminated ? 1 : 0;
    rows.truncated[at] = step.truncated ? 1 : 0;
    return at;
  }

  clear(): void {
    this.#length = 0;
  }

  /** The filled part, as arrays of a checkpoint. */
  save(): Record<string, Float32Array> {
    return Object.fromEntries(
      Object.entries(this.#rows).map(([name, array]) => [
        name,
        Float32Array.from(array.subarray(0, this.#length * this.#width(name))),
      ]),
    );
  }

  load(arrays: Readonly<Record<string, Float32Array>>): void {
    const { length } = arrays.reward!;
    while (this.#capacity < length) this.#grow();
    for (const [name, array] of Object.entries(this.#rows)) array.set(arrays[name]!);
    this.#length = length;
  }

  #width(name: string): number {
    return this.widths[name as keyof RolloutWidths] ?? 1;
  }

  #grow(): void {
    const grown = emptyRows(this.widths, 2 * this.#capacity);
    for (const [name, array] of Object.entries(grown) as [keyof RolloutRows, Column][]) array.set(this.#rows[name]);
    this.#rows = grown;
    this.#capacity *= 2;
  }
}

function emptyRows({ observation, action, allowed }: RolloutWidths, capacity: number): RolloutRows {
  return {
    observation: new Float32Array(capacity * observation),
    action: new Float32Array(capacity * action),
    allowed: new Uint8Array(capacity * allowed),
    logProbability: new Float32Array(capacity),
    value: new Float32Array(capacity),
    lastValue: new Float32Array(capacity),
    env: new Int32Array(capacity),
    reward: new Float32Array(capacity),
    terminated: new Uint8Array(capacity),
    truncated: new Uint8Array(capacity),
  };
}

/** Writes the batch of the steps `order[from ...]` into the update step's inputs; advantages are normalised within it. */
export function fillBatch(
  inputs: Readonly<Record<PpoInput, Float32Array>>,
  { rows, widths }: Rollout,
  order: readonly number[],
  from: number,
  advantages: Float32Array,
  batchSize: number,
): void {
  let sum = 0;
  let squares = 0;
  for (let b = 0; b < batchSize; b++) {
    const advantage = advantages[order[from + b]!]!;
    sum += advantage;
    squares += advantage * advantage;
  }
  const mean = sum / batchSize;
  const deviation = Math.sqrt(Math.max(0, squares / batchSize - mean * mean)) + 1e-8;
  for (let b = 0; b < batchSize; b++) {
    const t = order[from + b]!;
    copyRow(rows.observation, t, inputs.observation, b, widths.observation);
    copyRow(rows.action, t, inputs.action, b, widths.action);
    if (widths.allowed > 0) copyRow(rows.allowed, t, inputs.allowed, b, widths.allowed);
    inputs.logProbability[b] = rows.logProbability[t]!;
    inputs.return[b] = advantages[t]! + rows.value[t]!;
    inputs.advantage[b] = batchSize > 1 ? (advantages[t]! - mean) / deviation : advantages[t]!;
  }
}

function copyRow(from: Float32Array | Uint8Array, row: number, to: Float32Array, at: number, width: number): void {
  for (let i = 0; i < width; i++) to[at * width + i] = from[row * width + i]!;
}
