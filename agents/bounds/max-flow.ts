// Maximum flow and minimum cut by Dinic's algorithm (1970): breadth-first levels, then blocking flows along them.
// Flat arrays; capacities are doubles, and an edge is saturated exactly because its residual is set, never approached.

export class FlowNetwork {
  readonly #head: number[] = [];
  readonly #next: number[] = [];
  readonly #to: number[] = [];
  readonly #residual: number[] = [];

  /** Adds nodes without edges; returns the number of the first. */
  addNodes(count: number): number {
    for (let i = 0; i < count; i++) this.#head.push(-1);
    return this.#head.length - count;
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
   * A minimum s-t cut of the network as it is now: its capacity, and the side of the source, 1 per node, which is what
   * residual edges reach from `source`. Among all minimum cuts it is the one with the smallest source side.
   */
  minCut(source: number, sink: number): { readonly capacity: number; readonly side: Uint8Array } {
    const flow = new BlockingFlows(
      Int32Array.from(this.#head),
      Int32Array.from(this.#next),
      Int32Array.from(this.#to),
      Float64Array.from(this.#residual),
    );
    let capacity = 0;
    while (flow.reaches(source, sink)) capacity += flow.block(source, sink);
    return { capacity, side: Uint8Array.from(flow.level, (distance) => Number(distance >= 0)) };
  }
}

class BlockingFlows {
  /** Breadth-first distances over edges with residual capacity; -1 where unreached. */
  readonly level: Int32Array;
  readonly #head: Int32Array;
  readonly #next: Int32Array;
  readonly #to: Int32Array;
  readonly #residual: Float64Array;
  /** Per node, the edge that is tried next. */
  readonly #current: Int32Array;
  /** Nodes in the order they are reached in; then the edges of a path. */
  readonly #list: Int32Array;

  constructor(head: Int32Array, next: Int32Array, to: Int32Array, residual: Float64Array) {
    this.#head = head;
    this.#next = next;
    this.#to = to;
    this.#residual = residual;
    this.level = new Int32Array(head.length);
    this.#current = new Int32Array(head.length);
    this.#list = new Int32Array(head.length);
  }

  /** Sets the levels, as far as the sink's; false if no path leads there, all other levels being set then. */
  reaches(source: number, sink: number): boolean {
    const { level } = this;
    const queue = this.#list;
    level.fill(-1);
    level[source] = 0;
    queue[0] = source;
    for (let first = 0, end = 1; first < end; first++) {
      const node = queue[first]!;
      for (let edge = this.#head[node]!; edge >= 0; edge = this.#next[edge]!) {
        const to = this.#to[edge]!;
        if (level[to]! >= 0 || this.#residual[edge]! <= 0) continue;
        level[to] = level[node]! + 1;
        if (to === sink) return true;
        queue[end++] = to;
      }
    }
    return false;
  }

  /** Pushes flow along paths of increasing level, depth first, until none is left; returns how much. */
  block(source: number, sink: number): number {
    const { level } = this;
    const path = this.#list;
    this.#current.set(this.#head);
    let pushed = 0;
    let length = 0;
    for (let node = source; ; ) {
      if (node === sink) {
        const bottleneck = this.#push(length);
        pushed += bottleneck;
        // Goes on from the first edge that is saturated now.
        length = path.subarray(0, length).findIndex((edge) => this.#residual[edge]! <= 0);
        node = this.#to[path[length]! ^ 1]!;
        continue;
      }
      let edge = this.#current[node]!;
      while (edge >= 0 && !(this.#residual[edge]! > 0 && level[this.#to[edge]!]! === level[node]! + 1))
        edge = this.#next[edge]!;
      this.#current[node] = edge;
      if (edge >= 0) {
        path[length++] = edge;
        node = this.#to[edge]!;
      } else {
        if (length === 0) return pushed;
        const back = path[--length]!;
        node = this.#to[back ^ 1]!;
        this.#current[node] = this.#next[back]!;
      }
    }
  }

  /** As much as the first edges of the path's list carry. */
  #push(length: number): number {
    let bottleneck = Number.POSITIVE_INFINITY;
    for (let i = 0; i < length; i++) bottleneck = Math.min(bottleneck, this.#residual[this.#list[i]!]!);
    if (bottleneck === Number.POSITIVE_INFINITY)
      throw new RangeError('FlowNetwork: a path of infinite capacity joins source and sink.');
    for (let i = 0; i < length; i++) {
      this.#residual[this.#list[i]!]! -= bottleneck;
      this.#residual[this.#list[i]! ^ 1]! += bottleneck;
    }
    return bottleneck;
  }
}
