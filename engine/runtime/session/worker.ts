// The thread that owns the ONNX Runtime sessions of session mode: it compiles, runs and releases plans on request. The
// executor waits for it, so that its own interface is synchronous although ONNX Runtime's is not.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MessagePort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { decodeModel } from '../../../base/onnx/proto.js';
import { openSession } from '../../../base/onnx/session.js';
import { copiedNames } from './copies.js';
import { lastRun, type ProfileEvent } from './profile.js';
import type { CompiledPlan, Reply, Request } from './protocol.js';

/** Runs before one that counts: kernels are compiled and memory is laid out in the first. */
const warmUpRuns = 2;

const { port, answered } = workerData as { port: MessagePort; answered: Int32Array };
const sessions = new Map<number, ort.InferenceSession>();
let feeds: Record<string, ort.Tensor> = {};
let reference: ort.InferenceSession.ReturnType = {};

async function answer(request: Request): Promise<unknown> {
  switch (request.op) {
    case 'reference': {
      feeds = Object.fromEntries(
        Object.entries(request.feeds).map(([name, { type, data, dims }]) => [name, tensorOf(type, data, dims)]),
      );
      const session = await openSession(request.model, { level: 'all' });
      reference = await session.run(feeds);
      await session.release();
      return null;
    }
    case 'compile':
      return compile(request);
    case 'run': {
      const session = sessions.get(request.plan)!;
      const startMs = performance.now();
      await session.run(feeds);
      return performance.now() - startMs;
    }
    case 'release':
      await sessions.get(request.plan)?.release();
      sessions.delete(request.plan);
      return null;
    case 'close':
      for (const session of sessions.values()) await session.release();
      sessions.clear();
      return null;
    default:
      return request satisfies never;
  }
}

async function compile({ plan, model, settings }: Extract<Request, { op: 'compile' }>): Promise<CompiledPlan> {
  const { profile, copied } = await profiledTwin(model, settings);
  const session = await create(model, settings);
  try {
    let outputs = await session.run(feeds);
    for (let i = 1; i < warmUpRuns; i++) outputs = await session.run(feeds);
    sessions.set(plan, session);
    return { profile, copied, difference: largestDifference(outputs) };
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Runs the plan once more with profiling on, in a session of its own: profiling slows the session it watches. */
async function profiledTwin(model: string | Uint8Array, settings: ort.InferenceSession.SessionOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'sparoa-twin-'));
  try {
    const optimisedPath = join(folder, 'optimised.onnx');
    const session = await create(model, {
      ...settings,
      optimizedModelFilePath: optimisedPath,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'profile'),
    });
    try {
      for (let i = 0; i <= warmUpRuns; i++) await session.run(feeds);
    } finally {
      session.endProfiling();
      await session.release();
    }
    const file = readdirSync(folder).find((name) => name.startsWith('profile'))!;
    const profile = lastRun(JSON.parse(readFileSync(join(folder, file), 'utf8')) as ProfileEvent[]);
    const names = copiedNames(decodeModel(readFileSync(optimisedPath)));
    return { profile, copied: profile.kernels.map(({ node }) => names.get(node) ?? null) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function create(model: string | Uint8Array, settings: ort.InferenceSession.SessionOptions) {
  return typeof model === 'string'
    ? ort.InferenceSession.create(model, settings)
    : ort.InferenceSession.create(model, settings);
}

const tensorOf = (type: ort.Tensor.Type, data: ort.Tensor.DataType, dims: readonly number[]): ort.Tensor =>
  new (ort.Tensor as unknown as new (t: string, d: unknown, s: readonly number[]) => ort.Tensor)(type, data, dims);

/** NaN in one and not in the other counts as infinitely different. */
function largestDifference(outputs: ort.InferenceSession.ReturnType): number {
  let largest = 0;
  for (const [name, expected] of Object.entries(reference)) {
    const a = (outputs[name] as ort.Tensor).data as ArrayLike<unknown>;
    const b = (expected as ort.Tensor).data as ArrayLike<unknown>;
    let difference = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
    let scale = 0;
    for (let i = 0; i < b.length; i++) {
      if (a[i] === b[i]) {
        scale = Math.max(scale, Math.abs(Number(b[i])) || 0);
        continue;
      }
      const [x, y] = [Number(a[i]), Number(b[i])];
      if (Number.isNaN(x) && Number.isNaN(y)) continue;
      difference = Math.max(difference, Number.isFinite(x - y) ? Math.abs(x - y) : Number.POSITIVE_INFINITY);
      scale = Math.max(scale, Number.isFinite(y) ? Math.abs(y) : 0);
    }
    largest = Math.max(largest, difference === 0 ? 0 : difference / Math.max(scale, Number.MIN_VALUE));
  }
  return largest;
}

port.on('message', async (request: Request) => {
  let reply: Reply<unknown>;
  try {
    reply = { value: await answer(request) };
  } catch (error) {
    reply = { failure: (error as Error).message };
  }
  port.postMessage(reply);
  Atomics.store(answered, 0, 1);
  Atomics.notify(answered, 0);
});
