// An observation consists of blocks of columns. Columns that depend on the unit alone are computed once for every unit. A
// step copies them and lets each block add the columns that depend on the execution.
import type { HardwareState } from '../../engine/executor.js';
import type { Info } from '../gym/env.js';

/** Columns that belong together. Writers get `at`, the index of their first column. */
export interface ObservationBlock {
  /** One for each column. */
  readonly names: readonly string[];
  /** Writes the columns that depend on unit `next` alone; at the end `next` is the number of units. Columns not written are 0. */
  fixed?(next: number, out: Float32Array, at: number): void;
  /** Writes the columns that depend on the execution, within the bound. Runs at every step, so it allocates nothing. */
  live?(next: number, state: HardwareState, out: Float32Array, at: number, past: Past, board: BoardReading): void;
  /** Whether `live` reads the past; if not, callers may pass an empty one. */
  readonly remembers?: true;
  /** Whether `live` reads the board's sensors; if not, callers may pass no reading. */
  readonly senses?: true;
  /** Values for the info of a reset that are not bounded numbers. Fresh objects each time. */
  info?(): Info;
}

/** For unit u: its share on device 1 at 2u; its time at 2u + 1, in units of a typical unit's time. */
export type Past = Float32Array;
const noPast: Past = new Float32Array(0);

/** Values of a `BoardSensor`. */
export type BoardReading = Float64Array;
const noReading: BoardReading = new Float64Array(0);

/** Every column lies between minus this and this. */
export const observationBound = 10;

export function bounded(x: number): number {
  return Math.max(-observationBound, Math.min(observationBound, x));
}

/** The blocks' columns, one block after the other. */
export class Observation {
  readonly names: readonly string[];
  readonly size: number;
  /** Whether `write` needs the past. */
  readonly remembers: boolean;
  /** Whether `write` needs a reading of the board's sensors. */
  readonly senses: boolean;
  readonly #blocks: readonly ObservationBlock[];
  /** Of all `fixed` columns: a row for each unit, and one for the end. */
  readonly #rows: readonly Float32Array[];
  readonly #live: readonly Required<Pick<ObservationBlock, 'live'>>[];
  readonly #liveAt: readonly number[];

  constructor(unitCount: number, blocks: readonly ObservationBlock[]) {
    this.names = blocks.flatMap(({ names }) => names);
    this.size = this.names.length;
    this.remembers = blocks.some(({ remembers }) => remembers);
    this.senses = blocks.some(({ senses }) => senses);
    this.#blocks = blocks;
    const at: number[] = [];
    for (const [i, { names }] of blocks.entries()) at[i + 1] = (at[i] ??= 0) + names.length;
    const rows = new Float32Array((unitCount + 1) * this.size);
    this.#rows = Array.from({ length: unitCount + 1 }, (_, next) => {
      const row = rows.subarray(next * this.size, (next + 1) * this.size);
      for (const [i, block] of blocks.entries()) block.fixed?.(next, row, at[i]!);
      for (const [i, x] of row.entries()) row[i] = bounded(x);
      return row;
    });
    const live = [...blocks.keys()].filter((i) => blocks[i]!.live);
    this.#live = live.map((i) => blocks[i] as Required<Pick<ObservationBlock, 'live'>>);
    this.#liveAt = live.map((i) => at[i]!);
  }

  /** The observation before unit `next`, or after the last. Hot: it is most of what a step of an environment takes. */
  write(
    next: number,
    state: HardwareState,
    out: Float32Array,
    past: Past = noPast,
    board: BoardReading = noReading,
  ): void {
    out.set(this.#rows[next]!);
    const live = this.#live;
    for (let i = 0; i < live.length; i++) live[i]!.live(next, state, out, this.#liveAt[i]!, past, board);
  }

  /** The blocks' values for the info of a reset. */
  info(): Info {
    return Object.assign({}, ...this.#blocks.map((block) => block.info?.()));
  }
}
