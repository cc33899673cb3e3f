// One regression tree, grown greedily: each node is split where the squared error of two means falls most.
// Breiman, Friedman, Olshen, Stone, "Classification and Regression Trees", 1984, chapter 8.
import { type BinnedColumn, mostBins } from './bins.js';

/**
 * Nodes in preorder; node 0 is the root. A row goes left, to the next node, where its feature is <= threshold, else to the
 * right.
 */
export interface TreeNodes {
  /** Column that the node asks for; -1 in a leaf. */
  readonly feature: number[];
  readonly threshold: number[];
  readonly right: number[];
  /** What a leaf predicts; 0 in other nodes. */
  readonly value: number[];
}

export interface TreeLimits {
  /** Questions on a path, at most. */
  readonly depth: number;
  /** Rows of a leaf, at least. */
  readonly leafRows: number;
}

/**
 * Grows a tree on `target`, [rows of the samples]. A leaf predicts the mean target of its rows.
 * @param rows those it is grown from; put into another order
 * @param features those that it may ask for, ascending
 */
export function growTree(
  columns: readonly BinnedColumn[],
  target: Float64Array,
  rows: Int32Array,
  features: readonly number[],
  { depth, leafRows }: TreeLimits,
): TreeNodes {
  const nodes: TreeNodes = { feature: [], threshold: [], right: [], value: [] };
  const scratch = new Int32Array(rows.length);
  const histogram: Histogram = { sum: new Float64Array(mostBins), count: new Int32Array(mostBins) };

  const grow = (from: number, to: number, level: number): number => {
    const node = nodes.feature.length;
    const own = rows.subarray(from, to);
    const split = level < depth ? bestSplit(columns, target, own, features, leafRows, histogram) : null;
    nodes.feature.push(split?.feature ?? -1);
    nodes.threshold.push(split?.threshold ?? 0);
    nodes.right.push(-1);
    nodes.value.push(split ? 0 : meanOf(target, own));
    if (split) {
      const middle = from + partition(own, columns[split.feature]!.bin, split.bin, scratch);
      grow(from, middle, level + 1);
      nodes.right[node] = grow(middle, to, level + 1);
    }
    return node;
  };
  grow(0, rows.length, 0);
  return nodes;
}

function meanOf(target: Float64Array, rows: Int32Array): number {
  let sum = 0;
  for (const row of rows) sum += target[row]!;
  return sum / rows.length;
}

/** Sums of the target and counts of rows by bin; all zero between uses. */
interface Histogram {
  readonly sum: Float64Array;
  readonly count: Int32Array;
}

interface Split {
  readonly feature: number;
  /** Rows up to this bin go left. */
  readonly bin: number;
  readonly threshold: number;
}

/**
 * The split that lowers the squared error most, the first of equals; null where none does. With S and n the sum and count of
 * each side, the error falls by S_left^2 / n_left + S_right^2 / n_right - S^2 / n.
 */
function bestSplit(
  columns: readonly BinnedColumn[],
  target: Float64Array,
  rows: Int32Array,
  features: readonly number[],
  leafRows: number,
  { sum, count }: Histogram,
): Split | null {
  if (rows.length < 2 * leafRows) return null;
  let total = 0;
  let squares = 0;
  for (const row of rows) {
    total += target[row]!;
    squares += target[row]! ** 2;
  }
  // Rounding must not pass for a gain: where the target is constant, or the same rows are parted by another feature.
  const noise = 1e-12 * squares;
  let best = (total * total) / rows.length + noise;
  let found: Split | null = null;
  for (const feature of features) {
    const { bin, low, high } = columns[feature]!;
    let first = mostBins;
    let last = -1;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const at = bin[row]!;
      sum[at]! += target[row]!;
      count[at]! += 1;
      if (at < first) first = at;
      if (at > last) last = at;
    }
    let leftSum = 0;
    let leftCount = 0;
    let previous = -1;
    for (let at = first; at <= last; at++) {
      const here = count[at]!;
      if (here === 0) continue;
      const rightCount = rows.length - leftCount;
      if (leftCount >= leafRows && rightCount >= leafRows) {
        const rightSum = total - leftSum;
        const score = (leftSum * leftSum) / leftCount + (rightSum * rightSum) / rightCount;
        if (score > best) {
          best = score + noise;
          found = { feature, bin: previous, threshold: (high[previous]! + low[at]!) / 2 };
        }
      }
      leftSum += sum[at]!;
      leftCount += here;
      previous = at;
      sum[at] = 0;
      count[at] = 0;
    }
  }
  return found;
}

/** Moves the rows up to `limit` to the front, both parts in their old order; returns how many those are. */
function partition(rows: Int32Array, bin: Uint8Array, limit: number, scratch: Int32Array): number {
  let left = 0;
  let right = 0;
  for (const row of rows) {
    if (bin[row]! <= limit) rows[left++] = row;
    else scratch[right++] = row;
  }
  rows.set(scratch.subarray(0, right), left);
  return left;
}
