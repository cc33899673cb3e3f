// Gradient-boosted regression trees on the logarithm of latency, so that an error of 10 % weighs the same for a unit of
// 10 us as for one of 10 ms. They begin with the roofline and learn what it leaves: trees alone say nothing sensible beyond
// the sizes they have seen. Each is fitted to what the trees before it leave, and may ask for half of the features.
// Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29(5), 2001, algorithm 2;
// "Stochastic gradient boosting", Computational Statistics & Data Analysis 38(4), 2002.
import { z } from 'zod';
import { InputError } from '../../../base/errors/input-error.js';
import { Stream } from '../../../base/random/stream.js';
import { binColumns } from './bins.js';
import type { LatencyPredictor } from './latency-predictor.js';
import { growTree, type TreeLimits } from './regression-tree.js';
import { fitRoofline, openRoofline, rooflineSchema } from './roofline-features.js';
import type { Samples } from './samples.js';

export interface BoostingOptions extends TreeLimits {
  /** What the first tree corrects: a roofline fitted to the same samples, or the mean of log latency. */
  readonly start: 'roofline' | 'mean';
  readonly trees: number;
  /** What part of a tree's correction is taken. */
  readonly learningRate: number;
  /** Share of the rows that a tree is grown from, and of the features that it may ask for; 1 for all. */
  readonly rowShare: number;
  readonly featureShare: number;
  readonly seed: number;
}

/** The same for every data set; docs/predictors.md says how they were chosen. */
export const boostingDefaults: BoostingOptions = {
  start: 'roofline',
  trees: 300,
  learningRate: 0.1,
  depth: 8,
  leafRows: 3,
  rowShare: 1,
  featureShare: 0.5,
  seed: 0,
};

const integers = z.array(z.int());
export const boostedTreesSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('boosted-trees'),
  features: z.array(z.string()).min(1),
  /** What the first tree corrects; null where that is the mean alone. */
  roofline: rooflineSchema.nullable(),
  /** The roofline is taken no lower than a tenth of the shortest latency it was fitted to: where it is 0, it has no log. */
  floorMs: z.number().positive(),
  /** Added to the roofline's log of ms before any tree. */
  base: z.number(),
  /** First node of each tree. */
  roots: integers,
  /** Column that a node asks for, -1 in a leaf; a row goes left where it is at most the threshold. */
  feature: integers,
  threshold: z.array(z.number()),
  left: integers,
  right: integers,
  /** What a leaf adds, learning rate included. */
  value: z.array(z.number()),
});
export type BoostedTreesFile = z.infer<typeof boostedTreesSchema>;

export function fitBoostedTrees(
  samples: Samples,
  options: Partial<BoostingOptions> = {},
): LatencyPredictor<BoostedTreesFile> {
  const { start, trees, learningRate, rowShare, featureShare, seed, ...limits } = { ...boostingDefaults, ...options };
  const width = samples.features.length;
  const rows = [...samples.latencyMs.keys()];
  const features = [...samples.features.keys()];
  const random = Stream.of(seed, 'boosted-trees');
  const columns = binColumns(samples);
  const roofline = start === 'roofline' ? fitRoofline(samples) : null;
  const floorMs = samples.latencyMs.reduce((least, ms) => Math.min(least, ms)) / 10;
  const residual = samples.latencyMs.map(
    (ms, row) =>
      Math.log(ms) - (roofline ? Math.log(Math.max(floorMs, roofline.predictMs(samples.x, row * width))) : 0),
  );
  const base = residual.reduce((sum, value) => sum + value, 0) / residual.length;
  for (const row of rows) residual[row]! -= base;

  const roots: number[] = [];
  const all = { feature: [], threshold: [], left: [], right: [], value: [] } as Record<NodeArray, number[]>;
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
      all.left.push(leaf ? -1 : root + nodes.left[node]!);
      all.right.push(leaf ? -1 : root + nodes.right[node]!);
      all.value.push(learningRate * nodes.value[node]!);
    }
    roots.push(root);
    for (const row of rows) residual[row]! -= all.value[leafOf(all, root, samples.x, row * width)]!;
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

/** A share of the items, at least one, in their order; all of them without a draw. */
function drawn(items: readonly number[], share: number, random: Stream): readonly number[] {
  if (share >= 1) return items;
  const count = Math.max(1, Math.round(share * items.length));
  return random
    .shuffle(items)
    .slice(0, count)
    .sort((a, b) => a - b);
}

/** The leaf that the row at `offset` of `x` falls into. Hot. */
function leafOf(
  nodes: Readonly<Record<Exclude<NodeArray, 'value'>, ArrayLike<number>>>,
  root: number,
  x: Float64Array,
  offset: number,
): number {
  let node = root;
  for (let column = nodes.feature[node]!; column >= 0; column = nodes.feature[node]!)
    node = x[offset + column]! <= nodes.threshold[node]! ? nodes.left[node]! : nodes.right[node]!;
  return node;
}
type NodeArray = 'feature' | 'threshold' | 'left' | 'right' | 'value';

/** @throws InputError when the nodes of the file are not trees. */
export function openBoostedTrees(file: BoostedTreesFile, origin = 'predictor'): LatencyPredictor<BoostedTreesFile> {
  checkTrees(file, origin);
  const roots = Int32Array.from(file.roots);
  const nodes = {
    feature: Int32Array.from(file.feature),
    threshold: Float64Array.from(file.threshold),
    left: Int32Array.from(file.left),
    right: Int32Array.from(file.right),
  };
  const value = Float64Array.from(file.value);
  const roofline = file.roofline && openRoofline(file.roofline);
  return {
    features: file.features,
    // Hot: see bench/predict.bench.ts.
    predictMs(x, offset = 0) {
      let logMs = file.base;
      for (let tree = 0; tree < roots.length; tree++) logMs += value[leafOf(nodes, roots[tree]!, x, offset)]!;
      const startMs = roofline ? Math.max(file.floorMs, roofline.predictMs(x, offset)) : 1;
      return startMs * Math.exp(logMs);
    },
    toJSON: () => file,
  };
}

/** Every node asks for a column there is and leads on to later nodes: so that a walk ends. */
function checkTrees({ features, roots, feature, threshold, left, right, value }: BoostedTreesFile, origin: string) {
  const nodes = feature.length;
  const fail = (problem: string): never => {
    throw new InputError(`${origin}: ${problem}.`, 'Give a predictor as it was saved.');
  };
  if ([threshold, left, right, value].some((array) => array.length !== nodes))
    fail('feature, threshold, left, right and value differ in length');
  for (const root of roots) if (root < 0 || root >= nodes) fail(`a tree begins at node ${root} of ${nodes}`);
  feature.forEach((column, node) => {
    if (column < -1 || column >= features.length) fail(`node ${node} asks for feature ${column} of ${features.length}`);
    for (const child of column < 0 ? [] : [left[node]!, right[node]!])
      if (child <= node || child >= nodes) fail(`node ${node} leads to node ${child} of ${nodes}`);
  });
}
