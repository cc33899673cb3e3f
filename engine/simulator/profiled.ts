// The simulator of a measured model: its costs are the measured ones of that model, and in overlap execution its lanes are
// those of the measurement.
import { InputError } from '../../base/errors/input-error.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { checkTable, type ProfileTable } from '../../predictor/tables/profile-table.js';
import { fitSegmentCosts, type SegmentCosts } from '../../predictor/tables/segment-costs.js';
import type { Conditions } from '../conditions.js';
import { decideAll, type Executor, type Run } from '../executor.js';
import type { LoadProcess } from '../load-process.js';
import type { RangesOf } from '../segments/segments.js';
import type { Lane } from '../trace.js';
import { lanesRun } from './lanes/run.js';
import type { ReplayedRun } from './replayed-run.js';
import { SerialKernel } from './serial-kernel.js';
import { SerialRun } from './serial-run.js';

export interface ProfiledSimulator extends Executor {
  readonly kind: 'simulated';
  /** Units one by one, as serial execution runs them. */
  readonly costs: CostTable;
  /** Units within segments, as `overlap` runs them. */
  readonly segmentCosts: SegmentCosts;
}

/**
 * @param graph the profiled one
 * @param rangesOf how shares of the model's units fall on channels
 * @throws InputError when the table is of another graph
 */
export function createProfiledSimulator(
  graph: OperatorGraph,
  table: ProfileTable,
  rangesOf: RangesOf,
): ProfiledSimulator {
  const check = ({ hash }: OperatorGraph): void => {
    if (hash !== table.graphHash)
      throw new InputError(
        `simulator: the graph ${hash} is not the profiled one, ${table.graphHash} of ${table.model}.`,
        'Profile the model that you want to simulate, or name a device profile.',
      );
  };
  check(graph);
  checkTable(table, graph);
  const devices = table.devices.split('+').map((name) => ({ name, kind: kindOf(name) }));
  const lanes = devices.map(({ name }, device): Lane => ({ id: `${name} #${device}`, device: device as 0 | 1 }));
  const board = { hash: table.hash, devices };
  const costs = unitCosts(graph, table);
  const kernel = new SerialKernel(graph, costs);
  const kernelBeside = (load: LoadProcess | null): SerialKernel => {
    if (load === null) return kernel;
    throw new InputError(
      'simulator: co-running load is given, but the model was profiled without, and what devices share is unknown.',
      'Set the load to null, or name a device profile.',
    );
  };
  let fitted: SegmentCosts | null = null;
  const segmentCosts = (): SegmentCosts => (fitted ??= fitSegmentCosts(graph, table));
  const overlap = (own: OperatorGraph, conditions: Conditions): ReplayedRun =>
    lanesRun(
      own,
      { lanes, kinds: devices.map(({ kind }) => kind), costs: segmentCosts(), rangesOf, hash: table.hash },
      conditions,
    );
  const serial = (own: OperatorGraph, conditions: Conditions): SerialRun =>
    new SerialRun(own, kernelBeside, board, conditions);
  const begin = (own: OperatorGraph, conditions: Conditions): Run => {
    check(own);
    return conditions.execution === 'overlap' ? overlap(own, conditions) : serial(own, conditions);
  };
  return {
    kind: 'simulated',
    devices,
    costs,
    get segmentCosts() {
      return segmentCosts();
    },
    supported: (own) => {
      check(own);
      const runs = new Uint8Array(2 * own.units.length);
      for (const { unit, device, lane } of table.units) if (lane) runs[2 * unit + device] = 1;
      return runs;
    },
    begin,
    run(own, schedule, conditions) {
      check(own);
      return conditions.execution === 'overlap'
        ? overlap(own, conditions).run(schedule)
        : decideAll(serial(own, conditions), schedule);
    },
    close() {},
  };
}

const kindOf = (device: string): 'cpu' | 'gpu' => (device.startsWith('cpu') ? 'cpu' : 'gpu');

/** Of single units, with the line through all moves; that a share takes its share of the time is an assumption. */
function unitCosts(graph: OperatorGraph, { units, fittedMoves }: ProfileTable): CostTable {
  const wholeMs = new Float64Array(2 * graph.units.length).fill(Number.POSITIVE_INFINITY);
  for (const { unit, device, lane } of units) if (lane) wholeMs[2 * unit + device] = lane.lowMs;
  return {
    unitMs: (unit, device, share) => (share === 0 ? 0 : share * wholeMs[2 * unit + device]!),
    transferMs: (tensor, to, fraction = 1) =>
      fittedMoves[to]!.fixedMs + fittedMoves[to]!.msPerByte * graph.tensors[tensor]!.bytes * fraction,
    launchMs: () => 0,
    syncMs: 0,
    growing: true,
  };
}
