// Lanes on two CPU threads, against plain ONNX Runtime with one thread: what an execution costs beyond the kernels, what
// handing a tensor over costs, and what splitting a convolution gains (load balancing between two equal lanes).

import { openSession } from '../base/onnx/session.js';
import type { Conditions } from '../engine/conditions.js';
import type { Executor } from '../engine/executor.js';
import { createLanesExecutor, type LanesOptions } from '../engine/runtime/lanes/executor.js';
import { Schedule } from '../engine/schedule.js';
import type { Trace } from '../engine/trace.js';
import { seededFeeds } from '../models/feeds.js';
import type { OperatorGraph } from '../models/graph.js';
import { type LoadedModel, loadModel } from '../models/load.js';
import type { BenchResult } from './result.js';

const conditions: Conditions = { seed: 0, regime: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
/** The two take turns, and the fastest of each counts: a busy moment of the machine spoils neither. */
const turns = 40;
const shares = [0.42, 0.46, 0.5];

export async function runtimeSuite(): Promise<BenchResult[]> {
  const model = await loadModel('model://resnet18');
  return [
    await againstPlain(model, 'all-cpu lanes', {}, 'all', 1.05),
    await againstPlain(model, 'step-wise', { maxSegmentUnits: 1 }, 'basic', 1.15),
    await handOver('polling'),
    await handOver('blocking'),
    splitConvolution(model),
  ];
}

async function againstPlain(
  model: LoadedModel,
  name: string,
  options: Partial<LanesOptions>,
  level: 'all' | 'basic',
  limit: number,
): Promise<BenchResult> {
  const graph = model.graph('fused');
  const executor = createLanesExecutor({ model, ...options });
  const session = await openSession(model.basicPath, { level });
  const feeds = seededFeeds(model.inputs, 0);
  const schedule = Schedule.onDevice(graph, 0);
  let lanesMs = Number.POSITIVE_INFINITY;
  let plainMs = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < turns; turn++) {
    const startMs = performance.now();
    await session.run(feeds);
    plainMs = Math.min(plainMs, performance.now() - startMs);
    lanesMs = Math.min(lanesMs, executed(executor, graph, schedule).makespanMs);
  }
  await session.release();
  executor.close();
  return {
    suite: 'runtime',
    name: `${name} resnet18`,
    value: lanesMs,
    unit: 'ms',
    better: 'lower',
    peer: `ONNX Runtime, one thread, level ${level}`,
    peerValue: plainMs,
    ratio: lanesMs / plainMs,
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

/** The largest convolution on two lanes, moving its input and output included, against the same one on one lane. */
function splitConvolution(model: LoadedModel): BenchResult {
  const graph = model.graph('fused');
  const executor = createLanesExecutor({ model, maxSegmentUnits: 1, cachedPlans: shares.length + 1 });
  const inner = graph.units.filter(({ id, opClass, splitAxis }) => id > 0 && opClass === 'conv' && splitAxis !== null);
  const { id: unit } = inner.reduce((best, each) => (each.macs > best.macs ? each : best));
  const fastest = (share: number): number => {
    const schedule = Schedule.of(
      graph,
      graph.units.map(({ id }) => (id === unit ? share : 0)),
    );
    let bestMs = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < turns; turn++)
      bestMs = Math.min(bestMs, aroundUnit(executed(executor, graph, schedule), unit));
    return bestMs;
  };
  const oneLaneMs = fastest(0);
  const twoLanesMs = Math.min(...shares.map(fastest));
  executor.close();
  return {
    suite: 'runtime',
    name: 'split conv',
    value: twoLanesMs,
    unit: 'ms',
    better: 'lower',
    peer: 'the same convolution on one lane',
    peerValue: oneLaneMs,
    ratio: twoLanesMs / oneLaneMs,
    limit: 0.6,
  };
}

/** From the end of the unit before to the start of the unit after, on device 0. */
function aroundUnit({ events }: Trace, unit: number): number {
  const computing = events.filter(({ kind, lane }) => kind === 'compute' && lane === 0);
  const at = computing.findIndex(({ units }) => units[0] === unit);
  return computing[at + 1]!.startMs - computing[at - 1]!.endMs;
}

function executed(executor: Executor, graph: OperatorGraph, schedule: Schedule): Trace {
  const result = executor.run(graph, schedule, conditions);
  if ('error' in result) throw new Error(result.error);
  return result;
}
