// The cost table as data: everything that the serial optimum depends on, so that other software can recompute it.
import type { OperatorGraph } from '../models/graph.js';
import { type CostTable, wholeUnitMs } from './cost-table.js';

export interface WholeCosts {
  /** Per unit: launch, kernel and synchronisation on device 0 and on device 1; null where it cannot run. */
  readonly unitMs: readonly (readonly [number | null, number | null])[];
  /** Per tensor: moving all of it to device 0 and to device 1. */
  readonly transferMs: readonly (readonly [number, number])[];
}

export function wholeCosts(graph: OperatorGraph, costs: CostTable): WholeCosts {
  const unitMs = (unit: number, device: number) => {
    const ms = wholeUnitMs(costs, unit, device);
    return Number.isFinite(ms) ? ms : null;
  };
  return {
    unitMs: graph.units.map(({ id }) => [unitMs(id, 0), unitMs(id, 1)]),
    transferMs: graph.tensors.map(({ id }) => [costs.transferMs(id, 0), costs.transferMs(id, 1)]),
  };
}
