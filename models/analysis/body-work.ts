// The work of a body, added up over its executions.
import type { Measured } from './measure.js';
import type { CostedNode, Weight } from './nodes.js';

/** What the bodies of a node compute in one execution of it. */
export interface BodyWork {
  readonly macs: number;
  readonly flops: number;
  /** What the operators in them read and write, weights left out. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly weightBytesRead: number;
  /** Each once, under names that cannot meet those of the graph. */
  readonly weights: readonly Weight[];
  /** Operators in them whose work nobody counts. */
  readonly uncounted: readonly string[];
}

/** The work of the bodies of a graph's nodes; a sentence where it cannot be measured. */
export type BodiesOf = ReadonlyMap<object, BodyWork | string>;

const sums = ['macs', 'flops', 'bytesRead', 'bytesWritten', 'weightBytesRead'] as const;
type Sums = Record<(typeof sums)[number], number>;

const none = (): Sums => ({ macs: 0, flops: 0, bytesRead: 0, bytesWritten: 0, weightBytesRead: 0 });

export class BodyTally {
  readonly #prefix: string;
  readonly #total = none();
  readonly #weights = new Map<string, Weight>();
  readonly #uncounted = new Set<string>();
  #last = none();

  /** @param prefix of the names of the body's own weights */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** One execution. @param own names of the body's own constants */
  add(nodes: readonly CostedNode[], measured: ReadonlyMap<string, Measured>, own: ReadonlySet<string>): void {
    this.#last = none();
    const bytesOf = (names: readonly string[]): number =>
      names.reduce((sum, name) => sum + (measured.get(name)?.bytes ?? 0), 0);
    for (const { macs, flops, weightBytesRead, bodies, reads, writes, weights, uncounted } of nodes) {
      this.#last.macs += macs;
      this.#last.flops += flops;
      this.#last.weightBytesRead += weightBytesRead;
      this.#last.bytesRead += bodies?.bytesRead ?? bytesOf(reads);
      this.#last.bytesWritten += bodies?.bytesWritten ?? bytesOf(writes);
      for (const weight of weights) {
        const name = own.has(weight.name) ? `${this.#prefix}${weight.name}` : weight.name;
        this.#weights.set(name, { ...weight, name });
      }
      for (const operator of uncounted) this.#uncounted.add(operator);
    }
    this.repeat(1);
  }

  /** So many executions more that do what the last one did. */
  repeat(times: number): void {
    for (const key of sums) this.#total[key] += times * this.#last[key];
  }

  work(): BodyWork {
    return { ...this.#total, weights: [...this.#weights.values()], uncounted: [...this.#uncounted] };
  }
}
