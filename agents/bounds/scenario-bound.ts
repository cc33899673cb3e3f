// The bound of a simulated scenario, whatever its execution.
import type { Scenario } from '../../engine/scenario.js';
import type { Simulator } from '../../engine/simulator/simulator.js';
import { loadSolver } from './linear-program.js';
import { allowedShares, serialBound } from './optimum.js';
import { overlapBoundMs } from './overlap-bound.js';
import type { ShareRange } from './share-ranges.js';

export interface ScenarioBound {
  readonly kind: 'optimum' | 'lower-bound';
  /** No schedule is faster, ms. */
  readonly objective: number;
}

export interface BoundedSchedules {
  /** Whole units only, or any share where a unit can split. */
  readonly shares: keyof typeof allowedShares;
  /** Of overlap execution: whether device 0 may have several lanes. */
  readonly severalLanes: boolean;
}

/** Loads what `scenarioBound` needs, which takes a tenth of a second in overlap execution. */
export async function prepareBound(execution: Scenario['conditions']['execution']): Promise<void> {
  if (execution === 'overlap') await loadSolver();
}

/**
 * Null where nothing is proved: on hardware and tables of it, and for shares of which the costs follow no rule.
 * @throws Error in overlap execution, when `prepareBound` was not called
 */
export function scenarioBound(scenario: Scenario, { shares, severalLanes }: BoundedSchedules): ScenarioBound | null {
  if (shares === 'split' && !scenario.costs.growing) return null;
  return boundOver(scenario, allowedShares[shares], severalLanes);
}

/** As `scenarioBound`, over schedules whose shares are in the ranges. */
export function boundOver(
  scenario: Scenario,
  ranges: readonly ShareRange[],
  severalLanes = false,
): ScenarioBound | null {
  const { graph, costs, conditions, executor } = scenario;
  if (executor.kind === 'measured') return null;
  if (conditions.execution === 'overlap') {
    if (!isBoard(executor)) return null;
    const board = executor.board(graph);
    return { kind: 'lower-bound', objective: overlapBoundMs({ graph, board, conditions, ranges, severalLanes }) };
  }
  const { kind, boundMs, schedule } = serialBound(graph, costs, ranges);
  const result = executor.run(graph, schedule, conditions);
  if ('error' in result) return null;
  return { kind, objective: kind === 'optimum' ? result.makespanMs : boundMs };
}

/** Not the simulator of a measured model: what its lanes do is fitted, and not bounded here. */
const isBoard = (executor: Scenario['executor']): executor is Simulator => 'board' in executor;
