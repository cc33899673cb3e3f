// The simulator: an executor over a cost table. In serial execution it decides on rows of the serial kernel and, when an
// execution is over, replays the decisions to write the trace; overlap/ simulates overlap execution.
import { InputError } from '../../base/errors/input-error.js';
import { memoize } from '../../base/functions/memoize.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import type { DeviceProfile } from '../../predictor/profiles/profile.js';
import { profileCosts } from '../../predictor/profiles/profile-costs.js';
import type { Conditions, SerialConditions } from '../conditions.js';
import { decideAll, type ExecutionError, type Executor, type Run } from '../executor.js';
import { checkLoad, type LoadProcess, slowedLevel, steadyLevel } from '../load-process.js';
import type { Schedule } from '../schedule.js';
import type { Trace } from '../trace.js';
import { loadedCosts } from './loaded-costs.js';
import { boardOf } from './overlap/board.js';
import { type Board, overlapRun } from './overlap/run.js';
import type { ReplayedRun } from './replayed-run.js';
import { SerialKernel } from './serial-kernel.js';
import { SerialRun } from './serial-run.js';

export interface Simulator extends Executor {
  readonly kind: 'simulated';
  readonly profile: DeviceProfile;
  /**
   * Of serial execution, beside a load unless it is null.
   * @throws InputError when the load has several levels, or the profile does not say what devices share
   */
  costs(graph: OperatorGraph, load?: LoadProcess | null): CostTable;
  /** The transition function of serial execution itself, for planners that explore. */
  kernel(graph: OperatorGraph): SerialKernel;
  /**
   * The board in overlap execution, for bounds.
   * @throws InputError when the profile does not say what devices share
   */
  board(graph: OperatorGraph): Board;
  /** @throws InputError when the execution cannot be simulated under the conditions, or by the profile. */
  begin(graph: OperatorGraph, conditions: Conditions): Run;
  run(graph: OperatorGraph, schedule: Schedule, conditions: SerialConditions): Trace;
  run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError;
}

/**
 * A simulator of the profile's board.
 * @param costsOf costs of a graph; default: from the profile's predictors or its ceilings
 */
export function createSimulator(
  profile: DeviceProfile,
  costsOf: (graph: OperatorGraph) => CostTable = (graph) => profileCosts(graph, profile),
): Simulator {
  const compiled = memoize((graph: OperatorGraph): Compiled => {
    const costs = costsOf(graph);
    return { idle: { costs, kernel: new SerialKernel(graph, costs) }, loaded: new Map(), board: null };
  });
  const boardFor = (graph: OperatorGraph): Board => {
    const entry = compiled(graph);
    entry.board ??= boardOf(graph, entry.idle.costs, profile);
    return entry.board;
  };
  const serial = (graph: OperatorGraph, load: LoadProcess | null): SerialCosts => {
    const { idle, loaded } = compiled(graph);
    if (load === null) return idle;
    checkLoad(load);
    const steady = steadyLevel(load);
    if (steady === null)
      throw new InputError(
        'simulator: a co-running load of several levels is given, but serial execution has static conditions.',
        'Set the execution to "overlap", or give a load of one level.',
      );
    const level = slowedLevel(steady);
    const key = `${level.cpu}/${level.gpu}/${level.memory}`;
    let entry = loaded.get(key);
    if (!entry) {
      const board = boardFor(graph);
      const costs = loadedCosts(board.costs, board.shared, level);
      entry = { costs, kernel: new SerialKernel(graph, costs) };
      loaded.set(key, entry);
    }
    return entry;
  };
  const beginOverlap = (graph: OperatorGraph, conditions: Conditions): ReplayedRun =>
    overlapRun(graph, boardFor(graph), conditions);
  const beginSerial = (graph: OperatorGraph, conditions: Conditions): SerialRun =>
    new SerialRun(graph, (load) => serial(graph, load).kernel, profile, conditions);
  function run(graph: OperatorGraph, schedule: Schedule, conditions: SerialConditions): Trace;
  function run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError;
  function run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError {
    return conditions.execution === 'overlap'
      ? beginOverlap(graph, conditions).run(schedule)
      : decideAll(beginSerial(graph, conditions), schedule);
  }
  return {
    kind: 'simulated',
    devices: profile.devices,
    profile,
    costs: (graph, load = null) => serial(graph, load).costs,
    kernel: (graph) => compiled(graph).idle.kernel,
    board: boardFor,
    supported: (graph) =>
      Uint8Array.from({ length: 2 * graph.units.length }, (_, i) => {
        const { onlyOn } = graph.units[i >> 1]!;
        return Number(onlyOn === null || onlyOn === (i & 1));
      }),
    begin: (graph, conditions) =>
      conditions.execution === 'overlap' ? beginOverlap(graph, conditions) : beginSerial(graph, conditions),
    run,
    close() {},
  };
}

/** Cached data of a graph. */
interface Compiled {
  readonly idle: SerialCosts;
  /** By level of co-running load. */
  readonly loaded: Map<string, SerialCosts>;
  /** Once overlap execution is asked for, or a load. */
  board: Board | null;
}

interface SerialCosts {
  readonly costs: CostTable;
  readonly kernel: SerialKernel;
}
