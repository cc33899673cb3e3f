// Which branches of a layer run side by side: Parallax (arXiv 2512.11532), its balance rule and memory-aware scheduler.

/** The properties of a branch that the rule uses. */
export interface BranchLoad {
  readonly operators: number;
  /** F. */
  readonly flops: number;
  /** M: bytes that the branch reserves while it runs. */
  readonly peakBytes: number;
}

/** More than 2 operators each, F_max / F_min <= 1.5, at most 6 threads. */
export const concurrencyRule = { minOperators: 3, maxFlopsRatio: 1.5, maxThreads: 6 } as const;

/**
 * Bytes for branches that run together, from the free memory that the operating system reports. The paper keeps a margin of
 * 30-50 %; the default is its middle.
 */
export const memoryBudget = (freeBytes: number, margin = 0.4): number => Math.floor(freeBytes * (1 - margin));

export interface ConcurrencyLimits {
  /** Bytes for the branches that run together; a branch that runs alone may exceed it. */
  readonly budgetBytes: number;
  /** 6 unless given. */
  readonly threads?: number;
}

/** Whether branches may run side by side, memory apart. */
export function mayRunTogether(branches: readonly BranchLoad[]): boolean {
  const flops = branches.map((branch) => branch.flops);
  return (
    branches.every(({ operators }) => operators >= concurrencyRule.minOperators) &&
    Math.max(...flops) <= concurrencyRule.maxFlopsRatio * Math.min(...flops)
  );
}

/**
 * Indices of the largest set of a layer's branches that may run together within the limits, ascending; empty where no two
 * may. Of equally large sets the one with most FLOPs among those considered. The rest runs in sequence.
 *
 * The balance rule is applied to the set that runs together, not to the whole layer: one light branch would otherwise forbid
 * all others. With F_min fixed, the candidates are a window of the branches by FLOPs, and the largest set within the budget
 * consists of those with the least memory, so the size is exact: O(n^2 log n).
 */
export function concurrentSet(layer: readonly BranchLoad[], { budgetBytes, threads }: ConcurrencyLimits): number[] {
  const { minOperators, maxFlopsRatio, maxThreads } = concurrencyRule;
  const most = Math.min(threads ?? maxThreads, maxThreads);
  const indices = layer.flatMap(({ operators }, index) => (operators >= minOperators ? [index] : []));
  let best: { chosen: number[]; flops: number } = { chosen: [], flops: 0 };
  for (const lightest of indices) {
    const lowest = layer[lightest]!.flops;
    const window = indices
      .filter((index) => layer[index]!.flops >= lowest && layer[index]!.flops <= maxFlopsRatio * lowest)
      .sort((a, b) => layer[a]!.peakBytes - layer[b]!.peakBytes || layer[b]!.flops - layer[a]!.flops);
    const chosen: number[] = [];
    let left = budgetBytes;
    for (const index of window) {
      left -= layer[index]!.peakBytes;
      if (left < 0 || chosen.length === most) break;
      chosen.push(index);
    }
    const flops = chosen.reduce((sum, index) => sum + layer[index]!.flops, 0);
    const larger = chosen.length - best.chosen.length;
    if (larger > 0 || (larger === 0 && flops > best.flops)) best = { chosen, flops };
  }
  return best.chosen.length > 1 ? best.chosen.sort((a, b) => a - b) : [];
}
