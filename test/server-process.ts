// A real `serve --socket`, and a client of it that sends what it is told to, right or wrong.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Frame, FrameReader, frameKind, jsonFrame, protocolVersion, readJson } from '../env/server/frames.js';
import { mainScript } from './command-line.js';

export interface ServerProcess {
  readonly child: ChildProcess;
  readonly port: number;
  readonly variables: Readonly<Record<'SPAROA_GYM_SOCKET' | 'SPAROA_GYM_TOKEN', string>>;
}

/** @param env settings of the server beside this process's */
export async function startServer(env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
  const child = spawn(process.execPath, [mainScript, 'serve', '--socket'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let text = '';
  for await (const chunk of child.stdout!) {
    text += chunk;
    if (text.split('\n').length > 2) break;
  }
  const lines = text.trim().split('\n');
  const variables = Object.fromEntries(lines.map((line) => line.split('='))) as ServerProcess['variables'];
  return { child, port: Number(variables.SPAROA_GYM_SOCKET.split(':')[1]), variables };
}

export type Answer = { readonly kind: number; readonly handle: number; readonly bytes: Uint8Array };

export class SocketClient {
  readonly #reader = new FrameReader();
  readonly #answers: Answer[] = [];
  #wake: () => void = () => {};

  private constructor(readonly socket: Socket) {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => this.#receive(chunk as Buffer));
    socket.on('close', () => this.#wake());
  }

  static async connect(port: number): Promise<SocketClient> {
    const socket = connect(port, '127.0.0.1');
    const client = new SocketClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /** Connected, and past the hello. */
  static async greet({ port, variables }: ServerProcess): Promise<SocketClient> {
    const client = await SocketClient.connect(port);
    await client.ask({ do: 'hello', protocol: protocolVersion, token: variables.SPAROA_GYM_TOKEN });
    return client;
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next answer; null once the server has hung up. */
  async answer(): Promise<Answer | null> {
    while (this.#answers.length === 0 && !this.socket.closed)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.#answers.shift() ?? null;
  }

  /** @returns the answer's JSON; of a step or a reset, its bytes @throws Error with the server's message, of an error */
  async ask(message: unknown, handle = 0): Promise<Record<string, unknown>> {
    const { kind, bytes } = await this.exchange(jsonFrame(frameKind.control, handle, message));
    if (kind === frameKind.step) return { bytes };
    const content = jsonOf(bytes);
    if (kind === frameKind.error) throw new Error(content.message as string);
    return content;
  }

  async exchange(frame: Uint8Array): Promise<Answer> {
    this.send(frame);
    const answer = await this.answer();
    if (answer) return answer;
    throw new Error('the server hung up');
  }

  leave(): void {
    this.socket.destroy();
  }

  #receive(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const space = this.#reader.space();
      const count = Math.min(space.length, chunk.length - at);
      space.set(chunk.subarray(at, at + count));
      this.#reader.received(count);
      at += count;
      for (let frame: Frame | null; (frame = this.#reader.next(2 ** 30)) !== null; )
        this.#answers.push({ kind: frame.kind, handle: frame.handle, bytes: frame.payload.slice() });
    }
    this.#wake();
  }
}

export function jsonOf(payload: Uint8Array): Readonly<Record<string, unknown>> {
  return readJson({ kind: frameKind.control, handle: 0, payload: payload as Uint8Array<ArrayBuffer> });
}
