// Executions of whole units in graph order, one at a time, as paths: each step puts the next unit on a device. Paths after
// the same unit whose futures are the same are one state, of which only the shortest path matters (Bellman 1957).
import { Schedule } from '../../../engine/schedule.js';
import type { OperatorGraph, Unit } from '../../../models/graph.js';
import { type CostTable, wholeUnitMs } from '../../../predictor/cost-table.js';

export type Device = 0 | 1;

export interface Path {
  /** Until the last unit is done; of a graph output, until it is on device 0. */
  readonly ms: number;
  /** Per tensor, bit 0 if device 0 has it, bit 1 if device 1 has it. */
  readonly held: Uint8Array;
  readonly last: { readonly unit: number; readonly device: Device; readonly before: Path } | null;
}

/** The empty path: device 0 has the graph inputs. */
export const emptyPath = ({ tensors }: OperatorGraph): Path => ({
  ms: 0,
  held: Uint8Array.from(tensors, ({ producer }) => Number(producer === null)),
  last: null,
});

export const devicesOf = ({ onlyOn }: Unit): readonly Device[] => (onlyOn === null ? [0, 1] : [onlyOn]);

/** The path with one more unit: the move of each input that the device lacks, then the unit itself. */
export function extended(graph: OperatorGraph, costs: CostTable, before: Path, unit: number, device: Device): Path {
  const held = before.held.slice();
  let { ms } = before;
  const bring = (tensor: number, to: Device) => {
    if (held[tensor]! & (1 << to)) return;
    ms += costs.transferMs(tensor, to);
    held[tensor]! |= 1 << to;
  };
  const { inputs, outputs } = graph.units[unit]!;
  for (const tensor of inputs) bring(tensor, device);
  ms += wholeUnitMs(costs, unit, device);
  for (const tensor of outputs) {
    held[tensor] = 1 << device;
    if (graph.tensors[tensor]!.graphOutput) bring(tensor, 0);
  }
  return { ms, held, last: { unit, device, before } };
}

/**
 * The shortest path of each state, in order of their first paths.
 * @param stateOf equal for paths between which no later cost differs
 */
export function shortestPaths(paths: readonly Path[], stateOf: (path: Path) => string | number): Path[] {
  const best = new Map<string | number, Path>();
  for (const path of paths) {
    const state = stateOf(path);
    const other = best.get(state);
    if (!other || path.ms < other.ms) best.set(state, path);
  }
  return [...best.values()];
}

/** The schedule of the shortest of the paths, which place every unit. */
export function shortestSchedule(graph: OperatorGraph, paths: readonly Path[]): Schedule {
  const share = new Float64Array(graph.units.length);
  let [path] = shortestPaths(paths, () => 'end') as [Path];
  while (path.last) {
    share[path.last.unit] = path.last.device;
    path = path.last.before;
  }
  return Schedule.of(graph, share);
}
