// Parallax (arXiv 2512.11532): a graph as branches, chains that can run side by side, and layers, the fronts in which
// branches become ready. O(V + E).
import { InputError } from '../../base/errors/input-error.js';
import type { OperatorGraph } from '../../models/graph.js';

export type NodeKind = 'sequential' | 'splitter' | 'merger' | 'split-merge';

export interface Branch {
  /** In topological order. */
  readonly units: readonly number[];
  /** A run of sequential units, one unit that forks or joins, or a delegated region. */
  readonly kind: 'chain' | 'junction' | 'delegate';
  /** F: sum of its units' FLOPs. */
  readonly flops: number;
  /** Front of Kahn's sort: one more than the latest branch it reads from. */
  readonly layer: number;
}

/** Units that read a unit's outputs, and units whose outputs it reads, without duplicates. */
interface Neighbours {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

function neighbours(graph: OperatorGraph): Neighbours[] {
  return graph.units.map(({ inputs, outputs }) => {
    const before = inputs.flatMap((tensor) => graph.tensors[tensor]!.producer ?? []);
    return {
      before: [...new Set(before)],
      after: [...new Set(outputs.flatMap((tensor) => graph.tensors[tensor]!.consumers))],
    };
  });
}

/**
 * Kinds by (in, out) degree: sequential (1, 1), splitter (1, >1), merger (>1, 1), split-merge (>1, >1); control flow is
 * split-merge. Units at the graph's ends count as having one neighbour there.
 */
export function nodeKinds(graph: OperatorGraph): NodeKind[] {
  return neighbours(graph).map(({ before, after }, unit) => {
    if (graph.units[unit]!.opClass === 'control-flow') return 'split-merge';
    if (before.length > 1) return after.length > 1 ? 'split-merge' : 'merger';
    return after.length > 1 ? 'splitter' : 'sequential';
  });
}

/**
 * Cuts the graph into branches, ordered by layer and then by first unit. The paper's algorithm as written leaves splitters
 * and mergers in no branch; they have to run, so each is a branch of its own (ours).
 * @param delegates regions that are handed to an accelerator as one; no path may leave one and return.
 */
export function branchesOf(graph: OperatorGraph, delegates: readonly (readonly number[])[] = []): Branch[] {
  const near = neighbours(graph);
  const kinds = nodeKinds(graph);
  const groups: { units: number[]; kind: Branch['kind'] }[] = delegates.map((units) => ({
    units: units.toSorted((a, b) => a - b),
    kind: 'delegate',
  }));
  const groupOf = new Int32Array(graph.units.length).fill(-1);
  groups.forEach(({ units }, index) => {
    for (const unit of units) {
      if (groupOf[unit] !== -1) {
        throw new InputError(
          `memory: unit ${unit} "${graph.units[unit]!.name}" is in two delegated regions.`,
          'Give disjoint regions.',
        );
      }
      groupOf[unit] = index;
    }
  });
  // Units come in topological order, so a chain is extended from its end.
  for (const { id } of graph.units) {
    if (groupOf[id] !== -1) continue;
    const [previous] = near[id]!.before;
    const before = previous === undefined ? undefined : groups[groupOf[previous]!];
    if (kinds[id] === 'sequential' && before?.kind === 'chain') before.units.push(id);
    else groups.push({ units: [id], kind: kinds[id] === 'sequential' ? 'chain' : 'junction' });
    groupOf[id] = before?.units.at(-1) === id ? groupOf[previous!]! : groups.length - 1;
  }

  const layers = kahnFronts(
    graph,
    groups.map(({ units }) => units),
    groupOf,
    near,
  );
  return groups
    .map(({ units, kind }, index): Branch => {
      const flops = units.reduce((sum, unit) => sum + graph.units[unit]!.flops, 0);
      return { units, kind, flops, layer: layers[index]! };
    })
    .sort((a, b) => a.layer - b.layer || a.units[0]! - b.units[0]!);
}

/** The layer of each group: Kahn's sort, one front at a time. */
function kahnFronts(
  graph: OperatorGraph,
  groups: readonly (readonly number[])[],
  groupOf: Int32Array,
  near: readonly Neighbours[],
): Int32Array {
  const after = groups.map((units, index) => [
    ...new Set(
      units.flatMap((unit) => near[unit]!.after.map((next) => groupOf[next]!)).filter((next) => next !== index),
    ),
  ]);
  const waitsFor = new Uint32Array(groups.length);
  for (const next of after.flat()) waitsFor[next]!++;
  const layers = new Int32Array(groups.length).fill(-1);
  let front = groups.flatMap((_, index) => (waitsFor[index] === 0 ? [index] : []));
  for (let layer = 0; front.length > 0; layer++) {
    for (const index of front) layers[index] = layer;
    front = front.flatMap((index) => after[index]!.filter((next) => --waitsFor[next]! === 0));
  }
  const stuck = layers.indexOf(-1);
  if (stuck !== -1) {
    const { name } = graph.units[groups[stuck]![0]!]!;
    throw new InputError(
      `memory: a path leaves the delegated region around "${name}" and returns to it.`,
      'Give regions that contain every path between their units.',
    );
  }
  return layers;
}
