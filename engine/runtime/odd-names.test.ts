// Names are data: whatever nodes and tensors are called, the executors run the model and say its names.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../../base/onnx/proto.js';
import { float32Tensor } from '../../base/onnx/tensor-data.js';
import { type LoadedModel, loadModel } from '../../models/load.js';
import { sessionHosts, skipped } from '../../test/fixtures/session-hosts.js';
import type { Conditions } from '../conditions.js';
import { Schedule } from '../schedule.js';
import { traceViolations } from '../trace-invariants.js';
import { createLanesExecutor } from './lanes/executor.js';

const conditions: Conditions = { seed: 0, execution: 'serial', mode: 'measured', load: null, memoryBudgetBytes: null };
const folder = mkdtempSync(join(tmpdir(), 'sparoa-names-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two convolutions, blocked by ONNX Runtime and named after their outputs, and a ReLU between; everything called after `name`. */
async function modelNamed(name: string): Promise<LoadedModel> {
  const weights = (own: string, ...dims: number[]) =>
    float32Tensor(own, dims, new Float32Array(dims.reduce((a, b) => a * b)).fill(0.1));
  const nodes = [
    makeNode('Conv', [name, `${name}w`], [`${name}1`], { kernel_shape: [3, 3] }, { name }),
    makeNode('Relu', [`${name}1`], [`${name}2`], {}, { name: `${name}r` }),
    makeNode('Conv', [`${name}2`, `${name}v`], [`${name}3`], { kernel_shape: [1, 1] }, { name: `${name}c` }),
  ];
  const model = makeModel(
    {
      name,
      nodes,
      inputs: [makeValueInfo(name, DataType.FLOAT, ['n', 3, 16, 16])],
      outputs: [makeValueInfo(`${name}3`, DataType.FLOAT)],
      initializers: [weights(`${name}w`, 8, 3, 3, 3), weights(`${name}v`, 8, 8, 1, 1)],
    },
    { '': 17 },
  );
  const path = join(folder, 'model.onnx');
  writeFileSync(path, encodeModel(model));
  return loadModel(path, { shape: name === '__proto__' ? {} : { [name]: [2, 3, 16, 16] } });
}

const names = ['a"b', 'a\tb', 'a\nb', 'a\\b', 'a&b', "=cmd|' /C calc'!A0", 'constructor', 'toString', '__proto__'];

describe.each(names)('%j', (name) => {
  test('the graph says it, and lanes run it', async () => {
    const model = await modelNamed(name);
    const graph = model.graph('operator');
    expect(graph.units.map((unit) => unit.name)).toEqual([name, `${name}r`, `${name}c`]);
    const executor = createLanesExecutor({ model, pair: 'cpu:1+cpu:1' });
    try {
      const trace = executor.run(graph, Schedule.of(graph, Float32Array.of(0, 1, 0)), conditions);
      if ('error' in trace) throw new Error(trace.error);
      expect(traceViolations(graph, trace)).toEqual([]);
    } finally {
      executor.close();
    }
  });

  test.each(sessionHosts.map((host) => [`${host.name}${skipped(host.missing)}`, host] as const))(
    '%s books every kernel',
    async (_name, { create, missing }) => {
      if (missing !== null) return;
      const model = await modelNamed(name);
      const executor = create(model, 'cpu:1+cpu:1', {});
      try {
        for (const graph of [model.graph('operator'), model.graph('fused')]) {
          const trace = executor.run(graph, Schedule.onDevice(graph, 0), conditions);
          if ('error' in trace) throw new Error(trace.error);
          expect(traceViolations(graph, trace)).toEqual([]);
          const ran = new Set(trace.events.filter(({ kind }) => kind === 'compute').flatMap(({ units }) => units));
          expect([...ran].sort()).toEqual(graph.units.map(({ id }) => id));
        }
      } finally {
        executor.close();
      }
    },
  );
});
