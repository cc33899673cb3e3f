// Maximum flow and minimum cut by Dinic's algorithm (1970): breadth-first levels, then blocking flows along them.
// Flat arrays; capacities are doubles, and an edge is saturated exactly because its residual is set, never approached.

export class FlowNetwork {
  readonly #nodeCount: number;
  readonly #head: Int32Array;
  readonly #next: number[] = [];
  readonly #to: number[] = [];
  readonly #residual: number[] = [];

  constructor(nodeCount: number) {
    this.#nodeCount = nodeCount;
    this.#head = new Int32Array(nodeCount).fill(-1);
  }

  /** Adds u -> v with `capacity` (may be Infinity) and v -> u with `reverseCapacity`. */
  addEdge(u: number, v: number, capacity: number, reverseCapacity = 0): void {
    this.#half(u, v, capacity);
    this.#half(v, u, reverseCapacity);
  }

  #half(u: number, v: number, capacity: number): void {
    this.#next.push(this.#head[u]!);
    this.#head[u] = this.#to.length;
    this.#to.push(v);
    this.#residual.push(capacity);
  }

  /**
   * The side of the source in a minimum s-t cut, 1 per node: the nodes that residual edges reach from `source`.
   * Among all minimum cuts it is the one with the smallest source side.
   */
  minCut(source: number, sink: number): Uint8Array {
    const level = new Int32Array(this.#nodeCount);
    const current = new Int32Array(this.#nodeCount);
    for (this.#levels(source, level); level[sink]! >= 0; this.#levels(source, level)) {
      current.set(this.#head);
      while (this.#augment(source, sink, level, current));
    }
    return Uint8Array.from(level, (distance) => Number(distance >= 0));
  }

  /** Breadth-first distances over edges with residual capacity; -1 where unreachable. */
  #levels(source: number, level: Int32Array): void {
    level.fill(-1);
    level[source] = 0;
    const queue = [source];
    for (const node of queue) {
      for (let edge = this.#head[node]!; edge >= 0; edge = this.#next[edge]!) {
        const to = this.#to[edge]!;
        if (this.#residual[edge]! > 0 && level[to]! < 0) {
          level[to] = level[node]! + 1;
          queue.push(to);
        }
      }
    }
  }

  /** Pushes flow along one path of increasing level, depth first with an explicit stack; false when none is left. */
  #augment(source: number, sink: number, level: Int32Array, current: Int32Array): boolean {
    const path: number[] = [];
    let node = source;
    while (node !== sink) {
      let edge = current[node]!;
      while (edge >= 0 && !(this.#residual[edge]! > 0 && level[this.#to[edge]!]! === level[node]! + 1))
        edge = this.#next[edge]!;
      current[node] = edge;
      if (edge >= 0) {
        path.push(edge);
        node = this.#to[edge]!;
      } else {
        const back = path.pop();
        if (back === undefined) return false;
        node = this.#to[back ^ 1]!;
        current[node] = this.#next[back]!;
      }
    }
    let bottleneck = Number.POSITIVE_INFINITY;
    for (const edge of path) bottleneck = Math.min(bottleneck, this.#residual[edge]!);
    if (bottleneck === Number.POSITIVE_INFINITY)
      throw new RangeError('FlowNetwork: a path of infinite capacity joins source and sink.');
    for (const edge of path) {
      this.#residual[edge]! -= bottleneck;
      this.#residual[edge ^ 1]! += bottleneck;
    }
    return true;
  }
}
