// Branches of one device on several CPU lanes: side by side in time, and right.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { OperatorGraph } from '../../../models/graph.js';
import { withRandomWeights } from '../../../models/random-weights.js';
import type { Conditions } from '../../conditions.js';
import { type BranchPlan, branchPlan } from '../../memory/branch-plan.js';
import { Schedule } from '../../schedule.js';
import type { Trace } from '../../trace.js';
import { traceViolations } from '../../trace-invariants.js';
import { createLanesExecutor } from './executor.js';

const overlap: Conditions = { seed: 0, regime: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
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
      const trace = executor.run(graph, schedule, overlap);
      if ('error' in trace) throw new Error(trace.error);
      expect(traceViolations(graph, trace)).toEqual([]);
      for (const lanes of together(trace)) seen.add(lanes);
    }
    expect(seen).toEqual(new Set(['0+1']));
    executor.close();
  },
  120_000,
);
