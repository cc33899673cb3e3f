// One layer on two equal CPU lanes, split along its output channels, against the same layer on one lane: what fine-grained
// co-execution gains by load balancing, handing over included.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bestShare } from '../agents/baselines/co-execution.js';
import { quantile } from '../base/statistics/quantile.js';
import { createLanesExecutor } from '../engine/runtime/lanes/executor.js';
import { type CostSamples, sampleCosts } from '../engine/runtime/measuring/cost-samples.js';
import { costsOf } from '../engine/runtime/measuring/measured-costs.js';
import { Schedule } from '../engine/schedule.js';
import type { Trace } from '../engine/trace.js';
import type { OpClass } from '../models/graph.js';
import { type LoadedModel, loadModel } from '../models/load.js';
import { openSliceSource, sliceUnits } from '../models/parts/slice.js';
import { channelRanges, splitSteps } from '../models/parts/split.js';
import { conditions, executed } from './execute.js';
import type { BenchResult } from './result.js';

/** Shares of device 1, 0 to 1 in steps of 5 %. */
const grid = Array.from({ length: 21 }, (_, i) => i / 20);
/** A share whose time after so many turns is so many times the best's is not measured any further. */
const [sortingTurns, clearlyBehind] = [100, 1.2];
const [samplingRounds, turns] = [200, 800];

/**
 * The largest convolution of Inception v1 and matrix product of ViT-B/16. Without SPAROA_GYM_TEST_MODELS the convolution is
 * ResNet-18's, which hands as much over and computes for half as long: no limit then.
 */
export async function splitLayers(): Promise<BenchResult[]> {
  const models = process.env.SPAROA_GYM_TEST_MODELS;
  const convolutions = await loadModel(models ? join(models, 'light_inception_v1.onnx') : 'model://resnet18');
  return [
    ...(await split('split conv', await largestLayer(convolutions, ['conv']), models ? 0.6 : null)),
    ...(await split('split matmul', await largestLayer(await loadModel('model://vit-b16'), ['matmul', 'gemm']), 0.6)),
  ];
}

/** The unit of most MACs of some classes, as a model of its own: its input lies on lane 0, and its output goes there. */
async function largestLayer(model: LoadedModel, classes: readonly OpClass[]): Promise<LoadedModel> {
  const graph = model.graph('operator');
  const candidates = graph.units.filter((unit) => classes.includes(unit.opClass) && unit.splitAxis !== null);
  const { id } = candidates.reduce((best, each) => (each.macs > best.macs ? each : best));
  const folder = mkdtempSync(join(tmpdir(), 'sparoa-layer-'));
  try {
    const path = join(folder, 'layer.onnx');
    writeFileSync(path, sliceUnits(openSliceSource(model), graph, [id]).bytes);
    return await loadModel(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * A layer on two lanes, in the parts that one-lane times and the cost of handing over say are best, against the better
 * single lane; and how close that is to the best of a grid of 21 shares of which some are the same.
 */
async function split(name: string, layer: LoadedModel, limit: number | null): Promise<BenchResult[]> {
  const graph = layer.graph('operator');
  const executor = createLanesExecutor({ model: layer, cachedPlans: grid.length + 1 });
  const costs = costsOf(graph, quiet(sampleCosts(executor, graph, conditions, samplingRounds, 1)));
  const source = openSliceSource(layer);
  // Shares that cut at the same channel are the same execution.
  const asCut = (share: number): number => {
    if (share === 0 || share === 1) return share;
    const [{ to: cut }, { to: channels }] = channelRanges(source, graph, 0, share);
    return 1 - cut / channels;
  };
  const chosen = asCut(bestShare(graph, costs, 0, splitSteps(source, graph, 0)));
  const times = race([...grid.map(asCut), chosen], [0, 1, chosen], (share) =>
    executed(executor, graph, Schedule.of(graph, [share])),
  );
  executor.close();
  const splitMs = times.get(chosen)!;
  const oneLaneMs = Math.min(times.get(0)!, times.get(1)!);
  const oracleMs = Math.min(...times.values());
  const row = { suite: 'runtime', value: splitMs, unit: 'ms', better: 'lower' } as const;
  const peers = [
    { name, peer: `${graph.units[0]!.name} on one lane`, peerValue: oneLaneMs, limit },
    { name: `${name}, share chosen`, peer: 'the best of 21 shares', peerValue: oracleMs, limit: 1.03 },
  ];
  return peers.map((peer) => ({ ...row, ...peer, ratio: splitMs / peer.peerValue }));
}

/** Of each time the one that counts. */
function quiet({ unitMs, moveMs }: CostSamples): CostSamples {
  const ofEach = (times: readonly number[]): number[] => (times.length > 0 ? [quietMs(times)] : []);
  const ofBoth = (pairs: CostSamples['unitMs']) => pairs.map(([a, b]) => [ofEach(a), ofEach(b)] as const);
  return { unitMs: ofBoth(unitMs), moveMs: ofBoth(moveMs) };
}

/** What one execution in twenty is faster than: the machine's neighbours disturb most of them, and the fastest is luck. */
function quietMs(times: readonly number[]): number {
  return quantile(times, 0.05);
}

/**
 * The time of each share, measured in turns; those that are clearly behind after some turns leave the others more.
 * @param stay shares that are measured to the end
 */
function race(
  shares: readonly number[],
  stay: readonly number[],
  execute: (share: number) => Trace,
): Map<number, number> {
  const times = new Map(shares.map((share) => [share, [] as number[]]));
  let running = [...times];
  for (let turn = 0; turn < turns; turn++) {
    if (turn === sortingTurns) {
      const bestMs = Math.min(...running.map(([, each]) => quietMs(each)));
      running = running.filter(([share, each]) => stay.includes(share) || quietMs(each) < clearlyBehind * bestMs);
    }
    for (const [share, each] of running) each.push(execute(share).makespanMs);
  }
  return new Map([...times].map(([share, each]) => [share, quietMs(each)]));
}
