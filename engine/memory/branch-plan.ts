// Plans branches, their concurrency and their memory: Parallax (arXiv 2512.11532) from end to end.
// Time is a sequence of slots: a set of branches that run together takes one slot, every other branch a slot of its own. A
// branch has an arena for the tensors that only it reads, which live in its slot. Its other tensors are in buffers that live
// until the slot of their last reader. Arenas and buffers share one block if their slots are disjoint.
import { checkOptions } from '../../base/errors/options.js';
import type { OperatorGraph } from '../../models/graph.js';
import { type ArenaBuffer, naiveBytes, planArena } from '../../predictor/arenas/arena.js';
import { localArena } from '../../predictor/arenas/local-arena.js';
import { type Branch, branchesOf } from './branches.js';
import { type ConcurrencyLimits, concurrentSet } from './concurrency.js';

export interface PlannedBranch extends Branch {
  /** When it runs; branches of one slot run side by side. */
  readonly slot: number;
  /** Among the branches of its slot. */
  readonly lane: number;
  /** Size of the arena of tensors that only this branch reads. */
  readonly arenaBytes: number;
  /** M: its arena and what it hands out. The paper plans both as one; this is never less. */
  readonly peakBytes: number;
}

export interface BranchPlan {
  readonly branches: readonly PlannedBranch[];
  /** Byte offset of each tensor in the one block. */
  readonly offsets: readonly number[];
  /** Size of the block. */
  readonly peakBytes: number;
  /** Every arena and buffer apart: reuse inside branches only. */
  readonly separateBytes: number;
  /** One buffer for each tensor. */
  readonly naiveBytes: number;
  /** For `Schedule.of`: units by slot, those of one slot in turn, and the lane of each. */
  readonly order: Uint32Array;
  readonly lane: Uint8Array;
}

export interface BranchPlanOptions extends Partial<ConcurrencyLimits> {
  /** Regions handed to an accelerator as one; none unless given. */
  readonly delegates?: readonly (readonly number[])[];
}

/** Plans the parallel execution of a graph's branches on lanes of one device. */
export function branchPlan(graph: OperatorGraph, options: BranchPlanOptions = {}): BranchPlan {
  checkOptions('branchPlan', options, { delegates: true, budgetBytes: true, threads: true });
  const { delegates = [], budgetBytes = Number.POSITIVE_INFINITY, ...limits } = options;
  const cut = branchesOf(graph, delegates).map((branch) => ({ ...branch, ...localArena(graph, branch.units) }));
  const placed = slots(cut, { budgetBytes, ...limits });
  const branches = cut.map(({ offsets: _, ...branch }, index): PlannedBranch => ({ ...branch, ...placed[index]! }));

  const slotOf = new Uint32Array(graph.units.length);
  for (const { units, slot } of branches) for (const unit of units) slotOf[unit] = slot;
  const end = branches.reduce((last, { slot }) => Math.max(last, slot + 1), 0);
  const local = new Set(cut.flatMap(({ offsets }) => [...offsets.keys()]));
  const shared = graph.tensors.filter(({ id }) => !local.has(id));
  const arenas = branches.map(({ slot, arenaBytes }): ArenaBuffer => ({ bytes: arenaBytes, from: slot, to: slot }));
  const buffers = shared.map(({ bytes, producer, consumers, graphOutput }): ArenaBuffer => {
    const from = producer === null ? 0 : slotOf[producer]!;
    const to = graphOutput ? end : consumers.reduce((last, unit) => Math.max(last, slotOf[unit]!), from);
    return { bytes, from, to };
  });
  const block = planArena([...arenas, ...buffers]);

  const offsets = new Array<number>(graph.tensors.length).fill(0);
  cut.forEach(({ offsets: inArena }, index) => {
    for (const [tensor, offset] of inArena) offsets[tensor] = block.offsets[index]! + offset;
  });
  shared.forEach(({ id }, index) => {
    offsets[id] = block.offsets[arenas.length + index]!;
  });
  const lane = new Uint8Array(graph.units.length);
  for (const branch of branches) for (const unit of branch.units) lane[unit] = branch.lane;
  return {
    branches,
    offsets,
    peakBytes: block.peakBytes,
    separateBytes: naiveBytes([...arenas, ...buffers]),
    naiveBytes: naiveBytes(graph.tensors.map(({ bytes }) => ({ bytes, from: 0, to: 0 }))),
    order: sideBySide(branches),
    lane,
  };
}

/**
 * The units slot by slot; within a slot the first units of all branches, then the second ones, lane 0's last. Segments are cut
 * by the order: in this one no branch is joined to the branch before or after it on its lane.
 */
function sideBySide(branches: readonly PlannedBranch[]): Uint32Array {
  const placed = branches.flatMap(({ units, slot, lane }) => units.map((unit, turn) => ({ unit, slot, lane, turn })));
  placed.sort((a, b) => a.slot - b.slot || a.turn - b.turn || b.lane - a.lane);
  return Uint32Array.from(placed, ({ unit }) => unit);
}

/** Layer by layer: the branches that run together take one slot, then the others one each. */
function slots(
  branches: readonly (Branch & { readonly peakBytes: number })[],
  limits: ConcurrencyLimits,
): { slot: number; lane: number }[] {
  const placed = branches.map(() => ({ slot: 0, lane: 0 }));
  const layerCount = branches.reduce((most, { layer }) => Math.max(most, layer + 1), 0);
  let slot = 0;
  for (let number = 0; number < layerCount; number++) {
    const layer = branches.flatMap((branch, index) => (branch.layer === number ? [index] : []));
    // Only chains: a delegate occupies the accelerator, and a junction is a single operator.
    const loads = layer.map((index) => {
      const { kind, units, flops, peakBytes } = branches[index]!;
      return { operators: kind === 'chain' ? units.length : 0, flops, peakBytes };
    });
    const together = concurrentSet(loads, limits);
    together.forEach((position, lane) => {
      placed[layer[position]!] = { slot, lane };
    });
    if (together.length > 0) slot++;
    layer.forEach((index, position) => {
      if (!together.includes(position)) placed[index] = { slot: slot++, lane: 0 };
    });
  }
  return placed;
}
