// The happened-before relation of the events of several lanes (Lamport, "Time, Clocks, and the Ordering of Events", 1978): an
// event is after the earlier ones on its lane, the ones it waits for, and their predecessors. Two events without an order may
// happen at the same time.

/** Per lane, how many of its events are over: a vector clock. */
type Clock = Int32Array;

export class HappenedBefore {
  readonly #lanes: number;
  /** Of each event: its lane, its place there, and what is over when it begins. */
  readonly #events: { readonly lane: number; readonly place: number; readonly clock: Clock }[] = [];
  /** Per lane, what is over when its last event is. */
  readonly #last: Clock[];

  constructor(lanes: number) {
    this.#lanes = lanes;
    this.#last = Array.from({ length: lanes }, () => new Int32Array(lanes));
  }

  /** What would be over for a next event of the lane that waits for the ends of `after`, and the beginnings of `during`. */
  clock(lane: number, after: readonly number[], during: readonly number[] = []): Clock {
    const clock = this.#last[lane]!.slice();
    for (const event of [...after, ...during]) {
      const other = this.#events[event]!;
      for (let each = 0; each < this.#lanes; each++) clock[each] = Math.max(clock[each]!, other.clock[each]!);
    }
    for (const event of after) {
      const { lane: other, place } = this.#events[event]!;
      clock[other] = Math.max(clock[other]!, place + 1);
    }
    return clock;
  }

  /** The lane's next event; events are numbered from 0 in the order of these calls. */
  add(lane: number, after: readonly number[], during: readonly number[] = []): number {
    const clock = this.clock(lane, after, during);
    const place = this.#last[lane]![lane]!;
    this.#last[lane] = clock.slice();
    this.#last[lane]![lane] = place + 1;
    return this.#events.push({ lane, place, clock }) - 1;
  }

  over(event: number, clock: Clock): boolean {
    const { lane, place } = this.#events[event]!;
    return clock[lane]! > place;
  }

  /** Whether `a` is over for certain when `b` begins. */
  before(a: number, b: number): boolean {
    return this.over(a, this.#events[b]!.clock);
  }
}
