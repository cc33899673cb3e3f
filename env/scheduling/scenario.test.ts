import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../../base/onnx/proto.js';
import { float32Tensor } from '../../base/onnx/tensor-data.js';
import { openScenario } from './scenario.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-scenario-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a model of constants alone has nothing to schedule, and says so', async () => {
  const path = join(folder, 'constant.onnx');
  const graph = {
    name: 'constant',
    nodes: [makeNode('Add', ['c', 'c'], ['y'])],
    inputs: [],
    outputs: [makeValueInfo('y', DataType.FLOAT, [4])],
    initializers: [float32Tensor('c', [4], Float32Array.of(1, 2, 3, 4))],
  };
  writeFileSync(path, encodeModel(makeModel(graph, { '': 17 }, 8)));
  await expect(openScenario(path, 'profile://jetson-agx-orin')).rejects.toThrow(/constant.onnx.*nothing is left/);
});
