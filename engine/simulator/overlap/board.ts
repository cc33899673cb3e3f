// The costs of a profile's board in overlap execution: those of serial execution, and their memory traffic.
import { InputError } from '../../../base/errors/input-error.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { localArena } from '../../../predictor/arenas/local-arena.js';
import type { CostTable } from '../../../predictor/cost-table.js';
import { byteScaleOf } from '../../../predictor/profiles/precision.js';
import type { DeviceProfile } from '../../../predictor/profiles/profile.js';
import { bytesOfShare } from '../../../predictor/profiles/roofline.js';
import type { Board } from './run.js';

/** @throws InputError when the profile does not say what its devices share. */
export function boardOf(graph: OperatorGraph, costs: CostTable, profile: DeviceProfile): Board {
  const { shared, axes, devices } = profile;
  if (shared === null)
    throw new InputError(
      `profile ${profile.name}: it does not say what its devices share, which overlap execution needs.`,
      'Add "shared" with "cores" and "bandwidth" (docs/profiles.md), or set the execution to "serial".',
    );
  const byteScale = byteScaleOf(graph, profile);
  // A copied byte is read and written; in direct transfers nothing is copied.
  const carried = axes.transfer === 'copy' ? 2 * byteScale : 0;
  const peakBytes = graph.units.map(({ id }) => localArena(graph, [id]).peakBytes);
  return {
    costs: {
      unitMs: (unit, device, share) => costs.unitMs(unit, device, share),
      transferMs: (tensor, to, fraction) => costs.transferMs(tensor, to, fraction),
      launchMs: (device) => costs.launchMs(device),
      syncMs: costs.syncMs,
      growing: costs.growing ?? false,
      unitTrafficBytes: (unit, share) => bytesOfShare(graph, unit, share) * byteScale,
      transferTrafficBytes: (tensor, fraction) => graph.tensors[tensor]!.bytes * fraction * carried,
      // M of Parallax, as real lanes count it for a segment of one unit.
      plannedBytes: (unit, share) => Math.ceil(peakBytes[unit]! * share),
    },
    shared,
    kinds: [devices[0].kind, devices[1].kind],
    profileHash: shared.hash,
    power: profile.power,
  };
}
