// Seeded, named random number generators. There is no process-wide generator: whoever draws holds a generator, and its name
// says what it is for, so adding a consumer never shifts the numbers another one sees.
import seedrandom from 'seedrandom';

/** The state of a generator, as JSON: restoring it continues the sequence exactly. */
export interface RngState {
  /** Alea's own state, by the names that seedrandom has for it. */
  readonly prng: { readonly c: number; readonly s0: number; readonly s1: number; readonly s2: number };
  readonly spareNormal: number | null;
}

/** A seeded sequence of random numbers (Alea by way of seedrandom; 32-bit resolution). */
export class Rng {
  readonly #prng: seedrandom.StatefulPRNG<seedrandom.State.Alea>;
  #spareNormal: number | null = null;

  private constructor(prng: seedrandom.StatefulPRNG<seedrandom.State.Alea>) {
    this.#prng = prng;
  }

  /** The generator of `names` under `seed`: different names give independent sequences. */
  static of(seed: number, ...names: readonly (string | number)[]): Rng {
    return new Rng(seedrandom.alea([seed, ...names].join('/'), { state: true }));
  }

  /** Continues where `state()` was taken. */
  static restore(state: RngState): Rng {
    const rng = new Rng(seedrandom.alea('', { state: state.prng }));
    rng.#spareNormal = state.spareNormal;
    return rng;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.#prng();
  }

  /** Uniform integer in [0, n). */
  integer(n: number): number {
    return Math.floor(this.#prng() * n);
  }

  /** Standard normal, by Marsaglia's polar method. */
  normal(): number {
    if (this.#spareNormal !== null) {
      const spare = this.#spareNormal;
      this.#spareNormal = null;
      return spare;
    }
    for (;;) {
      const u = 2 * this.#prng() - 1;
      const v = 2 * this.#prng() - 1;
      const square = u * u + v * v;
      if (square > 0 && square < 1) {
        const scale = Math.sqrt((-2 * Math.log(square)) / square);
        this.#spareNormal = v * scale;
        return u * scale;
      }
    }
  }

  /** A permutation of `items` (Fisher-Yates), as a new array. */
  shuffle<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [result[i], result[j]] = [result[j]!, result[i]!];
    }
    return result;
  }

  /** An integer seed for a generator elsewhere. */
  seed(): number {
    return this.#prng.int32() >>> 0;
  }

  state(): RngState {
    return { prng: this.#prng.state(), spareNormal: this.#spareNormal };
  }
}
