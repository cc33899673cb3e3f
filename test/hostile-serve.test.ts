// A model that crashes ONNX Runtime, or never ends, is an error of the client that asked for it: the server and its other
// clients go on meanwhile.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';
import { type Frame, FrameReader, frameKind, jsonFrame, protocolVersion, readJson } from '../env/server/frames.js';
import { defaultLimits } from '../env/server/limits.js';
import { Session } from '../env/server/session.js';
import { taskHandlers } from '../experiments/serving.js';
import { tinyModel } from './fixtures/tiny-model.js';
import '../env/environments.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-serve-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tiny = join(folder, 'tiny.onnx');
writeFileSync(tiny, tinyModel());
const hostile = join(packageRoot, 'test', 'fixtures', 'cases', 'crafted_intmindiv.onnx');

function frameOf(bytes: Uint8Array): Frame {
  const reader = new FrameReader();
  reader.space().set(bytes);
  reader.received(bytes.length);
  return reader.next(defaultLimits.maxFrameBytes)!;
}

async function ask(session: Session, message: Readonly<Record<string, unknown>>) {
  const answer = frameOf((await session.answer(frameOf(jsonFrame(frameKind.control, 0, message)))).slice());
  return { failed: answer.kind === frameKind.error, ...readJson(answer) };
}

const making = (model: string) => ({
  do: 'make',
  id: 'SparOA/Share-v0',
  options: { model, profile: 'profile://jetson-agx-orin' },
});

test('one client asks for a hostile model, another works', async () => {
  const [one, other] = [0, 1].map(() => new Session(null, defaultLimits, async () => taskHandlers)) as [
    Session,
    Session,
  ];
  for (const session of [one, other]) await ask(session, { do: 'hello', protocol: protocolVersion });
  const [crashed, made] = await Promise.all([ask(one, making(hostile)), ask(other, making(tiny))]);
  expect(crashed).toMatchObject({ failed: true, input: true, message: expect.stringMatching(/SIGFPE.*\n/) });
  expect(made).toMatchObject({ failed: false, handle: 1 });
  expect(await ask(one, making(tiny))).toMatchObject({ failed: false });
  for (const session of [one, other]) session.close();
});
