// Messages over a pipe: a line of JSON after a mark, then byte strings, whose lengths are the line's `bytes`. Tensors are sent
// as they are in memory. Text without a mark is printed output, such as a start-up script's, and no message.
import type { Readable, Writable } from 'node:stream';

export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly parts: readonly Uint8Array[];
}

/** Begins every message. */
const mark = 'sparoa-gym:';
/** More than any header has, and any start-up script prints. */
const maxNoiseBytes = 2 ** 20;
/** The longest part of such text that errors repeat. */
const lastBytes = 400;

export function writeFrame(to: Writable, header: object, parts: readonly Uint8Array[] = []): void {
  to.write(`${mark}${JSON.stringify({ ...header, bytes: parts.map(({ byteLength }) => byteLength) })}\n`);
  for (const part of parts) to.write(part);
}

export interface FrameListener {
  receive(frame: Frame): void;
  /** The end of what was printed between messages. */
  noise(text: string): void;
  /** What comes is no conversation; nothing more is read. */
  fail(reason: string): void;
}

/** Reads messages as they arrive. */
export function readFrames(from: Readable, { receive, noise, fail }: FrameListener): void {
  let chunks: Buffer[] = [];
  let arrived = 0;
  let noiseBytes = 0;
  /** The frame that is on its way: its header, and up to where its bytes go. */
  let open: { header: Frame['header']; start: number; lengths: readonly number[]; end: number } | null = null;
  from.on('data', function read(chunk: Buffer) {
    chunks.push(chunk);
    arrived += chunk.length;
    // Chunks are joined when they hold a whole frame, so that a large tensor is copied once.
    while (open ? arrived >= open.end : chunks.some((each) => each.includes(newline))) {
      const buffer = Buffer.concat(chunks);
      chunks = [buffer];
      if (!open) {
        const at = buffer.indexOf(mark);
        const printed = at < 0 ? buffer.lastIndexOf(newline) + 1 : at;
        if (printed > 0) {
          noise(buffer.toString('utf8', Math.max(0, printed - lastBytes), printed));
          noiseBytes += printed;
          chunks = [buffer.subarray(printed)];
          arrived -= printed;
          if (noiseBytes > maxNoiseBytes) return stop('endless text and no message');
          continue;
        }
        const start = buffer.indexOf(newline) + 1;
        const line = buffer.toString('utf8', mark.length, start);
        open = openedBy(line, start);
        if (open === null) return stop(`a message without a header: ${line.slice(0, 80).trim()}`);
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
    if (!open && arrived > maxNoiseBytes) stop('an endless line');

    function stop(reason: string): void {
      from.off('data', read);
      from.resume();
      fail(reason);
    }
  });
}

/** Null where the text is no header. */
function openedBy(text: string, start: number) {
  let header: Frame['header'];
  try {
    header = JSON.parse(text) as Frame['header'];
  } catch {
    return null;
  }
  const lengths = header?.bytes as readonly number[] | undefined;
  if (!Array.isArray(lengths) || !lengths.every((length) => Number.isSafeInteger(length) && length >= 0)) return null;
  return { header, start, lengths, end: lengths.reduce((sum, length) => sum + length, start) };
}

const newline = 0x0a;
