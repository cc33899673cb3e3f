// Gradient-boosted regression trees on the logarithm of latency, so that an error of 10 % weighs the same for a unit of
// 10 us as for one of 10 ms. They start from the roofline and learn its residuals, because trees alone cannot extrapolate beyond
// the sizes they have seen. Each tree is fitted to the residuals of the trees before it.
// Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29(5), 2001, algorithm 2;
// "Stochastic gradient boosting", Computational Statistics & Data Analysis 38(4), 2002.
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { checkOptions } from '../../base/errors/options.js';
import { Rng } from '../../base/random/rng.js';
import { binColumns } from './bins.js';
import type { LatencyPredictor } from './latency-predictor.js';
import { growTree, type TreeLimits } from './regression-tree.js';
import { fitRoofline, openRoofline, rooflineSchema } from './roofline-features.js';
import { columnOf, type Samples } from './samples.js';

export interface BoostingOptions extends TreeLimits {
  /**
   * What the first tree corrects: a roofline fitted to the same samples, or the mean of log latency. By default the roofline,
   * but the mean where more than a tenth of the units have no work counted: a roofline of unknown work misleads.
   */
  readonly start: 'roofline' | 'mean' | 'by-work';
  readonly trees: number;
  /** Learning rate: the fraction of a tree's correction that is used. */
  readonly learningRate: number;
  /** Fraction of the rows that a tree is grown from, and of the features that it may split on; 1 for all. */
  readonly rowShare: number;
  readonly featureShare: number;
  readonly seed: number;
}

/** The same for every data set; docs/predictors.md says how they were chosen. */
export const boostingDefaults: BoostingOptions = {
  start: 'by-work',
  trees: 300,
  learningRate: 0.1,
  depth: 8,
  leafRows: 3,
  rowShare: 1,
  featureShare: 1,
  seed: 0,
};

const boostingNames = Object.fromEntries(Object.keys(boostingDefaults).map((name) => [name, true])) as Record<
  keyof BoostingOptions,
  true
>;

const integers = z.array(z.int());
export const boostedTreesSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('boosted-trees'),
  features: z.array(z.string()).min(1),
  /** What the first tree corrects; null where that is the mean alone. */
  roofline: rooflineSchema.nullable(),
  /** The roofline is taken no lower than a tenth of the shortest latency it was fitted to: where it is 0, it has no log. */
  floorMs: z.number().positive().max(1e9),
  /** Added to the roofline's log of ms before any tree. */
  base: z.number(),
  /** First node of each tree. */
  roots: integers,
  /** Column that a node asks for, -1 in a leaf; a row goes to the next node where it is at most the threshold, else right. */
  feature: integers,
  threshold: z.array(z.number()),
  right: integers,
  /** What a leaf adds, learning rate included. */
  value: z.array(z.number()),
});
export type BoostedTreesFile = z.infer<typeof boostedTreesSchema>;

export function fitBoostedTrees(
  samples: Samples,
  options: Partial<BoostingOptions> = {},
): LatencyPredictor<BoostedTreesFile> {
  checkOptions('fitBoostedTrees', options, boostingNames);
  const { start, trees, learningRate, rowShare, featureShare, seed, ...limits } = { ...boostingDefaults, ...options };
  const width = samples.features.length;
  const rows = [...samples.latencyMs.keys()];
  const features = [...samples.features.keys()];
  const random = Rng.of(seed, 'boosted-trees');
  const columns = binColumns(samples);
  const begins = start === 'by-work' ? (workIsKnown(samples) ? 'roofline' : 'mean') : start;
  const roofline = begins === 'roofline' ? fitRoofline(samples) : null;
  const floorMs = samples.latencyMs.reduce((least, ms) => Math.min(least, ms)) / 10;
  const residual = samples.latencyMs.map(
    (ms, row) =>
      Math.log(ms) - (roofline ? Math.log(Math.max(floorMs, roofline.predictMs(samples.x, row * width))) : 0),
  );
  const base = residual.reduce((sum, value) => sum + value, 0) / residual.length;
  for (const row of rows) residual[row]! -= base;

  const roots: number[] = [];
  const all = { feature: [], threshold: [], right: [], value: [] } as Record<NodeArray, number[]>;
  for (let tree = 0; tree < trees; tree++) {
    const root = all.feature.length;
    const nodes = growTree(
      columns,
      residual,
      Int32Array.from(drawn(rows, rowShare, random)),
      drawn(features, featureShare, random),
      limits,
    );
    for (let node = 0; node < nodes.feature.length; node++) {
      const leaf = nodes.feature[node]! < 0;
      all.feature.push(nodes.feature[node]!);
      all.threshold.push(nodes.threshold[node]!);
      all.right.push(leaf ? -1 : root + nodes.right[node]!);
      all.value.push(learningRate * nodes.value[node]!);
    }
    roots.push(root);
    const packed = pack(nodes);
    for (const row of rows) residual[row]! -= learningRate * leafValue(packed, 0, samples.x, row * width);
  }
  return openBoostedTrees({
    version: 1,
    kind: 'boosted-trees',
    features: [...samples.features],
    roofline: roofline?.toJSON() ?? null,
    floorMs,
    base,
    roots,
    ...all,
  });
}

/** At most a tenth of the rows have neither FLOPs nor bytes. */
function workIsKnown({ features, x, latencyMs }: Samples): boolean {
  const [flops, bytes] = [columnOf(features, 'flops'), columnOf(features, 'bytes')];
  const unknown = latencyMs.filter((_, row) => {
    const offset = row * features.length;
    return x[offset + flops] === 0 && x[offset + bytes] === 0;
  });
  return unknown.length <= latencyMs.length / 10;
}

/** A share of the items, at least one, in their order; all of them without a draw. */
function drawn(items: readonly number[], share: number, random: Rng): readonly number[] {
  if (share >= 1) return items;
  const count = Math.max(1, Math.round(share * items.length));
  return random
    .shuffle(items)
    .slice(0, count)
    .sort((a, b) => a - b);
}

/** Nodes side by side, for walking: of node n, links 2n and 2n + 1 are its column and its right child, -1 in a leaf. */
interface PackedNodes {
  readonly links: Int32Array;
  /** Threshold of a node, value of a leaf. */
  readonly numbers: Float64Array;
}

function pack({ feature, right, threshold, value }: Readonly<Record<NodeArray, readonly number[]>>): PackedNodes {
  return {
    links: Int32Array.from({ length: 2 * feature.length }, (_, at) => (at % 2 === 0 ? feature : right)[at >> 1]!),
    numbers: Float64Array.from(feature, (column, node) => (column < 0 ? value : threshold)[node]!),
  };
}

/** The value of the leaf of the row at `offset` of `x`. Hot. */
function leafValue({ links, numbers }: PackedNodes, root: number, x: Float64Array, offset: number): number {
  let node = root;
  for (let column = links[2 * node]!; column >= 0; column = links[2 * node]!)
    node = x[offset + column]! <= numbers[node]! ? node + 1 : links[2 * node + 1]!;
  return numbers[node]!;
}
type NodeArray = 'feature' | 'threshold' | 'right' | 'value';

/** @throws InputError when the nodes of the file are not trees. */
export function openBoostedTrees(file: BoostedTreesFile, origin = 'predictor'): LatencyPredictor<BoostedTreesFile> {
  checkTrees(file, origin);
  const roots = Int32Array.from(file.roots);
  const nodes = pack(file);
  const roofline = file.roofline && openRoofline(file.roofline);
  return {
    features: file.features,
    // Hot: see bench/predict.bench.ts.
    predictMs(x, offset = 0) {
      let logMs = file.base;
      for (let tree = 0; tree < roots.length; tree++) logMs += leafValue(nodes, roots[tree]!, x, offset);
      const startMs = roofline ? Math.max(file.floorMs, roofline.predictMs(x, offset)) : 1;
      return startMs * Math.exp(logMs);
    },
    toJSON: () => file,
  };
}

/** The largest log of a factor on the roofline that trees may add up to: times stay finite. */
const mostLog = 100;

/** Every node asks for a column there is and leads on to later nodes of its tree, so that a walk ends; and none ends beyond e^mostLog. */
function checkTrees(
  { features, roofline, base, roots, feature, threshold, right, value }: BoostedTreesFile,
  origin: string,
) {
  const nodes = feature.length;
  const fail = (problem: string): never => {
    throw new InputError(`${origin}: ${problem}.`, 'Give a predictor as it was saved.');
  };
  if ([threshold, right, value].some((array) => array.length !== nodes))
    fail('feature, threshold, right and value differ in length');
  if (roofline && roofline.features.join() !== features.join()) fail('its roofline reads other features');
  let log = Math.abs(base);
  roots.forEach((root, tree) => {
    const end = roots[tree + 1] ?? nodes;
    if (root < 0 || root >= end) fail(`a tree begins at node ${root} of ${nodes}, and ends before node ${end}`);
    let largest = 0;
    for (let node = root; node < end; node++) {
      const column = feature[node]!;
      if (column < -1 || column >= features.length)
        fail(`node ${node} asks for feature ${column} of ${features.length}`);
      if (column >= 0 && (right[node]! <= node + 1 || right[node]! >= end))
        fail(`node ${node} leads to node ${right[node]} of ${nodes}`);
      if (column < 0) largest = Math.max(largest, Math.abs(value[node]!));
    }
    log += largest;
  });
  if (log > mostLog) fail(`its base and leaves add up to ${log}, and ${mostLog} is the most`);
}
