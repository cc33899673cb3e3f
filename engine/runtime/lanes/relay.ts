// Passes tensors between lanes through a shared arena, with a flag for each that is ready. The receiving lane follows the
// sending one piece by piece.
import { type Operation, pieceBytes, pollMs, type TensorSlot } from '../../segments/operations.js';
import type { Handover } from './handover.js';
import type { LaneTensors } from './lane-tensors.js';
import { nowMs, type SharedMemory, word } from './protocol.js';

const looksPerClock = 64;
/** An abandoned execution is noticed by a sleeping lane within this time. */
const abortCheckMs = 20;

export class Relay {
  readonly #handover: Handover;
  readonly #slots: readonly TensorSlot[];
  readonly #tensors: LaneTensors;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #flags: Int32Array<SharedArrayBuffer>;
  readonly #progress: Int32Array<SharedArrayBuffer>;
  readonly #arena: Uint8Array;

  constructor(handover: Handover, slots: readonly TensorSlot[], shared: SharedMemory, tensors: LaneTensors) {
    this.#handover = handover;
    this.#slots = slots;
    this.#tensors = tensors;
    this.#control = new Int32Array(shared.control);
    this.#flags = new Int32Array(shared.flags);
    this.#progress = new Int32Array(shared.progress);
    this.#arena = new Uint8Array(shared.arena);
  }

  raise(flag: number, epoch: number): void {
    raise(this.#flags, flag, epoch);
  }

  /** Waits for the flag; false when the execution is given up. */
  wait(flag: number, epoch: number): boolean {
    return this.#reached(this.#flags, flag, epoch, epoch);
  }

  /**
   * Copies the lane's region into the arena. `stamps[at]` gets the time when all of it is there, `stamps[at + 1]` the time when
   * the flag is raised, with the first piece. Both are taken before the other lane is notified: a woken lane may take this one's
   * core, and the times would then be too late.
   */
  send({ slot, region, flag }: Operation & { kind: 'out' }, epoch: number, stamps: Float64Array, at: number): void {
    const { rows, stride, offset, length } = region;
    const from = this.#tensors.bytes(slot);
    const to = this.#place(slot);
    const lastEnd = offset + (rows - 1) * stride + length;
    // What an earlier execution has left there; nobody looks before the flag.
    Atomics.store(this.#progress, flag, 0);
    for (let row = 0, rowStart = offset; row < rows; row++, rowStart += stride) {
      for (let start = rowStart; start < rowStart + length; start += pieceBytes) {
        const end = Math.min(rowStart + length, start + pieceBytes);
        to.set(from.subarray(start, end), start);
        if (end === lastEnd) stamps[at] = nowMs();
        if (start === offset) stamps[at + 1] = nowMs();
        raise(this.#progress, flag, end);
        if (start === offset) raise(this.#flags, flag, epoch);
      }
    }
    // A region without a byte is there too.
    if (Atomics.load(this.#flags, flag) === epoch) return;
    stamps[at] = stamps[at + 1] = nowMs();
    raise(this.#flags, flag, epoch);
  }

  /** Copies what has arrived out of the arena, piece by piece; false when the execution is given up. */
  fetch({ slot, region, flag }: Operation & { kind: 'in' }, epoch: number): boolean {
    const { rows, stride, offset, length } = region;
    const from = this.#place(slot);
    const to = this.#tensors.bytes(slot);
    for (let row = 0, rowStart = offset; row < rows; row++, rowStart += stride) {
      for (let start = rowStart; start < rowStart + length; start += pieceBytes) {
        const end = Math.min(rowStart + length, start + pieceBytes);
        if (!this.#reached(this.#progress, flag, end, epoch)) return false;
        to.set(from.subarray(start, end), start);
      }
    }
    return true;
  }

  /** Waits until the word shows the value or a higher one; false when the execution is given up. */
  #reached(words: Int32Array<SharedArrayBuffer>, index: number, value: number, epoch: number): boolean {
    if (Atomics.load(words, index) >= value) return true;
    const pollUntilMs = this.#handover === 'polling' ? nowMs() + pollMs : 0;
    for (let looks = 0, asleep = this.#handover === 'blocking'; ; looks++) {
      const seen = Atomics.load(words, index);
      if (seen >= value) return true;
      if (Atomics.load(this.#control, word.abort) === epoch) return false;
      // Reading the clock costs more than reading the flag.
      if (!asleep && looks % looksPerClock === 0) asleep = nowMs() > pollUntilMs;
      if (asleep) Atomics.wait(words, index, seen, abortCheckMs);
    }
  }

  #place(slot: number): Uint8Array {
    const { offset, bytes } = this.#slots[slot]!;
    return this.#arena.subarray(offset, offset + bytes);
  }
}

function raise(words: Int32Array<SharedArrayBuffer>, index: number, value: number): void {
  Atomics.store(words, index, value);
  Atomics.notify(words, index);
}
