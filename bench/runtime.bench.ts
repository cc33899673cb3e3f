// Real executors on CPU threads, against plain ONNX Runtime with one thread: what an execution costs beyond the kernels,
// what handing a tensor over costs, and what two lanes gain (load balancing between two equal devices).

import { join } from 'node:path';
import { openSession } from '../base/onnx/session.js';
import type { Executor } from '../engine/executor.js';
import { createLanesExecutor } from '../engine/runtime/lanes/executor.js';
import { createSessionExecutor } from '../engine/runtime/session/executor.js';
import { Schedule } from '../engine/schedule.js';
import { seededFeeds } from '../models/analysis/feeds.js';
import { type LoadedModel, loadModel } from '../models/load.js';
import { executed, turns } from './execute.js';
import type { BenchResult } from './result.js';
import { splitLayers } from './split.bench.js';
import { twoLanes } from './two-lanes.bench.js';

interface Peer {
  readonly name: string;
  readonly executor: (model: LoadedModel) => Executor;
  /** Optimisation of the plain session beside it. */
  readonly level: 'all' | 'basic';
  readonly limit: number;
}

const peers: readonly Peer[] = [
  { name: 'all-cpu session', executor: (m) => createSessionExecutor(m, 'cpu:1+cpu:1'), level: 'all', limit: 1.03 },
  { name: 'all-cpu lanes', executor: (model) => createLanesExecutor({ model }), level: 'all', limit: 1.05 },
  {
    name: 'step-wise',
    executor: (model) => createLanesExecutor({ model, maxSegmentUnits: 1 }),
    level: 'basic',
    limit: 1.15,
  },
];

export async function runtimeSuite(): Promise<BenchResult[]> {
  const models = process.env.SPAROA_GYM_TEST_MODELS;
  const shufflenet = models ? await loadModel(join(models, 'light_shufflenet.onnx')) : null;
  const resnet18 = await loadModel('model://resnet18');
  const results: BenchResult[] = [];
  for (const peer of peers) {
    results.push(await againstPlain(resnet18, 'resnet18', peer));
    if (shufflenet) results.push({ ...(await againstPlain(shufflenet, 'shufflenet', peer)), limit: null });
  }
  return [
    ...results,
    await handOver('polling'),
    await handOver('blocking'),
    ...(await splitLayers()),
    ...(await twoLanes()),
  ];
}

async function againstPlain(
  model: LoadedModel,
  modelName: string,
  { name, executor: create, level, limit }: Peer,
): Promise<BenchResult> {
  const graph = model.graph('fused');
  const executor = create(model);
  const schedule = Schedule.onDevice(graph, 0);
  executed(executor, graph, schedule);
  const session = await openSession(model.basicPath, { level });
  const feeds = seededFeeds(model.inputs, 0);
  let ownMs = Number.POSITIVE_INFINITY;
  let plainMs = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < turns; turn++) {
    const startMs = performance.now();
    await session.run(feeds);
    plainMs = Math.min(plainMs, performance.now() - startMs);
    ownMs = Math.min(ownMs, executed(executor, graph, schedule).makespanMs);
  }
  await session.release();
  executor.close();
  return {
    suite: 'runtime',
    name: `${name} ${modelName}`,
    value: ownMs,
    unit: 'ms',
    better: 'lower',
    peer: `ONNX Runtime, one thread, level ${level}`,
    peerValue: plainMs,
    ratio: ownMs / plainMs,
    limit,
  };
}

/** From a tensor's being in the arena to the waiting lane's noticing; the device changes at every unit. */
async function handOver(handover: 'polling' | 'blocking'): Promise<BenchResult> {
  const model = await loadModel('model://mobilenetv3-small?size=32');
  const graph = model.graph('fused');
  const executor = createLanesExecutor({ model, handover });
  const schedule = Schedule.of(
    graph,
    graph.units.map(({ id }) => id % 2),
  );
  const waits: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const { events } = executed(executor, graph, schedule);
    for (const { kind, startMs, endMs } of events) if (kind === 'sync') waits.push(endMs - startMs);
  }
  executor.close();
  waits.sort((a, b) => a - b);
  return {
    suite: 'runtime',
    name: `handover ${handover}`,
    value: 1000 * waits[waits.length >> 1]!,
    unit: 'us',
    better: 'lower',
    peer: null,
    peerValue: null,
    ratio: null,
    limit: null,
  };
}
