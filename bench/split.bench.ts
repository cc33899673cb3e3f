// One layer on two equal CPU lanes, split along its output channels, against the same layer on one lane: what fine-grained
// co-execution gains by load balancing, handing over included.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bestShare } from '../agents/planners/co-execution.js';
import { createLanesExecutor } from '../engine/runtime/lanes/executor.js';
import { measureCosts } from '../engine/runtime/measured-costs.js';
import { Schedule } from '../engine/schedule.js';
import type { OpClass } from '../models/graph.js';
import { type LoadedModel, loadModel } from '../models/load.js';
import { openSliceSource, sliceUnits } from '../models/slice.js';
import { splitSteps } from '../models/split.js';
import { conditions, executed, turns, turnsOnTwoLanes } from './execute.js';
import type { BenchResult } from './result.js';

/** Shares of device 1, 0 to 1 in steps of 5 %. */
const grid = Array.from({ length: 21 }, (_, i) => i / 20);

/** The largest convolution of Inception v1 (without SPAROA_GYM_TEST_MODELS, of ResNet-18) and matrix product of ViT-B/16. */
export async function splitLayers(): Promise<BenchResult[]> {
  const models = process.env.SPAROA_GYM_TEST_MODELS;
  const convolutions = await loadModel(models ? join(models, 'light_inception_v1.onnx') : 'model://resnet18');
  return [
    ...(await split('split conv', await largestLayer(convolutions, ['conv']))),
    ...(await split('split matmul', await largestLayer(await loadModel('model://vit-b16'), ['matmul', 'gemm']))),
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
 * single lane; and how close that is to the best of a grid of 21 shares, measured in turns.
 */
async function split(name: string, layer: LoadedModel): Promise<BenchResult[]> {
  const graph = layer.graph('operator');
  const executor = createLanesExecutor({ model: layer, cachedPlans: grid.length + 1 });
  const costs = measureCosts(executor, graph, conditions, turns);
  const chosen = bestShare(graph, costs, 0, splitSteps(openSliceSource(layer), graph, 0));
  const best = new Map([...grid, chosen].map((share) => [share, Number.POSITIVE_INFINITY]));
  for (let turn = 0; turn < turnsOnTwoLanes; turn++) {
    for (const [share, ms] of best)
      best.set(share, Math.min(ms, executed(executor, graph, Schedule.of(graph, [share])).makespanMs));
  }
  executor.close();
  const splitMs = best.get(chosen)!;
  const oneLaneMs = Math.min(best.get(0)!, best.get(1)!);
  const oracleMs = Math.min(...best.values());
  const row = { suite: 'runtime', value: splitMs, unit: 'ms', better: 'lower' } as const;
  const peers = [
    { name, peer: 'the same layer on one lane', peerValue: oneLaneMs, limit: 0.6 },
    { name: `${name}, share chosen`, peer: 'the best of 21 shares', peerValue: oracleMs, limit: 1.03 },
  ];
  return peers.map((peer) => ({ ...row, ...peer, ratio: splitMs / peer.peerValue }));
}
