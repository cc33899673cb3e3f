// `serve --socket` as a real process, and clients that leave, stay silent, lie and flood it: each is answered or sent away,
// and whoever else is connected goes on as if alone.
import { spawnSync } from 'node:child_process';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../base/random/rng.js';
import { frameKind, headerBytes, jsonFrame, protocolVersion, writeHeader } from '../env/server/frames.js';
import { mainScript } from './fixtures/command-line.js';
import { jsonOf, type ServerProcess, SocketClient, startServer } from './fixtures/server-process.js';

const small = { model: 'model://mobilenetv3-small?size=32', lookahead: 0 };
const make = { do: 'make', id: 'SparOA/Placement-v0', options: small };
const started: ServerProcess[] = [];
afterEach(() => {
  for (const { child } of started.splice(0)) child.kill();
});
async function serve(env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
  const server = await startServer(env);
  started.push(server);
  return server;
}

function frame(kind: number, handle: number, payload: Uint8Array, length = payload.length): Uint8Array {
  const bytes = new Uint8Array(headerBytes + payload.length);
  bytes.set(payload, headerBytes);
  writeHeader(bytes, kind, handle, length);
  return bytes;
}
const stepFrame = (handle: number, action: number) =>
  frame(frameKind.step, handle, new Uint8Array(Int32Array.of(action).buffer));

/** One episode of the small model, step by step: what every undisturbed client sees. */
class Episode {
  #steps = 0;
  private constructor(
    readonly client: SocketClient,
    readonly handle: number,
    readonly seen: string[],
  ) {}

  static async begin(server: ServerProcess): Promise<Episode> {
    const client = await SocketClient.greet(server);
    const { handle } = await client.ask(make);
    const episode = new Episode(client, handle as number, []);
    await client.ask({ do: 'reset', seed: 5 }, episode.handle);
    return episode;
  }

  async step(): Promise<void> {
    const { kind, bytes } = await this.client.exchange(stepFrame(this.handle, this.#steps++ % 2));
    this.seen.push(`${kind} ${Buffer.from(bytes).toString('base64')}`);
  }
}

describe('whoever does not say hello', () => {
  test('is refused whatever it sends, and disconnected', async () => {
    const { port } = await serve();
    const hello = (token?: unknown, protocol: unknown = protocolVersion) =>
      jsonFrame(frameKind.control, 0, { do: 'hello', protocol, token });
    const tooLong = frame(frameKind.control, 0, new Uint8Array(0), 65_536);
    const strange = [undefined, null, 'guess', 7, true, [], {}, { toString: 1 }].map((token) => hello(token));
    for (const bytes of [
      ...strange,
      hello('guess', { toString: 1 }),
      stepFrame(1, 0),
      tooLong,
      frame(9, 0, new Uint8Array(0)),
      frame(frameKind.control, 0, new TextEncoder().encode('[1]')),
      new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'),
    ]) {
      const client = await SocketClient.connect(port);
      const answer = await client.exchange(bytes);
      expect(answer.kind).toBe(frameKind.error);
      const { input, message } = jsonOf(answer.bytes);
      expect(message).toMatch(/^serve: .*\n/);
      expect([input, String(message).includes('    at ')]).toEqual([true, false]);
      expect(await client.answer()).toBeNull();
    }
  });

  test('has so long to do so, silent or sending a byte at a time', async () => {
    const { port } = await serve({ SPAROA_GYM_HELLO_TIMEOUT: '1' });
    const silent = await SocketClient.connect(port);
    const slow = await SocketClient.connect(port);
    const dripping = setInterval(() => slow.send(Uint8Array.of(0)), 250);
    for (const client of [silent, slow]) {
      const answer = (await client.answer())!;
      expect(jsonOf(answer.bytes).message).toMatch(/no hello came within 1 s/);
      expect(await client.answer()).toBeNull();
    }
    clearInterval(dripping);
  });
});

describe('a client past the hello', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServer({ SPAROA_GYM_MAX_ENVIRONMENTS: '6', SPAROA_GYM_MAX_FRAME_BYTES: '5000' });
    return () => server.child.kill();
  });

  test('may queue frames behind a slow make and leave: the server answers others', async () => {
    const other = await Episode.begin(server);
    for (const bytes of [70_000, 300_000]) {
      const leaving = await SocketClient.greet(server);
      leaving.send(
        jsonFrame(frameKind.control, 0, { ...make, options: { model: 'model://mobilenetv3-small?size=96' } }),
      );
      for (let sent = 0; sent < bytes; sent += 12) leaving.send(stepFrame(1, 0));
      await new Promise((resolve) => setTimeout(resolve, 100));
      leaving.leave();
      await other.step();
    }
    expect(other.seen).toHaveLength(2);
    other.client.leave();
  });

  test('that reads no answers is not read from either, and leaves the others alone', async () => {
    const deaf = await SocketClient.greet(server);
    deaf.socket.pause();
    for (let i = 0; i < 30_000; i++) deaf.send(jsonFrame(frameKind.control, 1, { do: 'info' }));
    const other = await Episode.begin(server);
    await other.step();
    deaf.leave();
    await other.step();
    expect(other.seen).toHaveLength(2);
    other.client.leave();
  });

  test('gets an error for any wrong field of any message, and its environment stays as it was', async () => {
    const episode = await Episode.begin(server);
    const { client, handle } = episode;
    await episode.step();
    const { state } = await client.ask({ do: 'snapshot' }, handle);
    const right = [
      make,
      { ...make, count: 2, autoreset: 'same-step' },
      { do: 'reset', seed: 1, options: {}, only: [1] },
      { do: 'render', mode: 'svg' },
      { do: 'restore', state: state as object },
    ];
    const wrong: unknown[] = [
      null,
      true,
      -1,
      1.5,
      2 ** 53,
      1e300,
      'x',
      [],
      [[]],
      [-1],
      {},
      { toString: 1 },
      { valueOf: null },
    ];
    for (const message of right)
      for (const field of Object.keys(message))
        for (const value of wrong) {
          const bad = { ...message, [field]: value };
          const answer = await client.exchange(jsonFrame(frameKind.control, handle, bad));
          // Null and {} are a missing option; a list of no seeds is none.
          if (answer.kind === frameKind.control)
            await client.ask({ do: 'close' }, jsonOf(answer.bytes).handle as number);
          if (answer.kind !== frameKind.error) continue;
          const { input, message: text } = jsonOf(answer.bytes);
          expect(input, `${JSON.stringify(bad)}: ${text}`).toBe(true);
        }
    await client.ask({ do: 'restore', state }, handle);
    await episode.step();
    const undisturbed = await Episode.begin(server);
    for (let i = 0; i < 2; i++) await undisturbed.step();
    expect(episode.seen).toEqual(undisturbed.seen);
    client.leave();
    undisturbed.client.leave();
  });

  test('has so many environments, and frames of such a length', async () => {
    const client = await SocketClient.greet(server);
    const { handle } = await client.ask({ ...make, count: 4, autoreset: 'disabled' });
    await expect(client.ask({ ...make, count: 3, autoreset: 'disabled' })).rejects.toThrow(
      /4 environments are open; with 3 more there are over 6\.\n.*SPAROA_GYM_MAX_ENVIRONMENTS/,
    );
    const { handle: one } = await client.ask(make);
    await client.ask({ do: 'fork' }, one as number);
    await expect(client.ask({ do: 'fork' }, one as number)).rejects.toThrow(/6 environments are open/);
    await client.ask({ do: 'close' }, handle as number);
    await client.ask({ do: 'fork' }, one as number);
    await expect(client.ask({ ...make, id: 'x'.repeat(5000) })).rejects.toThrow(/a frame of \d+ bytes is too long/);
    expect(await client.answer()).toBeNull();
  });

  test('sees the same numbers beside 150 others that send noise', async () => {
    const alone = await Episode.begin(server);
    for (let i = 0; i < 20; i++) await alone.step();
    const beside = await Episode.begin(server);
    for (let seed = 0; seed < 150; seed++) {
      const noisy = seed % 3 === 0 ? await SocketClient.connect(server.port) : await SocketClient.greet(server);
      for (const bytes of noise(Rng.of(seed, 'serve-noise'))) noisy.send(bytes);
      if (seed % 10 === 0) await beside.step();
      if (seed % 2 === 0) noisy.leave();
      else noisy.socket.end();
    }
    while (beside.seen.length < 20) await beside.step();
    expect(beside.seen).toEqual(alone.seen);
    expect(server.child.exitCode).toBeNull();
    alone.client.leave();
    beside.client.leave();
  });
});

/** Frames of any kind, handle and length, with payloads of bytes, JSON or control messages; some are cut. */
function noise(rng: Rng): Uint8Array[] {
  const verbs = ['hello', 'make', 'reset', 'info', 'render', 'snapshot', 'restore', 'fork', 'close', '__proto__', ''];
  return Array.from({ length: 1 + rng.integer(8) }, () => {
    const bytes = Uint8Array.from({ length: rng.integer(64) }, () => rng.integer(256));
    const verb = verbs[rng.integer(verbs.length)];
    const message = [{ do: verb }, { ...make, do: verb }, { do: verb, seed: [], state: { run: 1 } }, [], 'x'][
      rng.integer(5)
    ];
    const payload = rng.integer(2) === 0 ? bytes : new TextEncoder().encode(JSON.stringify(message));
    const length = rng.integer(4) === 0 ? rng.integer(2 ** 32) : payload.length;
    const whole = frame(rng.integer(5), rng.integer(4), payload, length);
    return rng.integer(6) === 0 ? whole.subarray(0, rng.integer(whole.length + 1)) : whole;
  });
}

test('there are so many connections, and one that closes makes room', async () => {
  const server = await serve({ SPAROA_GYM_MAX_CONNECTIONS: '2' });
  const [first] = [await SocketClient.greet(server), await SocketClient.greet(server)];
  const third = await SocketClient.connect(server.port);
  expect(jsonOf((await third.answer())!.bytes).message).toMatch(/2 clients are connected\.\n/);
  expect(await third.answer()).toBeNull();
  first!.leave();
  await expect.poll(() => SocketClient.greet(server).then(Boolean, () => false)).toBe(true);
});

test('a port that is taken is one line that says so', async () => {
  const { port } = await serve();
  const { status, stderr } = spawnSync(process.execPath, [mainScript, 'serve', '--socket', String(port)], {
    encoding: 'utf8',
  });
  expect([status, stderr.split('\n')[0]]).toEqual([1, `serve: port ${port} is taken.`]);
});

test('a snapshot put back, and a fork, go on as the environment they are of', async () => {
  const server = await serve();
  const episode = await Episode.begin(server);
  const { client, handle } = episode;
  for (let i = 0; i < 4; i++) await episode.step();
  const { state } = await client.ask({ do: 'snapshot' }, handle);
  const { handle: fork } = (await client.ask({ do: 'fork' }, handle)) as { handle: number };
  const { handle: fresh } = (await client.ask(make)) as { handle: number };
  await client.ask({ do: 'restore', state }, fresh);
  for (const action of [0, 1, 1, 0]) {
    const [own, forked, restored] = [
      await client.exchange(stepFrame(handle, action)),
      await client.exchange(stepFrame(fork, action)),
      await client.exchange(stepFrame(fresh, action)),
    ];
    expect([forked.bytes, restored.bytes]).toEqual([own.bytes, own.bytes]);
  }
  await expect(client.ask({ do: 'restore', state: { ...(state as object), run: 'x' } }, fresh)).rejects.toThrow(
    /no snapshot of such an environment/,
  );
});
