import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../base/onnx/proto.js';
import { float32Tensor } from '../base/onnx/tensor-data.js';
import { platformUri } from './platform.js';
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

describe('operators that a scenario says device 1 cannot run', () => {
  const uri = 'profile://jetson-agx-orin?mode=maxn&unsupported=Softmax;Gemm';

  test('stay on device 0 whatever the schedule asks for, and stand in the results', async () => {
    const { graph, platform, executor } = await openScenario('model://resnet18?size=32', uri);
    const gemm = graph.units.filter(({ opTypes }) => opTypes.includes('Gemm'));
    expect(gemm.length).toBeGreaterThan(0);
    for (const unit of graph.units) expect(unit.onlyOn).toBe(gemm.includes(unit) ? 0 : null);
    expect(executor.supported(graph)[2 * gemm[0]!.id + 1]).toBe(0);
    expect(platform.uri).toContain('unsupported=Gemm%3BSoftmax');
    const without = await openScenario('model://resnet18?size=32', 'profile://jetson-agx-orin?mode=maxn');
    expect(platform.hash).not.toBe(without.platform.hash);
    const again = await openScenario('model://resnet18?size=32', platform.uri);
    expect(again.platform).toEqual(platform);
  });

  test('on hardware too', async () => {
    const scenario = await openScenario('model://resnet18?size=32', 'lanes://cpu:1+cpu:1?unsupported=Gemm');
    scenario.executor.close();
    expect(scenario.graph.units.filter(({ onlyOn }) => onlyOn === 0).map(({ opTypes }) => opTypes)).toEqual([['Gemm']]);
    expect(platformUri({ executor: 'lanes', devices: 'cpu:1+cpu:1?unsupported=Gemm' })).toBe(scenario.platform.uri);
  });

  test('are named by operator type', async () => {
    await expect(openScenario('model://resnet18?size=32', 'profile://jetson-agx-orin?unsupported=a-b')).rejects.toThrow(
      /"a-b" is no operator type/,
    );
    await expect(openScenario('model://resnet18?size=32', 'lanes://cpu:1+cpu:1?mode=maxn')).rejects.toThrow(
      /"mode" is unknown/,
    );
  });
});
