// What a device cannot run is masked and listed in lanes mode too, never silently moved.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import { sessionHosts, skipped } from '../../../test/fixtures/session-hosts.js';
import { tinyModel } from '../../../test/fixtures/tiny-model.js';
import type { Conditions } from '../../conditions.js';
import { Schedule } from '../../schedule.js';
import { traceViolations } from '../../trace-invariants.js';
import { createLanesExecutor } from './executor.js';

const conditions: Conditions = { seed: 0, execution: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
const folder = mkdtempSync(join(tmpdir(), 'sparoa-support-'));
let tiny: LoadedModel;
beforeAll(async () => {
  const path = join(folder, 'tiny.onnx');
  writeFileSync(path, tinyModel());
  tiny = await loadModel(path);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a second CPU runs everything', () => {
  const executor = createLanesExecutor({ model: tiny });
  const graph = tiny.graph('operator');
  expect(executor.unsupported(graph)).toEqual([]);
  expect(executor.supported(graph).every(Boolean)).toBe(true);
  executor.close();
});

const { gpuMissing } = sessionHosts[0];

describe.skipIf(gpuMissing !== null)(`on CPU and WebGPU${skipped(gpuMissing)}`, () => {
  test('a unit without a kernel is listed with the reason, and an error where a schedule asks for it', () => {
    const executor = createLanesExecutor({ model: tiny, pair: 'cpu:1+webgpu' });
    const graph = tiny.graph('operator');
    const sum = graph.units.find(({ opTypes }) => opTypes.includes('Sum'))!.id;
    expect(executor.unsupported(graph)).toEqual([{ unit: sum, reason: expect.stringMatching(/CPU EP/) }]);
    expect(executor.supported(graph)[2 * sum + 1]).toBe(0);
    for (const execution of ['serial', 'overlap'] as const) {
      const result = executor.run(graph, Schedule.onDevice(graph, 1), { ...conditions, execution });
      expect(result).toMatchObject({ device: 1 });
    }
    executor.close();
  });

  test('what is supported runs in random schedules, with the plain outputs and sound traces', () => {
    const executor = createLanesExecutor({ model: tiny, pair: 'cpu:1+webgpu' });
    const graph = tiny.graph('operator');
    const supported = executor.supported(graph);
    const random = Rng.of(0, 'support');
    for (let repeat = 0; repeat < 5; repeat++) {
      const shares = graph.units.map(({ id, splitAxis }) =>
        splitAxis !== null && random.uniform() < 0.3 ? 0.5 : supported[2 * id + 1]! * random.integer(2),
      );
      const trace = executor.run(graph, Schedule.of(graph, shares), conditions);
      expect('error' in trace ? trace.error : traceViolations(graph, trace)).toEqual([]);
    }
    executor.close();
  });
});
