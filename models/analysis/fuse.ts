// Finds the operators that ONNX Runtime runs as one kernel, from its own extended optimisation: a tensor of the basic-level
// graph that no longer exists there was inside a fused kernel, so its producer and its consumers are one group.
import type { GraphProto } from '../../base/onnx/proto.js';

/** What fusing needs to know of a node. */
export interface Wired {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

/**
 * Groups of node positions, in a topological order of the groups, members ascending. `nodes` are those of the basic
 * graph; `extended` is what became of it.
 */
export function fusedGroups(nodes: readonly Wired[], extended: GraphProto): number[][] {
  const surviving = new Set(extended.node.flatMap((node) => node.output));
  const producer = new Map<string, number>();
  nodes.forEach((node, position) => {
    for (const name of node.writes) producer.set(name, position);
  });
  const forest = new UnionFind(nodes.length);
  nodes.forEach((node, position) => {
    for (const name of node.reads) {
      const from = producer.get(name);
      if (from !== undefined && !surviving.has(name)) forest.union(from, position);
    }
  });
  // A kernel may hand out a tensor from its middle (SkipLayerNormalization gives the sum too): one kernel, one group.
  for (const { output } of extended.node) {
    const producers = output.flatMap((name) => producer.get(name) ?? []);
    for (const other of producers.slice(1)) forest.union(producers[0]!, other);
  }
  return orderGroups(nodes, forest.sets());
}

/** Topological order of the groups, ties by first member. A group that closes a cycle is taken apart. */
export function orderGroups(nodes: readonly Wired[], groups: readonly (readonly number[])[]): number[][] {
  const next = successors(nodes, groups);
  const waiting = groups.map(() => 0);
  for (const targets of next) for (const target of targets) waiting[target]!++;
  const ready = groups.flatMap((_, group) => (waiting[group] === 0 ? [group] : []));
  const order: number[][] = [];
  while (ready.length > 0) {
    ready.sort((a, b) => groups[b]![0]! - groups[a]![0]!);
    const group = ready.pop()!;
    order.push([...groups[group]!]);
    for (const target of next[group]!) if (--waiting[target]! === 0) ready.push(target);
  }
  if (order.length === groups.length) return order;
  const culprit = groups.findIndex((members, group) => members.length > 1 && reaches(next, group, group));
  return orderGroups(nodes, [
    ...groups.filter((_, group) => group !== culprit),
    ...groups[culprit]!.map((member) => [member]),
  ]);
}

/** Per group, the other groups that read what it writes. */
function successors(nodes: readonly Wired[], groups: readonly (readonly number[])[]): Set<number>[] {
  const writer = new Map<string, number>();
  groups.forEach((members, group) => {
    for (const member of members) for (const name of nodes[member]!.writes) writer.set(name, group);
  });
  const next = groups.map(() => new Set<number>());
  groups.forEach((members, group) => {
    for (const member of members) {
      for (const name of nodes[member]!.reads) {
        const from = writer.get(name);
        if (from !== undefined && from !== group) next[from]!.add(group);
      }
    }
  });
  return next;
}

function reaches(next: readonly ReadonlySet<number>[], from: number, target: number): boolean {
  const seen = new Set<number>();
  const stack = [...next[from]!];
  while (stack.length > 0) {
    const group = stack.pop()!;
    if (group === target) return true;
    if (seen.has(group)) continue;
    seen.add(group);
    stack.push(...next[group]!);
  }
  return false;
}

class UnionFind {
  readonly #parent: number[];

  constructor(size: number) {
    this.#parent = Array.from({ length: size }, (_, i) => i);
  }

  #root(item: number): number {
    let root = item;
    while (this.#parent[root] !== root) root = this.#parent[root]!;
    this.#parent[item] = root;
    return root;
  }

  union(a: number, b: number): void {
    const [low, high] = [this.#root(a), this.#root(b)].sort((x, y) => x - y);
    this.#parent[high!] = low!;
  }

  sets(): number[][] {
    const sets = new Map<number, number[]>();
    this.#parent.forEach((_, item) => {
      const root = this.#root(item);
      sets.set(root, [...(sets.get(root) ?? []), item]);
    });
    return [...sets.values()];
  }
}
