// A run whose state is its list of decisions. A decision appends a unit to the schedule so far, which is played from the start
// as if no unit followed, because a later unit may change the times of earlier ones. So a snapshot holds only the decisions,
// and a fork replays those of its origin.
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions } from '../conditions.js';
import type { ExecutionError, HardwareState, Run, RunState } from '../executor.js';
import { checkShare, Schedule } from '../schedule.js';
import type { Timeline, Trace } from '../trace.js';

/** Units decided so far in order; share and lane by unit, of others without meaning. */
export interface Decided {
  readonly order: readonly number[];
  readonly share: Float32Array;
  readonly lane: Uint8Array;
}

/** Plays the schedule so far under conditions; its state is that of the last playback. */
export interface Playback extends HardwareState {
  /**
   * Takes a unit that is about to be decided.
   * @throws InputError when the device has not the lane
   */
  append?(unit: number, share: number, lane: number): void;
  /** From the start, graph outputs returned to device 0; an error where that cannot be done, which later units do not mend. */
  play(): ExecutionError | null;
  /** The events of the last playback. */
  execution(): Pick<Trace, 'resolution' | 'profileHash' | 'lanes' | 'makespanMs' | 'energyMj' | 'memory' | 'events'>;
}

/** @throws InputError when the conditions make no sense. */
export type PlaybackOf = (conditions: Conditions, decided: Decided) => Playback;

export class ReplayedRun implements Run {
  readonly #graph: OperatorGraph;
  readonly #playbackOf: PlaybackOf;
  readonly #share: Float32Array;
  readonly #lane: Uint8Array;
  #order: number[] = [];
  #conditions: Conditions;
  #playback: Playback;
  #failure: ExecutionError | null = null;

  /** @throws InputError as `playbackOf` does */
  constructor(graph: OperatorGraph, playbackOf: PlaybackOf, conditions: Conditions) {
    this.#graph = graph;
    this.#playbackOf = playbackOf;
    this.#share = new Float32Array(graph.units.length);
    this.#lane = new Uint8Array(graph.units.length);
    this.#conditions = conditions;
    this.#playback = this.#begin(conditions, this.#order);
  }

  #begin(conditions: Conditions, order: readonly number[]): Playback {
    return this.#playbackOf(conditions, { order, share: this.#share, lane: this.#lane });
  }

  /** @throws InputError as the constructor does */
  restart(conditions: Conditions): void {
    const order: number[] = [];
    this.#playback = this.#begin(conditions, order);
    this.#conditions = conditions;
    this.#order = order;
    this.#failure = null;
  }

  snapshot(): RunState {
    const order = [...this.#order];
    const of = (values: ArrayLike<number>): number[] => order.map((unit) => values[unit]!);
    return { conditions: { ...this.#conditions }, order, shares: of(this.#share), lanes: of(this.#lane), row: [] };
  }

  restore({ conditions, order, shares, lanes }: RunState): void {
    this.restart({ ...conditions });
    order.forEach((unit, i) => {
      this.#append(unit, shares[i]!, lanes[i]!);
    });
    if (order.length > 0) this.#play();
  }

  forks(count: number): ReplayedRun[] {
    const state = this.snapshot();
    return Array.from({ length: count }, () => {
      const copy = new ReplayedRun(this.#graph, this.#playbackOf, this.#conditions);
      copy.restore(state);
      return copy;
    });
  }

  /** @throws InputError when the unit cannot have the share, or the device has not the lane. */
  decide(unit: number, share: number, lane = 0): number {
    this.#append(unit, share, lane);
    return this.#play();
  }

  /**
   * All decisions of a schedule, played once.
   * @throws InputError when a device has not the lane
   */
  run({ order, share, lane }: Schedule): Trace | ExecutionError {
    for (const unit of order) this.#append(unit, share[unit]!, lane[unit]!);
    this.#play();
    return this.finish();
  }

  #append(unit: number, exactShare: number, lane: number): void {
    // As schedules hold it: what rounds to a whole is one.
    const share = Math.fround(exactShare);
    checkShare(this.#graph.units[unit]!, share);
    this.#playback.append?.(unit, share, lane);
    this.#share[unit] = share;
    this.#lane[unit] = lane;
    this.#order.push(unit);
  }

  #play(): number {
    this.#failure ??= this.#playback.play();
    return this.#failure ? Number.NaN : this.#playback.clockMs();
  }

  readonly state: HardwareState = {
    clockMs: () => this.#playback.clockMs(),
    busyMs: (device) => this.#playback.busyMs(device),
    held: (tensor, device) => this.#playback.held(tensor, device),
  };

  finish(): Trace | ExecutionError {
    if (this.#failure) return this.#failure;
    const schedule = Schedule.of(this.#graph, this.#share, { order: this.#order, lane: this.#lane });
    return { ...this.#header(), ...this.#playback.execution(), schedule };
  }

  timeline(): Timeline {
    const { memory: _, ...execution } = this.#playback.execution();
    return { ...this.#header(), ...execution };
  }

  #header() {
    return {
      version: 1,
      kind: 'simulated',
      graphHash: this.#graph.hash,
      conditions: this.#conditions,
    } as const;
  }
}
