// A whole network on two equal CPU lanes against one: load balancing by branches and splits. The schedule is, stage by
// stage, the best that list scheduling finds with measured costs. The losses beyond half of the time are listed by cause.
import { join } from 'node:path';
import { listScheduling } from '../agents/baselines/list-scheduling.js';
import { bestByStages } from '../agents/baselines/stages.js';
import { type InferenceSession, openSession } from '../base/onnx/session.js';
import { Rng } from '../base/random/rng.js';
import { createLanesExecutor } from '../engine/runtime/lanes/executor.js';
import { measureCosts } from '../engine/runtime/measuring/measured-costs.js';
import { Schedule } from '../engine/schedule.js';
import type { Trace } from '../engine/trace.js';
import { type Feeds, seededFeeds } from '../models/analysis/feeds.js';
import { loadModel } from '../models/load.js';
import { upstreamModes, withBlocksCut } from '../test/fixtures/block-cut.js';
import { conditions, executed, turnsOnTwoLanes } from './execute.js';
import type { BenchResult } from './result.js';
import { StageTimes } from './stage-times.js';

/** What cutting a segment may be thought to cost, in ms: each gives a schedule to try. */
const cutsMs = [0, 0.25, 0.5, 1, 2, 4];
/** Two schedules are compared by so many executions of each at most, by so many at least. */
const [mostTurns, leastTurns] = [16, 6];
/** An improvement has to be this large, or it may be noise; what is this much slower is given up early. */
const [leastGain, clearLoss] = [0.003, 0.03];

/** Inception v1; nothing without SPAROA_GYM_TEST_MODELS. */
export async function twoLanes(): Promise<BenchResult[]> {
  const models = process.env.SPAROA_GYM_TEST_MODELS;
  if (!models) return [];
  const model = await loadModel(join(models, 'light_inception_v1.onnx'));
  const graph = model.graph('fused');
  const stepwise = createLanesExecutor({ model, maxSegmentUnits: 1 });
  const costs = measureCosts(stepwise, graph, conditions);
  stepwise.close();
  const executor = createLanesExecutor({ model });
  const random = Rng.of(0, 'two-lanes');
  const halves = graph.units.map(({ splitAxis }) => (splitAxis === null ? 0 : 0.5));
  const listed = cutsMs.map((ms) => listScheduling(ms)({ graph, costs, conditions, random }));
  const schedules = [
    ...listed,
    ...upstreamModes.map((mode) => withBlocksCut(graph, costs, listed[0]!, mode)),
    Schedule.onDevice(graph, 0),
    Schedule.of(graph, halves),
  ];
  const schedule = bestByStages(graph, schedules, (candidate, than) => {
    const [ours, theirs] = [new StageTimes(graph), new StageTimes(graph)];
    for (let turn = 0; turn < mostTurns; turn++) {
      ours.add(executed(executor, graph, candidate));
      theirs.add(executed(executor, graph, than));
      if (turn >= leastTurns && ours.leastMs() > (1 + clearLoss) * theirs.leastMs()) return false;
    }
    return ours.leastMs() < (1 - leastGain) * theirs.leastMs();
  });
  const session = await openSession(model.basicPath, { level: 'all' });
  const feeds = seededFeeds(model.inputs, 0);
  let plainMs = Number.POSITIVE_INFINITY;
  let best: Trace | null = null;
  for (let turn = 0; turn < turnsOnTwoLanes; turn++) {
    plainMs = Math.min(plainMs, await runMs(session, feeds));
    const trace = executed(executor, graph, schedule);
    if (!best || trace.makespanMs < best.makespanMs) best = trace;
  }
  await session.release();
  executor.close();
  // Apart from the others: the idle threads of such a session spin, and would take the lanes' cores.
  const twoThreads = await openSession(model.basicPath, { level: 'all', threads: 2 });
  let threadsMs = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < turnsOnTwoLanes; turn++) threadsMs = Math.min(threadsMs, await runMs(twoThreads, feeds));
  await twoThreads.release();
  const row = { suite: 'runtime', unit: 'ms', better: 'lower' } as const;
  const value = best!.makespanMs;
  const alone = { peer: null, peerValue: null, ratio: null, limit: null };
  return [
    { ...row, name: 'two lanes', value, ...against('ONNX Runtime, one thread', value, plainMs), limit: 0.75 },
    {
      ...row,
      name: 'two lanes / two threads',
      value,
      ...against('ONNX Runtime, two threads', value, threadsMs),
      limit: null,
    },
    ...Object.entries(losses(best!, plainMs)).map(([name, ms]) => ({
      ...row,
      name: `two lanes: ${name}`,
      value: ms,
      ...alone,
    })),
  ];
}

async function runMs(session: InferenceSession, feeds: Feeds): Promise<number> {
  const startMs = performance.now();
  await session.run(feeds);
  return performance.now() - startMs;
}

const against = (peer: string, value: number, peerValue: number) => ({ peer, peerValue, ratio: value / peerValue });

/** Where the makespan exceeds half of one thread's time: each is the mean of both lanes, and they add up. */
function losses({ events, makespanMs }: Trace, plainMs: number): Record<string, number> {
  const total = (kind: string): number =>
    events.reduce((sum, event) => sum + (event.kind === kind ? event.endMs - event.startMs : 0), 0) / 2;
  const [computeMs, copyMs, syncMs] = [total('compute'), total('copy'), total('sync')];
  return {
    'lost fusion and parts': computeMs - plainMs / 2,
    copies: copyMs,
    'hand-over': syncMs,
    imbalance: makespanMs - computeMs - copyMs - syncMs,
  };
}
