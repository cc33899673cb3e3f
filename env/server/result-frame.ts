// The answer to a step or a reset, for one environment or a vector of them. It has JSON only at the ends of episodes:
// rewards (f64 each), observations, flags (u8 each), masks, zeros up to a multiple of 4; then the last observations of the
// episodes that ended, where the vector resets them in the same step; then, where an episode ended or began, infos as JSON.
import type { Env, Info } from '../gym/env.js';
import type { Mask } from '../gym/spaces/space.js';
import type { Codec } from './codec.js';
import { frameKind, headerBytes, plain, writeHeader } from './frames.js';

export const flag = { terminated: 1, truncated: 2, reset: 4, masked: 8 } as const;

/** Infos by row, as text, of rows whose episode began or ended. */
interface Infos {
  readonly infos: Record<number, Info>;
  /** Where the row was reset in the same step: the last info of the episode before. */
  readonly finalInfos: Record<number, Info>;
}

/** Fields of an info that are too large to send with every answer; the client requests the whole info if it needs them. */
const onRequest: ReadonlySet<string> = new Set(['trace', 'graph', 'actionMask']);

export class ResultFrame {
  readonly #count: number;
  readonly #observation: Codec;
  readonly #action: Codec;
  readonly #frame: Uint8Array<ArrayBuffer>;
  readonly #rewards: Float64Array;
  readonly #observationsAt: number;
  readonly #flags: Uint8Array;
  readonly #maskRows: readonly Uint8Array[];
  #infos: Infos | null = null;
  #finals: unknown[] = [];

  constructor(handle: number, count: number, observation: Codec, action: Codec) {
    this.#count = count;
    this.#observation = observation;
    this.#action = action;
    this.#observationsAt = headerBytes + 8 * count;
    const flagsAt = this.#observationsAt + count * observation.bytes;
    const end = flagsAt + count * (1 + action.maskBytes);
    const payloadBytes = 4 * Math.ceil((end - headerBytes) / 4);
    this.#frame = new Uint8Array(headerBytes + payloadBytes);
    const { buffer } = this.#frame;
    this.#rewards = new Float64Array(buffer, headerBytes, count);
    this.#flags = new Uint8Array(buffer, flagsAt, count);
    this.#maskRows = Array.from(
      { length: count },
      (_, row) => new Uint8Array(buffer, flagsAt + count + row * action.maskBytes, action.maskBytes),
    );
    writeHeader(this.#frame, frameKind.step, handle, payloadBytes);
  }

  /** Where the observations of a Box go, all rows; for an environment that writes them itself. */
  boxObservations(): Float32Array {
    return new Float32Array(this.#frame.buffer, this.#observationsAt, (this.#count * this.#observation.bytes) / 4);
  }

  observation(row: number, observation: unknown): void {
    this.#observation.write(observation, this.#frame.buffer, this.#observationsAt + row * this.#observation.bytes);
  }

  outcome(row: number, reward: number, flags: number): void {
    this.#rewards[row] = reward;
    this.#flags[row] = flags;
  }

  /** Writes the mask of the row's next action, after its outcome. @param info called if the environment has no `maskInto` */
  mask(row: number, env: Pick<Env, 'maskInto'>, info: () => Info): void {
    const bytes = this.#maskRows[row]!;
    if (bytes.length === 0) return;
    let masked: boolean;
    if (env.maskInto) masked = env.maskInto(bytes);
    else {
      const { actionMask } = info();
      masked = actionMask !== undefined;
      this.#action.writeMask(actionMask as Mask | undefined, bytes, 0);
    }
    if (masked) this.#flags[row]! |= flag.masked;
  }

  /**
   * The choice itself if the row's latest mask allows it, else the next allowed one, cyclically: Gymnasium's agents and its
   * checker do not use masks.
   */
  allowed(row: number, choice: number): number {
    const mask = this.#maskRows[row]!;
    if ((this.#flags[row]! & flag.masked) === 0 || mask[choice] !== 0) return choice;
    const later = mask.indexOf(1, choice);
    return later >= 0 ? later : Math.max(0, mask.indexOf(1));
  }

  /** Of a row whose episode began, or ended and is not reset yet. */
  info(row: number, info: Info): void {
    this.#infos ??= { infos: {}, finalInfos: {} };
    this.#infos.infos[row] = brief(info);
  }

  /** Adds the end of an episode in a row that was reset at once; rows must ascend. */
  final(row: number, observation: unknown, info: Info): void {
    this.#infos ??= { infos: {}, finalInfos: {} };
    this.#infos.finalInfos[row] = brief(info);
    this.#finals.push(observation);
  }

  /** Stands where another frame of the same spaces does. */
  adopt(other: ResultFrame): void {
    this.#frame.set(other.#frame.subarray(headerBytes), headerBytes);
  }

  /** The frame with everything added since the last one; without infos, the same buffer each time. */
  take(): Uint8Array {
    const infos = this.#infos;
    if (infos === null) return this.#frame;
    const text = new TextEncoder().encode(JSON.stringify(infos, plain));
    const finalBytes = this.#finals.length * this.#observation.bytes;
    const whole = new Uint8Array(this.#frame.length + finalBytes + text.length);
    whole.set(this.#frame);
    this.#finals.forEach((observation, i) => {
      this.#observation.write(observation, whole.buffer, this.#frame.length + i * this.#observation.bytes);
    });
    whole.set(text, this.#frame.length + finalBytes);
    writeHeader(whole, frameKind.step, new DataView(whole.buffer).getUint16(4, true), whole.length - headerBytes);
    this.#infos = null;
    this.#finals = [];
    return whole;
  }
}

function brief(info: Info): Info {
  return Object.fromEntries(Object.entries(info).filter(([name]) => !onRequest.has(name)));
}
