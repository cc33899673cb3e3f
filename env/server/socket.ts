// Serving programs on this machine over a loopback socket. Whoever connects says the token first; who does not is
// answered why, once, and disconnected. Environments belong to their connection and are closed with it.
import { createServer, type Server, type Socket } from 'node:net';
import { type Frame, FrameReader } from './frames.js';
import { errorFrame, Session } from './session.js';

const loopback = '127.0.0.1';
/** A stranger may say no more than a hello. */
const helloBytes = 4096;

/** The server and its port, once it listens. @param port 0 for any that is free */
export async function serveSocket(port: number, token: string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => converse(socket, new Session(token)));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, loopback, resolve);
  });
  return { server, port: (server.address() as { port: number }).port };
}

function converse(socket: Socket, session: Session): void {
  const reader = new FrameReader();
  let answered: Promise<void> = Promise.resolve();
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => answered.finally(() => session.close()));
  socket.on('data', (chunk) => {
    // One after the other: a frame is a view of the reader's buffer.
    answered = answered.then(() => receive(chunk as Buffer));
  });

  async function receive(chunk: Buffer): Promise<void> {
    try {
      for (let at = 0; at < chunk.length || at === 0; ) {
        const space = reader.space();
        const count = Math.min(space.length, chunk.length - at);
        space.set(chunk.subarray(at, at + count));
        reader.received(count);
        at += count;
        await answerAll();
      }
    } catch (error) {
      socket.end(errorFrame(0, error));
    }
  }

  async function answerAll(): Promise<void> {
    for (let frame: Frame | null; !socket.destroyed && (frame = reader.next(limit())) !== null; ) {
      const answer = session.answer(frame);
      const bytes = answer instanceof Promise ? await answer : answer;
      // Written later than the next answer is made, perhaps: a copy.
      if (session.greeted) socket.write(bytes.slice());
      else {
        socket.end(bytes.slice());
        return;
      }
    }
  }

  function limit(): number | undefined {
    return session.greeted ? undefined : helloBytes;
  }
}
