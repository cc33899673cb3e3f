// BIDENT: Kim, Das, Ghosh, Raha, Raghunathan, "Heterogeneous Operator-level Mapping for Efficient Edge Inference", arXiv
// 2606.05271, 2026. Placement is a shortest path over (operator, device) states with profiled times and moves; where devices
// work at once, independent operators may be mapped to different ones.
import type { OperatorGraph } from '../../../models/graph.js';
import type { CostTable } from '../../../predictor/cost-table.js';
import type { Planner } from '../planner.js';
import { connectedParts, stagesOf } from '../stages.js';
import {
  type Device,
  devicesOf,
  emptyPath,
  extended,
  type Path,
  shortestPaths,
  shortestSchedule,
} from './device-paths.js';

/** States kept after a unit. The built-in models have 20 at most on a Jetson AGX Orin, so that their paths are exact. */
const mostStates = 256;
/** Branches of a stage, beyond which they are not mapped side by side: all their placements are tried. */
const mostBranches = 8;

/**
 * In serial execution the shortest path itself. A state is the devices of all tensors that are still to be read: on a chain
 * that is one operator and its device, and with branches the path is the optimum too, unless more than `mostStates` would
 * have to be kept. In overlap execution a stage of several branches may also run them side by side, each on one device; it
 * then takes as long as the device with more work.
 */
export const bident: Planner = ({ graph, costs, conditions }) => {
  const living = tensorsAlive(graph);
  let paths = [emptyPath(graph)];
  const keep = (all: readonly Path[], unit: number) => {
    const alive = living[unit]!;
    const paths = worthwhile(
      shortestPaths(all, ({ held }) => stateText(held, alive)),
      alive,
      costs,
    );
    return paths.length <= mostStates ? paths : paths.sort((a, b) => a.ms - b.ms).slice(0, mostStates);
  };
  const inSequence = (from: readonly Path[], units: readonly number[]) =>
    units.reduce(
      (before, unit) =>
        keep(
          before.flatMap((path) =>
            devicesOf(graph.units[unit]!).map((device) => extended(graph, costs, path, unit, device)),
          ),
          unit,
        ),
      from,
    );
  for (const stage of stagesOf(graph)) {
    let after = inSequence(paths, stage);
    if (conditions.execution === 'overlap') {
      const { branches, join } = branchesOf(graph, stage);
      const beside = paths.flatMap((path) => sideBySide(graph, costs, path, branches));
      after = keep([...after, ...inSequence(beside, join)], stage.at(-1)!);
    }
    paths = [...after];
  }
  return shortestSchedule(graph, paths);
};

/**
 * Without the paths that the shortest one beats even if it first moves all that they hold more than it: whatever follows
 * them can follow it.
 */
function worthwhile(paths: readonly Path[], alive: readonly number[], costs: CostTable): Path[] {
  if (paths.length === 0) return [];
  const shortest = paths.reduce((a, b) => (b.ms < a.ms ? b : a));
  return paths.filter((path) => {
    if (path === shortest) return true;
    let withMovesMs = shortest.ms;
    for (const tensor of alive) {
      const lacks = path.held[tensor]! & ~shortest.held[tensor]!;
      if (lacks !== 0) withMovesMs += costs.transferMs(tensor, lacks - 1);
    }
    return path.ms < withMovesMs;
  });
}

/** What the devices hold of the tensors, as text. */
function stateText(held: Uint8Array, tensors: readonly number[]): string {
  let text = '';
  for (const tensor of tensors) text += held[tensor];
  return text;
}

/** After each unit, the tensors that exist and are still to be read. */
function tensorsAlive({ units, tensors }: OperatorGraph): number[][] {
  return units.map(({ id }) =>
    tensors
      .filter(({ producer, consumers }) => (producer ?? -1) <= id && consumers.at(-1)! > id)
      .map((each) => each.id),
  );
}

/** The parts of a stage that do not read from each other once its last units are taken away, and these last units. */
function branchesOf(graph: OperatorGraph, stage: readonly number[]): { branches: number[][]; join: number[] } {
  for (const cut of [stage.length, stage.length - 1]) {
    const branches = connectedParts(graph, stage.slice(0, cut));
    if (branches.length > 1) return { branches, join: stage.slice(cut) };
  }
  return { branches: [], join: [] };
}

/** All placements of the branches that use both devices; on each device they run one after the other. */
function sideBySide(graph: OperatorGraph, costs: CostTable, path: Path, branches: readonly number[][]): Path[] {
  if (branches.length > mostBranches) return [];
  return Array.from({ length: 2 ** branches.length }, (_, bits) => {
    const devices = branches.map((__, branch) => ((bits >> branch) & 1) as Device);
    const runs = branches.every((units, i) =>
      units.every((unit) => devicesOf(graph.units[unit]!).includes(devices[i]!)),
    );
    if (!runs || new Set(devices).size < 2) return [];
    const loadMs = [0, 0];
    let latest = path;
    for (const [i, units] of branches.entries()) {
      const beforeMs = latest.ms;
      for (const unit of units) latest = extended(graph, costs, latest, unit, devices[i]!);
      loadMs[devices[i]!]! += latest.ms - beforeMs;
    }
    return [{ ...latest, ms: path.ms + Math.max(...loadMs) }];
  }).flat();
}
