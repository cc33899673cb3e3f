// The memory of units that run together, a branch or a segment: an arena for the tensors that only they read, and room for the
// tensors that they hand out.
import type { OperatorGraph } from '../../models/graph.js';
import { type ArenaBuffer, alignedBytes, planArena } from './arena.js';

export interface LocalArena {
  /** Size of the arena of tensors that only these units read. */
  readonly arenaBytes: number;
  /** M of Parallax: the arena and what is handed out. The paper plans both as one; this is never less. */
  readonly peakBytes: number;
  /** Byte offset in the arena of each tensor there. */
  readonly offsets: ReadonlyMap<number, number>;
}

/** @param units in the order they run in. */
export function localArena(graph: OperatorGraph, units: readonly number[]): LocalArena {
  const stepOf = new Map(units.map((unit, step) => [unit, step]));
  const local: (ArenaBuffer & { tensor: number })[] = [];
  let handedOut = 0;
  for (const tensor of units.flatMap((unit) => graph.units[unit]!.outputs)) {
    const { bytes, producer, consumers, graphOutput } = graph.tensors[tensor]!;
    if (graphOutput || consumers.some((unit) => !stepOf.has(unit))) {
      handedOut += alignedBytes(bytes);
      continue;
    }
    const from = stepOf.get(producer!)!;
    const to = consumers.reduce((last, unit) => Math.max(last, stepOf.get(unit)!), from);
    local.push({ tensor, bytes, from, to });
  }
  const { offsets, peakBytes: arenaBytes } = planArena(local);
  return {
    arenaBytes,
    peakBytes: arenaBytes + handedOut,
    offsets: new Map(local.map(({ tensor }, index) => [tensor, offsets[index]!])),
  };
}
