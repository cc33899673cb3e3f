// The episode that a client has played so far: what a recorded row is made of. Kept here and not by the client, because an
// action that is forbidden is played as another.
import type { Codec } from './codec.js';

/** Longer episodes are played as others, but not recorded. */
const mostBytes = 2 ** 28;

export class EpisodeLog {
  /** Of the reset; null where none was given. */
  seed: number | null = null;
  return = 0;
  over = false;
  /** Whether all of the episode's actions are here: not after `restore`, nor of a very long one. */
  whole = false;
  #bytes = new Uint8Array(64);
  #used = 0;

  begin(seed: number | null): void {
    this.seed = seed;
    this.return = 0;
    this.over = false;
    this.whole = true;
    this.#used = 0;
  }

  /** @param action its bytes, a multiple of 4 */
  add(action: Uint8Array, reward: number, over: boolean): void {
    this.return += reward;
    this.over = over;
    if (!this.whole) return;
    const used = this.#used + action.length;
    if (used > mostBytes) {
      this.whole = false;
      this.#bytes = new Uint8Array(64);
      return;
    }
    if (used > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(used, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(action, this.#used);
    this.#used = used;
  }

  /** The episode goes on from where no actions lead. */
  forget(): void {
    this.whole = false;
    this.over = false;
    this.#used = 0;
  }

  actions(codec: Codec): unknown[] {
    const { buffer } = this.#bytes.slice(0, this.#used);
    return Array.from({ length: this.#used / codec.bytes }, (_, i) => codec.read(buffer, i * codec.bytes));
  }

  /** Goes on as another does. */
  adopt(other: EpisodeLog): void {
    Object.assign(this, { seed: other.seed, return: other.return, over: other.over, whole: other.whole });
    this.#bytes = other.#bytes.slice();
    this.#used = other.#used;
  }
}
