// Offsets in one block of memory for buffers whose lifetimes are known: dynamic storage allocation, NP-hard in general.
// Two greedy orders are tried and the better one kept, as compilers do. Both put each buffer into the smallest gap that
// fits between the buffers already placed that are live with it, else on top of them:
// - by start, a linear scan over time with a best-fit free list; Parallax (arXiv 2512.11532) plans its arenas so;
// - by size, large ones first: Pisarchyk, Lee, "Efficient Memory Management for Deep Neural Net Inference",
//   arXiv 2001.03288, greedy by size for offset calculation; TensorFlow Lite's planner.

/** Something to be stored from `from` to `to`, both included; any unit of time. */
export interface ArenaBuffer {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

export interface ArenaPlan {
  /** Byte offset of each buffer, aligned. */
  readonly offsets: readonly number[];
  /** Size of the block. */
  readonly peakBytes: number;
}

/** Widest vector load (AVX-512) and the usual cache line, bytes. */
export const alignment = 64;

/** A buffer's size in an arena: whole alignment units, so that the next one starts aligned. */
export const alignedBytes = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/**
 * Places every buffer so that no two overlap both in time and in memory; O(n^2).
 * @param clash whether two buffers may be live at the same time; by their intervals unless given, which then only order.
 */
export function planArena<B extends ArenaBuffer>(
  buffers: readonly B[],
  clash: (a: B, b: B) => boolean = liveTogether,
): ArenaPlan {
  const indices = buffers.map((_, index) => index);
  const bySize = indices.toSorted(
    (a, b) => buffers[b]!.bytes - buffers[a]!.bytes || buffers[a]!.from - buffers[b]!.from,
  );
  const byStart = indices.toSorted(
    (a, b) => buffers[a]!.from - buffers[b]!.from || buffers[b]!.bytes - buffers[a]!.bytes,
  );
  const [sized, scanned] = [place(buffers, bySize, clash), place(buffers, byStart, clash)];
  return scanned.peakBytes < sized.peakBytes ? scanned : sized;
}

export const liveTogether = (a: ArenaBuffer, b: ArenaBuffer): boolean => a.from <= b.to && b.from <= a.to;

function place<B extends ArenaBuffer>(
  buffers: readonly B[],
  order: readonly number[],
  clash: (a: B, b: B) => boolean,
): ArenaPlan {
  const offsets = new Array<number>(buffers.length).fill(0);
  /** Indices placed so far, by offset. */
  const placed: number[] = [];
  let peakBytes = 0;
  for (const index of order) {
    const buffer = buffers[index]!;
    const size = alignedBytes(buffer.bytes);
    let top = 0;
    let best = { offset: -1, gap: Number.POSITIVE_INFINITY };
    for (const other of placed) {
      if (!clash(buffer, buffers[other]!)) continue;
      const gap = offsets[other]! - top;
      if (gap >= size && gap < best.gap) best = { offset: top, gap };
      top = Math.max(top, offsets[other]! + alignedBytes(buffers[other]!.bytes));
    }
    const offset = best.offset >= 0 ? best.offset : top;
    offsets[index] = offset;
    const position = placed.findIndex((other) => offsets[other]! > offset);
    placed.splice(position < 0 ? placed.length : position, 0, index);
    peakBytes = Math.max(peakBytes, offset + size);
  }
  return { offsets, peakBytes };
}

/** The most bytes live at one time: no plan needs less. */
export function maxLiveBytes(buffers: readonly ArenaBuffer[]): number {
  // At equal times a start comes before an end: both bounds are included.
  const changes = buffers
    .flatMap(({ bytes, from, to }) => {
      const size = alignedBytes(bytes);
      return [
        { at: from, delta: size },
        { at: to, delta: -size },
      ];
    })
    .sort((a, b) => a.at - b.at || b.delta - a.delta);
  let live = 0;
  return changes.reduce((most, { delta }) => Math.max(most, (live += delta)), 0);
}

/** One buffer for each tensor, nothing reused. */
export function naiveBytes(buffers: readonly ArenaBuffer[]): number {
  return buffers.reduce((sum, { bytes }) => sum + alignedBytes(bytes), 0);
}
