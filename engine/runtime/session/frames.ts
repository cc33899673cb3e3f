// Messages over a pipe: a line of JSON, then byte strings, whose lengths the line's `bytes` gives. Tensors travel as they
// lie in memory.
import type { Readable, Writable } from 'node:stream';

export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly parts: readonly Uint8Array[];
}

export function writeFrame(to: Writable, header: object, parts: readonly Uint8Array[] = []): void {
  to.write(`${JSON.stringify({ ...header, bytes: parts.map(({ byteLength }) => byteLength) })}\n`);
  for (const part of parts) to.write(part);
}

/** Calls `receive` with each frame that arrives. */
export function readFrames(from: Readable, receive: (frame: Frame) => void): void {
  let chunks: Buffer[] = [];
  let arrived = 0;
  /** The frame that is on its way: its header, and up to where its bytes go. */
  let open: { header: Frame['header']; start: number; lengths: readonly number[]; end: number } | null = null;
  from.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    arrived += chunk.length;
    // Chunks are joined when they hold a whole frame, so that a large tensor is copied once.
    while (open ? arrived >= open.end : chunks.some((each) => each.includes(newline))) {
      const buffer = Buffer.concat(chunks);
      chunks = [buffer];
      if (!open) {
        const start = buffer.indexOf(newline) + 1;
        const header = JSON.parse(buffer.toString('utf8', 0, start)) as Frame['header'];
        const lengths = header.bytes as number[];
        open = { header, start, lengths, end: lengths.reduce((sum, length) => sum + length, start) };
        continue;
      }
      let at = open.start;
      const parts = open.lengths.map((length) => buffer.subarray(at, (at += length)));
      chunks = [buffer.subarray(open.end)];
      arrived -= open.end;
      const { header } = open;
      open = null;
      receive({ header, parts });
    }
  });
}

const newline = 0x0a;
