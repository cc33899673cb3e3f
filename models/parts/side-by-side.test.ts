import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { OrtTensor, openSession, type Tensor } from '../../base/onnx/session.js';
import { tinyModel } from '../../test/fixtures/tiny-model.js';
import { type Feeds, seededFeeds } from '../analysis/feeds.js';
import { loadModel } from '../load.js';
import { unitsSideBySide, withOutputs } from './side-by-side.js';
import { openSliceSource } from './slice.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-side-by-side-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(bytes: Uint8Array, feeds: Feeds): Promise<Record<string, Tensor>> {
  const session = await openSession(bytes, { level: 'all' });
  const outputs = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]!])));
  await session.release();
  return outputs;
}

test('units side by side compute what the network computes, each from its own inputs alone', async () => {
  const path = join(folder, 'tiny.onnx');
  writeFileSync(path, tinyModel());
  const model = await loadModel(path);
  const source = openSliceSource(model);
  for (const granularity of ['operator', 'fused'] as const) {
    const graph = model.graph(granularity);
    const computed = graph.tensors.filter(({ producer }) => producer !== null);
    const feeds = seededFeeds(model.inputs, 0);
    const truth = await run(withOutputs(source, graph, computed).bytes, feeds);
    const all = graph.units.map(({ id }) => id);
    const { bytes, outputOf } = unitsSideBySide(source, graph, all);
    const made = await run(bytes, { ...feeds, ...truth });
    for (const { name } of computed) {
      const [values, expected] = [made[outputOf(name)]!.data as Float32Array, truth[name]!.data as Float32Array];
      expect(values.length).toBe(expected.length);
      for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
    }

    // A wrong input shows in its readers and nowhere else.
    const zeroed = computed.find(({ consumers }) => consumers.length === 2)!;
    const { dims, size } = truth[zeroed.name]!;
    const zeros = new OrtTensor('float32', new Float32Array(size), dims);
    const changed = await run(bytes, { ...feeds, ...truth, [zeroed.name]: zeros });
    const differs = computed.filter(({ name }) => {
      const [a, b] = [changed[outputOf(name)]!.data as Float32Array, made[outputOf(name)]!.data as Float32Array];
      return a.some((value, i) => value !== b[i]);
    });
    expect(differs.map(({ producer }) => producer)).toEqual(zeroed.consumers);
  }
});
