// A sequence of states with the times at which they begin, drawn lazily and kept, so that every query about a moment of an
// episode gets the same answer.

export interface Change {
  readonly fromMs: number;
  readonly state: number;
}

export class Timeline {
  readonly #source: Iterator<Change, void>;
  readonly #fromMs: number[] = [];
  readonly #state: number[] = [];
  #ended = false;

  /** @param source ascending, the first at 0 ms; the last state never ends */
  constructor(source: Iterable<Change, void>) {
    this.#source = source[Symbol.iterator]();
  }

  stateAt(ms: number): number {
    return this.#state[this.#indexAt(ms)]!;
  }

  /** When the state at `ms` ends; Infinity if never. */
  changeAfter(ms: number): number {
    return this.#fromMs[this.#indexAt(ms) + 1] ?? Number.POSITIVE_INFINITY;
  }

  /** The last state that begins at `ms` or before; the next one is known then. */
  #indexAt(ms: number): number {
    while (!this.#ended && !(this.#fromMs.at(-1)! > ms)) this.#draw();
    let [low, high] = [0, this.#fromMs.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#fromMs[middle]! <= ms) low = middle;
      else high = middle;
    }
    return low;
  }

  #draw(): void {
    const next = this.#source.next();
    if (next.done) {
      this.#ended = true;
      return;
    }
    this.#fromMs.push(next.value.fromMs);
    this.#state.push(next.value.state);
  }
}
