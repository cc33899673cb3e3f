// Serves the program that started this process, over stdin and stdout. Environments are synchronous, so nothing else runs
// while the next frame is awaited: blocking reads and writes take a fifth of the event loop's time.
import { readSync, writeSync } from 'node:fs';
import { FrameReader } from './frames.js';
import type { SessionLimits } from './limits.js';
import { errorFrame, Session } from './session.js';
import type { LoadHandlers } from './task-handlers.js';

const [stdin, stdout] = [0, 1];

/** Answers until the other side closes stdin. All other output goes to stderr, because stdout carries frames. */
export async function serveStdio(limits: SessionLimits, handlers: LoadHandlers): Promise<void> {
  process.stdout.write = process.stderr.write.bind(process.stderr);
  const session = new Session(null, limits, handlers);
  const reader = new FrameReader();
  try {
    for (;;) {
      let frame = reader.next(limits.maxFrameBytes);
      while (frame === null) {
        const count = read(reader.space());
        if (count === 0) return;
        reader.received(count);
        frame = reader.next(limits.maxFrameBytes);
      }
      const answer = session.answer(frame);
      if (!write(answer instanceof Promise ? await answer : answer)) return;
    }
  } catch (error) {
    // Bytes that are no frames: nothing after them can be understood.
    write(errorFrame(0, error));
    throw error;
  } finally {
    session.close();
  }
}

/** Waits for bytes; 0 when the other side has gone. */
function read(space: Uint8Array): number {
  for (;;) {
    try {
      return readSync(stdin, space);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0; // Windows
      if (code !== 'EAGAIN') throw error;
      pause();
    }
  }
}

/** False when the other side has gone. */
function write(frame: Uint8Array): boolean {
  for (let at = 0; at < frame.length; ) {
    try {
      at += writeSync(stdout, frame, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return false;
      if (code !== 'EAGAIN') throw error;
      pause();
    }
  }
  return true;
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** The other side made the pipe non-blocking: try again in a millisecond. */
function pause(): void {
  Atomics.wait(never, 0, 0, 1);
}
