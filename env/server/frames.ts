// The wire format between a server of environments and its client (docs/python.md has it in full). Either side sends
// frames: an 8-byte header (payload length as u32, handle as u16, kind as u8, a zero byte), then the payload. Numbers are
// little-endian. The client sends one frame and is answered with one.
import { InputError } from '../../base/errors/input-error.js';

/** Raised whenever a client of the last version would misread a frame. */
export const protocolVersion = 2;
export const headerBytes = 8;

export const frameKind = {
  /** Payload: JSON. */
  control: 1,
  /** To the server: actions. From it: a result (result-frame.ts). */
  step: 2,
  /** From the server: JSON `{ input, message }`. */
  error: 3,
} as const;

export interface Frame {
  readonly kind: number;
  /** Which environment; 0 where none is meant. */
  readonly handle: number;
  /** A view into the reader's buffer, which the next read overwrites. It begins at a multiple of 8 bytes. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

export function writeHeader(frame: Uint8Array, kind: number, handle: number, payloadBytes: number): void {
  const view = new DataView(frame.buffer, frame.byteOffset, headerBytes);
  view.setUint32(0, payloadBytes, true);
  view.setUint16(4, handle, true);
  view.setUint8(6, kind);
  view.setUint8(7, 0);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function jsonFrame(kind: number, handle: number, content: unknown): Uint8Array {
  const payload = encoder.encode(JSON.stringify(content, plain));
  const frame = new Uint8Array(headerBytes + payload.length);
  frame.set(payload, headerBytes);
  writeHeader(frame, kind, handle, payload.length);
  return frame;
}

/** A `JSON.stringify` replacer: typed arrays are arrays. */
export function plain(_key: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;
}

/** @throws InputError when the payload is not a JSON object */
export function readJson({ payload }: Frame): Readonly<Record<string, unknown>> {
  let content: unknown;
  try {
    content = JSON.parse(decoder.decode(payload));
  } catch {
    content = null;
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content))
    return content as Record<string, unknown>;
  throw new InputError('serve: a control message is not a JSON object.', 'Send an object such as {"do": "hello"}.');
}

/** Cuts a stream of bytes into frames. Bytes are put at `space()`; `received` then says how many. */
export class FrameReader {
  #bytes = new Uint8Array(1 << 16);
  #filled = 0;
  /** Bytes of the frame that `next` gave last. */
  #used = 0;

  /** Where bytes may be put: never empty. */
  space(): Uint8Array {
    return this.#bytes.subarray(this.#filled);
  }

  received(count: number): void {
    this.#filled += count;
  }

  /**
   * The next whole frame, or null until more was received.
   * @throws InputError when a frame's payload is longer than `limit` bytes
   */
  next(limit: number): Frame | null {
    if (this.#used > 0) {
      this.#bytes.copyWithin(0, this.#used, this.#filled);
      this.#filled -= this.#used;
      this.#used = 0;
    }
    if (this.#filled < headerBytes) return null;
    const header = new DataView(this.#bytes.buffer, 0, headerBytes);
    const length = header.getUint32(0, true);
    if (length > limit)
      throw new InputError(`serve: a frame of ${length} bytes is too long.`, `Send at most ${limit} at once.`);
    const whole = headerBytes + length;
    if (this.#filled < whole) {
      // What is announced may never come: memory grows with what did.
      if (this.#filled === this.#bytes.length) {
        const larger = new Uint8Array(Math.min(whole, 2 * this.#bytes.length));
        larger.set(this.#bytes);
        this.#bytes = larger;
      }
      return null;
    }
    this.#used = whole;
    return { kind: header.getUint8(6), handle: header.getUint16(4, true), payload: this.#bytes.subarray(8, whole) };
  }
}
