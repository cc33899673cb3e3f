// Which regions of a graph are worth handing to an accelerator: the delegate pruning of Parallax (arXiv 2512.11532).
// Many small delegated regions cost more in dispatch and copies than they save, so small or talkative ones stay on the CPU.
import type { OperatorGraph } from '../../models/graph.js';

/** Units that would be handed over as one, with the properties that the rule uses. */
export interface Region {
  readonly units: readonly number[];
  /** F: multiply-accumulates. */
  readonly macs: number;
  /** B: bytes of the tensors that cross its boundary, each once. */
  readonly boundaryBytes: number;
}

/** The paper's rule: N >= 3 operators, F >= 1e9 MAC, B / F <= 0.1 byte per MAC. */
export const pruningRule = { minOperators: 3, minMacs: 1e9, maxBytesPerMac: 0.1 } as const;

/** The paper's constants for a Snapdragon 8 Gen 1, per ms; R_cpu is from its appendix. */
export const offloadConstants = {
  /** L: dispatch. */
  dispatchMs: 0.2,
  /** R_acc = 2.6e13 MAC/s. */
  acceleratorMacsPerMs: 2.6e10,
  /** B_bw = 51.2 GB/s. */
  bytesPerMs: 51.2e6,
  /** R_cpu of about 1e9 MAC/s. */
  cpuMacsPerMs: 1e6,
} as const;

/** The pruning rule. */
export function keepsDelegate({ units, macs, boundaryBytes }: Region): boolean {
  return (
    units.length >= pruningRule.minOperators &&
    macs >= pruningRule.minMacs &&
    boundaryBytes <= pruningRule.maxBytesPerMac * macs
  );
}

/**
 * The inequality behind the rule: L + F/R_acc + B/B_bw < F/R_cpu. The paper contradicts itself on the consequence: its main
 * text requires F > L*R_acc (5.2e9), its appendix F > L*R_cpu (2e5), and its rule 1e9, which follows from neither. Its FLOP
 * table counts a MAC as two, its rule as one. We use the rule as printed, on MACs, and offer the inequality beside it.
 */
export function offloadPays({ macs, boundaryBytes }: Region, constants: OffloadConstants = offloadConstants): boolean {
  const { dispatchMs, acceleratorMacsPerMs, bytesPerMs, cpuMacsPerMs } = constants;
  return dispatchMs + macs / acceleratorMacsPerMs + boundaryBytes / bytesPerMs < macs / cpuMacsPerMs;
}
export type OffloadConstants = { readonly [key in keyof typeof offloadConstants]: number };

/**
 * Candidate regions: units that the accelerator supports, grouped so that no path leaves a group and returns to it.
 * A unit's epoch is the largest number of changes of support on a path to it; a group is the supported units of one epoch
 * (TensorFlow Lite's delegates partition graphs in such epochs).
 */
export function candidateRegions(graph: OperatorGraph, supported: (unit: number) => boolean): Region[] {
  // Odd epochs are supported ones; a unit without producers starts at 0 or 1.
  const epoch = new Uint32Array(graph.units.length);
  const groups = new Map<number, number[]>();
  for (const { id, inputs } of graph.units) {
    const parity = supported(id) ? 1 : 0;
    let latest: number = parity;
    for (const tensor of inputs) {
      const { producer } = graph.tensors[tensor]!;
      if (producer === null) continue;
      const before = epoch[producer]!;
      latest = Math.max(latest, before % 2 === parity ? before : before + 1);
    }
    epoch[id] = latest;
    if (parity === 1) groups.set(latest, [...(groups.get(latest) ?? []), id]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, units]) => regionOf(graph, units));
}

/** Sums up a group of units. */
export function regionOf(graph: OperatorGraph, units: readonly number[]): Region {
  const inside = new Set(units);
  const crossing = graph.tensors.filter(({ producer, consumers, graphOutput }) => {
    const written = producer !== null && inside.has(producer);
    const read = consumers.filter((unit) => inside.has(unit)).length;
    return written ? graphOutput || read < consumers.length : read > 0;
  });
  return {
    units,
    macs: units.reduce((sum, unit) => sum + graph.units[unit]!.macs, 0),
    boundaryBytes: crossing.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
