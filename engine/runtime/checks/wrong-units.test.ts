// A provider may have a kernel that gives other numbers. The truth here: each convolution alone in a session on either.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../../../base/onnx/proto.js';
import { float32Tensor } from '../../../base/onnx/tensor-data.js';
import { Rng } from '../../../base/random/rng.js';
import { relativeDifference } from '../../../base/statistics/relative-difference.js';
import { seededFeeds } from '../../../models/analysis/feeds.js';
import { loadModel } from '../../../models/load.js';
import { sessionHosts, skipped } from '../../../test/fixtures/session-hosts.js';
import { parseDevice } from '../devices/device-pair.js';
import { withoutFallback } from '../devices/session-settings.js';
import { createLanesExecutor } from '../lanes/executor.js';
import { createSessionExecutor } from '../session/executor.js';
import { rounding } from './agreement.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-wrong-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Channels and groups of pointwise convolutions: some have groups of a number of channels that four does not divide. */
const layers = [
  [16, 4],
  [24, 4],
  [24, 1],
  [20, 4],
  [20, 20],
] as const;

/** One input, and a convolution on it for each of the layers wanted. */
function convolutions(wanted: readonly (readonly [number, number])[]): Uint8Array {
  const weights = wanted.map(([channels, groups], i) => {
    const random = Rng.of(channels, 'wrong', groups);
    const dims = [channels, channels / groups, 1, 1];
    const count = dims.reduce((a, b) => a * b);
    return float32Tensor(
      `w${i}`,
      dims,
      Float32Array.from({ length: count }, () => random.normal()),
    );
  });
  const shape = (channels: number) => [1, channels, 6, 6];
  return encodeModel(
    makeModel(
      {
        name: 'convolutions',
        nodes: wanted.map(([, group], i) =>
          makeNode('Conv', [`x${i}`, `w${i}`], [`y${i}`], { group, kernel_shape: [1, 1] }, { name: `conv${i}` }),
        ),
        inputs: wanted.map(([channels], i) => makeValueInfo(`x${i}`, DataType.FLOAT, shape(channels))),
        outputs: wanted.map(([channels], i) => makeValueInfo(`y${i}`, DataType.FLOAT, shape(channels))),
        initializers: weights,
      },
      { '': 17 },
    ),
  );
}

const { gpuMissing } = sessionHosts[0];

describe.skipIf(gpuMissing !== null)(`on CPU and WebGPU${skipped(gpuMissing)}`, () => {
  test('units that give other numbers than a CPU are masked, with the reason; the others are not', async () => {
    const wrong: number[] = [];
    for (const [unit, layer] of layers.entries()) {
      const bytes = convolutions([layer]);
      const feeds = seededFeeds([{ name: 'x0', elemType: DataType.FLOAT, shape: [1, layer[0], 6, 6] }], 0);
      const [onCpu, onGpu] = await Promise.all(
        ['cpu:1', 'webgpu'].map(async (device) => {
          const session = await ort.InferenceSession.create(bytes, withoutFallback(parseDevice(device)));
          const { y0 } = await session.run(feeds);
          await session.release();
          return y0!.data as Float32Array;
        }),
      );
      if (relativeDifference(onGpu!, onCpu!, rounding) > 1e-3) wrong.push(unit);
    }

    const path = join(folder, 'convolutions.onnx');
    writeFileSync(path, convolutions(layers));
    const model = await loadModel(path);
    const executors = [
      createLanesExecutor({ model, pair: 'cpu:1+webgpu' }),
      createSessionExecutor(model, 'cpu:1+webgpu'),
    ];
    for (const executor of executors) {
      const masked = executor.unsupported(model.graph('operator'));
      const names = masked.map(({ unit }) => model.graph('operator').units[unit]!.nodes[0]);
      expect(names.sort()).toEqual(wrong.map((unit) => `conv${unit}`));
      for (const { reason } of masked) expect(reason).toMatch(/other numbers/);
      executor.close();
    }
  }, 60_000);
});
