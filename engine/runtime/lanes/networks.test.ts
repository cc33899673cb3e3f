// Random schedules, splits included, of built-in, published and trained networks on real lanes. An executor compares the
// outputs of every plan with the plain session's when it compiles it, and refuses one that differs: a trace is the proof.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import type { LoadedModel } from '../../../models/load.js';
import { networks } from '../../../test/fixtures/networks.js';
import { randomSchedule } from '../../../test/fixtures/random-schedule.js';
import { sessionHosts, skipped } from '../../../test/fixtures/session-hosts.js';
import type { Conditions } from '../../conditions.js';
import { Schedule } from '../../schedule.js';
import { traceViolations } from '../../trace-invariants.js';
import { createLanesExecutor } from './executor.js';

const conditions: Conditions = { seed: 0, execution: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
const full = process.env.SPAROA_GYM_FULL === '1';
/** Hours, where a GPU is a program. */
const timeout = full ? 24 * 3_600_000 : 600_000;
const folder = mkdtempSync(join(tmpdir(), 'sparoa-networks-'));
afterAll(() => rmSync(folder, { recursive: true }));

function expectAllSound(model: LoadedModel, count: number, pair: string, cpuLanes = 1): void {
  const graph = model.graph('fused');
  const executor = createLanesExecutor({ model, pair, cpuLanes, cachedPlans: 1, timeLimitMs: 300_000 });
  try {
    const supported = executor.supported(graph);
    for (let seed = 0; seed < count; seed++) {
      const drawn = randomSchedule(graph, Rng.of(seed, 'networks', pair), { cpuLanes });
      // What device 1 does not run goes to device 0, split or not.
      const share = drawn.share.map((each, unit) => (supported[2 * unit + 1] ? each : 0));
      const schedule = Schedule.of(graph, share, { order: drawn.order, lane: drawn.lane });
      const trace = executor.run(graph, schedule, conditions);
      if ('error' in trace) throw new Error(`${model.uri} seed ${seed}: ${trace.error}`);
      expect(traceViolations(graph, trace), `${model.uri} seed ${seed}`).toEqual([]);
    }
  } finally {
    executor.close();
  }
}

const { gpuMissing } = sessionHosts[0];

describe.each(networks(folder))('$name', ({ load, missing }) => {
  test.skipIf(missing !== null)(
    `on two and on three CPU lanes${skipped(missing)}`,
    { tags: 'gate', timeout },
    async () => {
      const model = await load();
      for (const cpuLanes of [1, 2]) expectAllSound(model, full ? 100 : 3, `cpu:${cpuLanes}+cpu:1`, cpuLanes);
    },
  );

  const reason = gpuMissing ?? missing;
  test.skipIf(reason !== null)(
    `on CPU and WebGPU${skipped(reason)}`,
    async () => expectAllSound(await load(), full ? 100 : 5, 'cpu:1+webgpu'),
    timeout,
  );
});
