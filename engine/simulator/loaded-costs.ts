// Costs under a constant co-running load: each kernel and each move takes as long as it takes alone in overlap execution under
// that load. So sharing.ts alone defines how load slows a device, for both kinds of execution.
import type { CostTable } from '../../predictor/cost-table.js';
import type { LoadLevel } from '../load-process.js';
import { cpuLane, type OverlapCosts, queueLane, type Task } from './overlap/program.js';
import { progressRates, type SharedResources } from './overlap/sharing.js';

/** Launches and waits keep their time, as they do in overlap execution. */
export function loadedCosts(costs: OverlapCosts, shared: SharedResources, level: LoadLevel): CostTable {
  const slowed = (kind: 'compute' | 'copy', lane: number, workMs: number, trafficBytes: number): number => {
    // Views take no time, and what cannot run takes for ever.
    if (!(workMs > 0 && workMs < Number.POSITIVE_INFINITY)) return workMs;
    return workMs / progressRates([{ ...nothing, kind, lane, workMs, trafficBytes }], false, level, shared, [])[0]!;
  };
  const laneOf = (device: number) => (device === 1 ? queueLane : cpuLane(0));
  return {
    unitMs: (unit, device, share) =>
      slowed('compute', laneOf(device), costs.unitMs(unit, device, share), costs.unitTrafficBytes(unit, share)),
    transferMs: (tensor, to, fraction = 1) =>
      slowed('copy', laneOf(to), costs.transferMs(tensor, to, fraction), costs.transferTrafficBytes(tensor, fraction)),
    launchMs: (device) => costs.launchMs(device),
    syncMs: costs.syncMs,
    growing: costs.growing ?? false,
  };
}

/** What rates do not depend on. */
const nothing: Omit<Task, 'kind' | 'lane' | 'workMs' | 'trafficBytes'> = {
  unit: 0,
  after: [],
  plannedBytes: 0,
  tensor: -1,
  movedBytes: 0,
  part: [0, 1],
};
