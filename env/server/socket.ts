// Serves programs on this machine over a loopback socket. A client must send the token first; one that does not, or not in
// time, gets an error and is disconnected. Environments belong to their connection and are closed with it.
import { createServer, type Server, type Socket } from 'node:net';
import { InputError } from '../../base/errors/input-error.js';
import { type Frame, FrameReader } from './frames.js';
import type { SocketLimits } from './limits.js';
import { errorFrame, Session } from './session.js';
import type { LoadHandlers } from './task-handlers.js';

const loopback = '127.0.0.1';
/** Before the token, a client may send no more than a hello. */
const helloBytes = 4096;
/** Time for a refused client to read the reason, ms. */
const farewellMs = 1000;

/**
 * The server and its port, once it listens.
 * @param port 0 for any that is free
 * @throws InputError when the port cannot be had
 */
export async function serveSocket(
  port: number,
  token: string,
  limits: SocketLimits,
  handlers: LoadHandlers,
): Promise<{ server: Server; port: number }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (open.size >= limits.maxConnections) {
      dismiss(
        socket,
        new InputError(
          `serve: ${limits.maxConnections} clients are connected.`,
          'Close one, or start `serve` with --max-connections (SPAROA_GYM_MAX_CONNECTIONS).',
        ),
      );
      return;
    }
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    void converse(socket, new Session(token, limits, handlers), limits);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(notListening(port, error)));
    server.listen(port, loopback, resolve);
  });
  // For example too many open files: the connection fails, but not the server.
  server.on('error', (error) => process.stderr.write(`serve: ${error.message}\n`));
  return { server, port: (server.address() as { port: number }).port };
}

/**
 * Answers frames in order until the client leaves. The next bytes are read after all earlier ones are answered, and an answer
 * is written before the next one is made, so the buffers in both directions are bounded.
 */
async function converse(socket: Socket, session: Session, limits: SocketLimits): Promise<void> {
  const reader = new FrameReader();
  const late = setTimeout(() => dismiss(socket, noHello(limits.helloMs)), limits.helloMs);
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      for (const frame of framesIn(chunk as Buffer)) {
        const answer = session.answer(frame);
        const bytes = answer instanceof Promise ? await answer : answer;
        if (!session.greeted) {
          dismiss(socket, bytes);
          return;
        }
        clearTimeout(late);
        await written(socket, bytes);
        if (socket.destroyed) return;
      }
    }
  } catch (error) {
    // Bytes that are no frames, or a connection that broke.
    dismiss(socket, error);
  } finally {
    clearTimeout(late);
    session.close();
  }

  function* framesIn(chunk: Buffer): Generator<Frame> {
    for (let at = 0; at < chunk.length; ) {
      const space = reader.space();
      const count = Math.min(space.length, chunk.length - at);
      space.set(chunk.subarray(at, at + count));
      reader.received(count);
      at += count;
      const limit = () => (session.greeted ? limits.maxFrameBytes : helloBytes);
      for (let frame: Frame | null; (frame = reader.next(limit())) !== null; ) yield frame;
    }
  }
}

/** Resolves once the bytes are written, or never can be. */
function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()));
}

/** Sends the reason and closes the connection. @param why an error, or the frame of one */
function dismiss(socket: Socket, why: unknown): void {
  if (socket.destroyed || socket.writableEnded) return;
  socket.end(why instanceof Uint8Array ? why : errorFrame(0, why));
  socket.resume();
  setTimeout(() => socket.destroy(), farewellMs).unref();
}

function noHello(limitMs: number): InputError {
  return new InputError(
    `serve: no hello came within ${limitMs / 1000} s.`,
    'Send the hello first, with the token (docs/python.md, "Protocol").',
  );
}

function notListening(port: number, { code, message }: NodeJS.ErrnoException): InputError {
  return code === 'EADDRINUSE'
    ? new InputError(`serve: port ${port} is taken.`, 'Give another, or --socket without a port for any that is free.')
    : new InputError(`serve: ${loopback}:${port} cannot be listened on: ${message}.`, 'Give another port.');
}
