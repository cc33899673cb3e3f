// Requests about a plug-in's environment, which can neither be forked nor is of scheduling, asked over the protocol.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { registerBaseline } from '../agents/baselines/registry.js';
import type { Action } from '../agents/train-loop.js';
import type { Env } from '../env/gym/env.js';
import { registerEnvironment } from '../env/gym/registry.js';
import { Box } from '../env/gym/spaces/box.js';
import { Discrete } from '../env/gym/spaces/discrete.js';
import { FrameReader, frameKind, jsonFrame, protocolVersion, readJson, writeHeader } from '../env/server/frames.js';
import { defaultLimits } from '../env/server/limits.js';
import { Session } from '../env/server/session.js';
import { taskHandlers } from './serving.js';
import { plainTask } from './tasks/plain-task.js';
import { registerTask } from './tasks/registry.js';
import { validateTrajectories } from './validate.js';

const id = 'Test/Served-v0';

/** Each choice costs its number, plus what the seed says; choices begin at 3. */
class Tolls implements Env<Float32Array, Action> {
  readonly observationSpace = new Box(0, 1, [1]);
  readonly actionSpace = new Discrete(4, 3);
  #seed = 0;
  #left = 0;
  #cost = 0;

  constructor(readonly gates: number) {}

  reset({ seed }: { readonly seed?: number } = {}) {
    this.#seed = seed ?? this.#seed + 1;
    this.#left = this.gates;
    this.#cost = 0;
    return { observation: new Float32Array(1), info: {} };
  }

  step(action: Action) {
    const cost = Number(action) + this.#seed;
    this.#cost += cost;
    this.#left -= 1;
    const info = { costMs: this.#cost };
    return { observation: new Float32Array(1), reward: -cost, terminated: this.#left === 0, truncated: false, info };
  }

  close(): void {
    made.delete(this);
  }
}

const options = z.strictObject({ gates: z.int().default(5) });
/** Environments made by the id, not closed. */
const made = new Set<Tolls>();
registerEnvironment(id, {
  summary: 'gates with tolls',
  create(given) {
    const env = new Tolls(options.parse(given).gates);
    made.add(env);
    return env;
  },
});
registerEnvironment('Test/Taskless-v0', { summary: 'nothing', create: () => new Tolls(1) });
registerTask(
  id,
  plainTask(id, {
    options,
    make: ({ gates }) => new Tolls(gates),
    objective: 'costMs',
    metrics: ({ info }) => ({ costMs: Number(info.costMs) }),
    decisions: ({ gates }) => gates,
    reference: ({ gates }, seed) => ({ name: 'the dearest', objective: gates * (6 + seed) }),
    bound: ({ gates }, seed) => ({ kind: 'optimum', objective: gates * (3 + seed) }),
  }),
);
registerBaseline('cheapest', {
  environments: [id],
  summary: 'the cheapest gate',
  stochastic: false,
  decision: 'planned',
  begin: () => () => 3,
});

const folder = mkdtempSync(join(tmpdir(), 'sparoa-serving-'));
afterAll(() => rmSync(folder, { recursive: true }));

const session = new Session(null, defaultLimits, async () => taskHandlers);
beforeAll(() => asked('hello', 0, { protocol: protocolVersion }));

async function answered(bytes: Uint8Array) {
  const reader = new FrameReader();
  reader.space().set(bytes);
  reader.received(bytes.length);
  const frame = reader.next(defaultLimits.maxFrameBytes)!;
  const answer = Uint8Array.from(await session.answer(frame));
  reader.space().set(answer);
  reader.received(answer.length);
  return reader.next(defaultLimits.maxFrameBytes)!;
}

async function asked(verb: string, handle: number, content: object = {}) {
  const answer = await answered(jsonFrame(frameKind.control, handle, { do: verb, ...content }));
  if (answer.kind === frameKind.step) return {};
  const read = readJson(answer);
  return answer.kind === frameKind.error ? { failed: String(read.message), input: read.input } : read;
}

async function played(handle: number, choices: readonly number[]) {
  for (const choice of choices) {
    const frame = new Uint8Array(12);
    writeHeader(frame, frameKind.step, handle, 4);
    new DataView(frame.buffer).setInt32(8, choice, true);
    expect((await answered(frame)).kind).toBe(frameKind.step);
  }
}

test("a plug-in's environment has its baselines, bound and rows; its twins are closed", async () => {
  const { handle } = (await asked('make', 0, { id, options: { gates: 4 } })) as { handle: number };
  expect(await asked('baselines', handle)).toEqual({
    baselines: [{ name: 'cheapest', summary: 'the cheapest gate', stochastic: false, decision: 'planned' }],
  });
  await asked('reset', handle, { seed: 7 });
  await played(handle, [3, 6]);
  // Of this episode, and it goes on.
  expect(await asked('plan', handle, { name: 'cheapest' })).toMatchObject({ objective: 40, return: -40, seed: 7 });
  expect(await asked('bound', handle)).toEqual({ bound: { kind: 'optimum', objective: 40, metric: 'costMs' } });
  expect(await asked('bound', handle, { seed: 1 })).toMatchObject({ bound: { objective: 16 } });
  expect(await asked('reference', handle)).toMatchObject({ reference: { objective: 52 } });
  expect(await asked('metrics', handle)).toMatchObject({ failed: expect.stringContaining('no episode has ended') });
  await played(handle, [4, 5]);
  expect(await asked('metrics', handle)).toEqual({ metrics: { costMs: 46, return: -46 } });
  const row = (await asked('row', handle, { scheduler: 'own' })) as { header: string; line: string };
  const path = join(folder, 'trajectories.csv');
  writeFileSync(path, row.header + row.line);
  expect(await validateTrajectories(path)).toEqual({ rows: 1, measured: 0, failures: [] });
  writeFileSync(path, row.header + row.line.replace(/,7,own,[^,]*/, ',8,own,AwAAAAYAAAAEAAAABQAAAA=='));
  expect((await validateTrajectories(path)).failures).toEqual([expect.stringContaining('result differs')]);
  await asked('reset', handle);
  await played(handle, [3, 3, 3, 3]);
  expect(await asked('row', handle, { scheduler: 'own', seed: 8 })).toMatchObject({ header: row.header });
  expect(await asked('row', handle, { scheduler: 'own', seed: 9 })).toMatchObject({
    input: true,
    failed: expect.stringContaining('reset without a seed'),
  });
  expect(await asked('bound', handle)).toMatchObject({ failed: expect.stringContaining('had no seed') });
  expect(made.size).toBe(1);
});

test('an environment that experiments do not know says so', async () => {
  const { handle } = (await asked('make', 0, { id: 'Test/Taskless-v0' })) as { handle: number };
  for (const [verb, content] of [
    ['baselines', {}],
    ['plan', { name: 'x', seed: 0 }],
    ['bound', { seed: 0 }],
  ] as const)
    expect(await asked(verb, handle, content)).toMatchObject({
      input: true,
      failed: expect.stringContaining('unknown to experiments'),
    });
});
