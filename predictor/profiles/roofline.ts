// The analytic cost model: a unit takes as long as its arithmetic or its memory traffic, whichever is longer.
// Roofline: Williams, Waterman, Patterson, "Roofline", CACM 2009.

import { quantisers } from '../../models/analysis/quantisation.js';
import type { OperatorGraph, Unit } from '../../models/graph.js';
import { fractionRead } from '../../models/parts/channels.js';
import type { CostTable } from '../cost-table.js';
import { byteScaleOf } from './precision.js';
import type { DeviceProfile } from './profile.js';

/** Costs of `graph` by the roofline of `profile`; tensors are counted at the profile's precision. */
export function rooflineCosts(graph: OperatorGraph, profile: DeviceProfile): CostTable {
  const byteScale = byteScaleOf(graph, profile);
  return {
    unitMs(id, device, share) {
      const unit = graph.units[id]!;
      if (share === 0) return 0;
      if (unit.onlyOn !== null && unit.onlyOn !== device) return Number.POSITIVE_INFINITY;
      if (isView(unit)) return 0;
      const model = profile.devices[device]!;
      const computeMs = (unit.flops * share) / model.flopPerMs[unit.opClass];
      const memoryMs = (bytesOfShare(graph, id, share) * byteScale) / model.bytesPerMs;
      return Math.max(computeMs, memoryMs);
    },
    transferMs(tensor, to, fraction = 1) {
      const move = profile.transfer[to]!;
      return move.latencyMs + (graph.tensors[tensor]!.bytes * fraction * byteScale) / move.bytesPerMs;
    },
    launchMs: (device) => profile.devices[device]!.launchMs,
    syncMs: profile.syncMs,
    growing: true,
  };
}

/** The ceiling that gives the time of a whole unit. */
export type KernelLimit = 'arithmetic' | 'memory';

/** Of a unit on a device, as `rooflineCosts` decides it; null where a predictor gives the time. */
export function kernelLimits(
  graph: OperatorGraph,
  profile: DeviceProfile,
): (unit: number, device: 0 | 1) => KernelLimit | null {
  const byteScale = byteScaleOf(graph, profile);
  return (id, device) => {
    const { flops, opClass } = graph.units[id]!;
    const known = profile.predictedClasses[device];
    if (profile.predictors[device] && (known === null || known.includes(opClass))) return null;
    const { flopPerMs, bytesPerMs } = profile.devices[device];
    const computeMs = flops / flopPerMs[opClass];
    return computeMs > (bytesOfShare(graph, id, 1) * byteScale) / bytesPerMs ? 'arithmetic' : 'memory';
  };
}

/** Operators that give a tensor another shape without touching its bytes. */
const views: ReadonlySet<string> = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);

/** A view between quantisers is one of integers: what it is quantised to is what it was dequantised from. */
function isView({ opTypes }: Unit): boolean {
  return opTypes.some((type) => views.has(type)) && opTypes.every((type) => views.has(type) || quantisers.has(type));
}

/**
 * A share of the output channels reads the activations that it needs, its share of the weights, and writes its share. The
 * first channels read as many bytes as the last: of stacked inputs other ones, of all others the same.
 */
export function bytesOfShare(graph: OperatorGraph, id: number, share: number): number {
  const { inputs, bytesRead, weightBytes, bytesWritten } = graph.units[id]!;
  let activationBytes = bytesRead - weightBytes;
  if (share < 1)
    for (const tensor of inputs)
      activationBytes -= (1 - fractionRead(graph, id, tensor, 0, share)) * graph.tensors[tensor]!.bytes;
  return activationBytes + share * (weightBytes + bytesWritten);
}
