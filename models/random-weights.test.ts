import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../base/onnx/proto.js';
import { openSession } from '../base/onnx/session.js';
import { float32Tensor } from '../base/onnx/tensor-data.js';
import { seededFeeds } from './feeds.js';
import { withRandomWeights } from './random-weights.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-weights-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Two layers with constant weights, and a softmax at the end. */
function classifier(): Uint8Array {
  const constant = (name: string, dims: number[]) =>
    float32Tensor(name, dims, new Float32Array(dims.reduce((a, b) => a * b)).fill(0.02));
  return encodeModel(
    makeModel(
      {
        name: 'classifier',
        nodes: [
          makeNode('Gemm', ['x', 'w1', 'b1'], ['hidden'], {}, { name: 'hidden' }),
          makeNode('Relu', ['hidden'], ['active'], {}, { name: 'active' }),
          makeNode('Gemm', ['active', 'w2', 'b2'], ['logits'], {}, { name: 'logits' }),
          makeNode('Softmax', ['logits'], ['y'], {}, { name: 'y' }),
        ],
        inputs: [makeValueInfo('x', DataType.FLOAT, [1, 256])],
        outputs: [makeValueInfo('y', DataType.FLOAT, [1, 50])],
        initializers: [constant('w1', [256, 64]), constant('b1', [64]), constant('w2', [64, 50]), constant('b2', [50])],
      },
      { '': 17 },
    ),
  );
}

test('random weights are the same wherever the file lies, and leave a softmax unsaturated', async () => {
  const places = ['here', 'there'].map((name) => join(folder, name));
  const files = [];
  for (const place of places) {
    mkdirSync(join(place, 'random'), { recursive: true });
    const path = join(place, 'classifier.onnx');
    writeFileSync(path, classifier());
    const { uri, inputs, basicPath } = await withRandomWeights(path, join(place, 'random'));
    expect(uri).toContain(place);
    files.push(readFileSync(join(place, 'random', 'classifier.onnx')));

    const session = await openSession(basicPath, { level: 'all' });
    const { y } = await session.run(seededFeeds(inputs, 0));
    await session.release();
    // The logarithm of a softmax's output is its logit less a constant.
    const logits = Array.from(y!.data as Float32Array, Math.log);
    const mean = logits.reduce((a, b) => a + b) / logits.length;
    const deviation = Math.sqrt(logits.reduce((sum, logit) => sum + (logit - mean) ** 2, 0) / logits.length);
    expect(deviation).toBeCloseTo(1, 4);
  }
  expect(files[0]!.equals(files[1]!)).toBe(true);
});
