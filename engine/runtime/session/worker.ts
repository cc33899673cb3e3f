// The thread that owns the ONNX Runtime sessions of session mode: it opens, runs and releases them on request. The
// executor waits for it, so that its own interface is synchronous although ONNX Runtime's is not.
import { workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { patiently, SlowdownProbe } from '../measuring/slowdown.js';
import type { PlainTensor } from '../plain-tensor.js';
import type { OutputBytes, Request } from './protocol.js';
import { serve } from './serve.js';

const probe = new SlowdownProbe((workerData as { fastestProbe: SharedArrayBuffer }).fastestProbe);
const sessions = new Map<number, ort.InferenceSession>();
let feeds: Record<string, ort.Tensor> = {};

serve(async (request: Request): Promise<unknown> => {
  switch (request.op) {
    case 'describe':
      return {
        version: ort.env.versions.node ?? '',
        providers: ort.listSupportedBackends().map(({ name }) => name),
      };
    case 'reference': {
      feeds = Object.fromEntries(Object.entries(request.feeds).map(([name, tensor]) => [name, tensorOf(tensor)]));
      const session = await ort.InferenceSession.create(request.model, request.settings);
      try {
        return outputBytes(await session.run(feeds));
      } finally {
        await session.release();
      }
    }
    case 'profile': {
      const session = await ort.InferenceSession.create(request.model, {
        ...request.settings,
        optimizedModelFilePath: request.optimisedPath,
        enableProfiling: true,
        profileFilePrefix: request.profilePrefix,
      });
      try {
        await runs(session, request.runs);
      } finally {
        session.endProfiling();
        await session.release();
      }
      return null;
    }
    case 'open': {
      const session = await ort.InferenceSession.create(request.model, request.settings);
      try {
        const outputs = outputBytes(await runs(session, request.runs));
        sessions.set(request.plan, session);
        return outputs;
      } catch (error) {
        await session.release();
        throw error;
      }
    }
    case 'run': {
      const session = sessions.get(request.plan)!;
      return patiently(probe, request.patienceMs, async () => {
        const startMs = performance.now();
        await session.run(feeds);
        return performance.now() - startMs;
      });
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
});

/** The outputs of the last of `count` runs. */
async function runs(session: ort.InferenceSession, count: number): Promise<ort.InferenceSession.ReturnType> {
  let outputs = await session.run(feeds);
  for (let i = 1; i < count; i++) outputs = await session.run(feeds);
  return outputs;
}

const tensorOf = ({ type, data, dims }: PlainTensor): ort.Tensor =>
  new (ort.Tensor as unknown as new (t: string, d: unknown, s: readonly number[]) => ort.Tensor)(type, data, dims);

function outputBytes(outputs: ort.InferenceSession.ReturnType): OutputBytes {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => {
      const { type, data } = value as ort.Tensor;
      const bytes = ArrayBuffer.isView(data)
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        : Buffer.from(JSON.stringify(data));
      return [name, { type, data: bytes }];
    }),
  );
}
