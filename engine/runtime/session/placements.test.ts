// Random placements of published and trained networks, wherever session mode's sessions live. An executor compares the
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
import type { SessionExecutor } from './executor.js';

const conditions: Conditions = { seed: 0, execution: 'serial', mode: 'host', load: null, memoryBudgetBytes: null };
/** The full suite takes hours on a software device. */
const full = process.env.SPAROA_GYM_FULL === '1';
const folder = mkdtempSync(join(tmpdir(), 'sparoa-placements-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The placement of `seed`: on two CPUs all units on one of them, else each wherever it is supported. */
function placement(model: LoadedModel, executor: SessionExecutor, seed: number): Schedule {
  const graph = model.graph('fused');
  const random = Rng.of(seed, 'placements');
  if (executor.devices[1]!.kind === 'cpu') {
    const bound = graph.units.some(({ onlyOn }) => onlyOn === 0);
    return Schedule.onDevice(graph, bound ? 0 : (random.integer(2) as 0 | 1));
  }
  const supported = executor.supported(graph);
  const { share, order } = randomSchedule(graph, random, { splits: 0 });
  return Schedule.of(
    graph,
    share.map((value, unit) => value * supported[2 * unit + 1]!),
    { order },
  );
}

function expectAllSound(model: LoadedModel, executor: SessionExecutor, count: number): void {
  const graph = model.graph('fused');
  try {
    for (let seed = 0; seed < count; seed++) {
      const schedule = placement(model, executor, seed);
      const trace = executor.run(graph, schedule, conditions);
      if ('error' in trace) throw new Error(`${model.uri} seed ${seed}: ${trace.error}`);
      expect(traceViolations(graph, trace), `${model.uri} seed ${seed}`).toEqual([]);
    }
  } finally {
    executor.close();
  }
}

describe.each(sessionHosts)(
  'executor $name: random placements give the plain outputs',
  ({ create, missing, gpuMissing }) => {
    for (const { name, load, missing: noFiles } of networks(folder)) {
      const noCpu = missing ?? noFiles;
      test.skipIf(noCpu !== null)(
        `${name} on two CPUs${skipped(noCpu)}`,
        async () => {
          const model = await load();
          expectAllSound(model, create(model, 'cpu:1+cpu:1'), full ? 100 : 4);
        },
        600_000,
      );
      // A software device takes a minute and more for most of them.
      if (!full && !name.startsWith('model://mobilenetv3-small')) continue;
      const noGpu = gpuMissing ?? noFiles;
      test.skipIf(noGpu !== null)(
        `${name} on CPU and WebGPU${skipped(noGpu)}`,
        async () => {
          const model = await load();
          expectAllSound(model, create(model, 'cpu:1+webgpu', { plans: 2 }), full ? 100 : 1);
        },
        full ? 24 * 3_600_000 : 600_000,
      );
    }
  },
);
