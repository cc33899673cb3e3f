// Branches of one device on several CPU lanes: side by side in time, and right.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../../../base/files/paths.js';
import { Rng } from '../../../base/random/rng.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { loadModel } from '../../../models/load.js';
import { randomSchedule } from '../../../test/fixtures/random-schedule.js';
import { withRandomWeights } from '../../../test/fixtures/random-weights.js';
import type { Conditions } from '../../conditions.js';
import type { Executor } from '../../executor.js';
import { type BranchPlan, branchPlan } from '../../memory/branch-plan.js';
import { Schedule } from '../../schedule.js';
import type { Trace } from '../../trace.js';
import { traceViolations } from '../../trace-invariants.js';
import { createLanesExecutor, type ProgramMemory } from './executor.js';

const overlap: Conditions = { seed: 0, execution: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
const realModels = process.env.SPAROA_GYM_TEST_MODELS ?? '';
const folder = mkdtempSync(join(tmpdir(), 'sparoa-branches-'));
afterAll(() => rmSync(folder, { recursive: true }));

const onLanes = (graph: OperatorGraph, plan: BranchPlan): Schedule =>
  Schedule.of(graph, Schedule.onDevice(graph, 0).share, plan);

/** Lanes that computed at the same time, as `a+b`. */
function together({ events }: Trace): Set<string> {
  const computing = events.filter(({ kind }) => kind === 'compute');
  return new Set(
    computing.flatMap((a) =>
      computing
        .filter((b) => a.lane < b.lane && a.startMs < b.endMs && b.startMs < a.endMs)
        .map((b) => `${a.lane}+${b.lane}`),
    ),
  );
}

function executed(executor: Executor, graph: OperatorGraph, schedule: Schedule, conditions = overlap): Trace {
  const trace = executor.run(graph, schedule, conditions);
  if ('error' in trace) throw new Error(trace.error);
  expect(traceViolations(graph, trace)).toEqual([]);
  return trace;
}

test.skipIf(realModels === '')(
  "Inception v1's branches compute at the same time, with the plain session's outputs (SPAROA_GYM_TEST_MODELS unset: skipped)",
  async () => {
    const model = await withRandomWeights(join(realModels, 'light_inception_v1.onnx'), folder);
    const executor = createLanesExecutor({ model, pair: 'cpu:2+cpu:1', cpuLanes: 2 });
    const graph = model.graph('operator');
    const schedule = onLanes(graph, branchPlan(graph, { threads: 2 }));
    expect(Math.max(...schedule.lane)).toBe(1);
    const seen = new Set<string>();
    // On a busy machine one core may be all there is for a while.
    for (let turn = 0; turn < 10 || (turn < 200 && seen.size === 0); turn++) {
      // That it compiles says that the outputs agree.
      for (const lanes of together(executed(executor, graph, schedule))) seen.add(lanes);
    }
    expect(seen).toEqual(new Set(['0+1']));
    executor.close();
  },
  120_000,
);

test('executions on three lanes never have more in memory than is planned', async () => {
  const model = await loadModel('model://resnet18?size=64');
  const graph = model.graph('fused');
  const executor = createLanesExecutor({ model, pair: 'cpu:2+cpu:1', cpuLanes: 2 });
  for (let seed = 0; seed < 4; seed++) {
    const schedule = randomSchedule(graph, Rng.of(seed, 'resident'), { cpuLanes: 2 });
    const memory = executor.memory(graph, schedule, overlap);
    if ('error' in memory) throw new Error(memory.error);
    for (let turn = 0; turn < 5; turn++) {
      const trace = executed(executor, graph, schedule);
      for (const { device, bytes } of trace.memory) {
        expect(bytes, `seed ${seed}`).toBeGreaterThanOrEqual(0);
        expect(bytes, `seed ${seed}`).toBeLessThanOrEqual(memory.plannedPeakBytes[device]);
      }
      expect(trace.memory.at(-1)!.atMs).toBeLessThanOrEqual(trace.makespanMs);
    }
  }
  executor.close();
});

test('a process that compiles and executes a plan grows by more than its weights', () => {
  // A process of its own: this one may find room that earlier tests have freed.
  const script = `
    import { createLanesExecutor, loadModel, Schedule } from '${pathToFileURL(join(packageRoot, 'dist', 'index.js'))}';
    const model = await loadModel('model://resnet18?size=64');
    const executor = createLanesExecutor({ model });
    const graph = model.graph('fused');
    console.log(JSON.stringify(executor.memory(graph, Schedule.onDevice(graph, 1), ${JSON.stringify(overlap)})));
    executor.close();`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  const { plannedPeakBytes, weightBytes, measuredGrowthBytes } = JSON.parse(output) as ProgramMemory;
  // ResNet-18 has 11.7 million parameters of 4 bytes, all of them on device 1.
  expect(weightBytes[0]).toBe(0);
  expect(weightBytes[1] / 4e6).toBeCloseTo(11.7, 1);
  expect(plannedPeakBytes[1]).toBeGreaterThan(plannedPeakBytes[0]);
  expect(measuredGrowthBytes).toBeGreaterThan(weightBytes[1]);
});

test('a trace in which a lane reads what only another lane of its device has is not sound', async () => {
  const model = await loadModel('model://resnet18?size=64');
  const graph = model.graph('fused');
  const executor = createLanesExecutor({ model, pair: 'cpu:2+cpu:1', cpuLanes: 2, maxSegmentUnits: 1 });
  const lane = graph.units.map(({ id }) => id % 2);
  const trace = executed(executor, graph, Schedule.of(graph, Schedule.onDevice(graph, 0).share, { lane }));
  const inward = trace.events.find(({ kind, lane: at, outward }) => kind === 'copy' && at === 1 && !outward)!;
  const without = { ...trace, events: trace.events.filter((event) => event !== inward) };
  expect(traceViolations(graph, without).join()).toMatch(
    new RegExp(`starts before tensor ${inward.tensor} is on lane cpu:1 #1`),
  );
  const twice = { ...trace, events: [...trace.events, { ...inward, startMs: inward.endMs }] };
  expect(traceViolations(graph, twice).join()).toMatch(/to lane 1 \(cpu:1 #1\) moves 2 times/);
  const elsewhere = { ...trace, schedule: Schedule.onDevice(graph, 0) };
  expect(traceViolations(graph, elsewhere).join()).toMatch(
    /unit 1 .* ran on lanes \[cpu:1 #1\] instead of \[cpu:1 #0\]/,
  );
  executor.close();
});
