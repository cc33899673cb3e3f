// The problem that SparOA/Branches-v0 poses, what of it never changes (branches, limits, conditions, the reference), and
// what must be true of the slots that an episode ends with.
import type { Conditions } from '../../engine/conditions.js';
import type { Executor } from '../../engine/executor.js';
import type { Scenario } from '../../engine/scenario.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { bestSingleDeviceMs } from '../rewards/single-device.js';
import { type BranchInfo, branchInfos, type FrontLimits } from './branch-front.js';
import { BranchesObservation } from './branches-observation.js';

/** How the environment presents a scenario. */
export interface BranchesEnvOptions {
  /** Lanes of the CPU, 1 to 6: Parallax uses 6 threads at most. */
  readonly lanes: number;
  /**
   * For branches that run together, in units of the largest branch's memory, at least 1; null: no limit. A ratio, because a
   * number of bytes means something else for each model; `info.budgetBytes` says what it is here.
   */
  readonly budget: number | null;
  /** Ready branches to choose from. */
  readonly window: number;
}

export interface BranchesProblem extends BranchesEnvOptions {
  readonly graph: OperatorGraph;
  readonly executor: Executor;
  /** Estimates for the observation. */
  readonly costs: CostTable;
  /** The execution and the budget are the environment's to say. */
  readonly conditions: Conditions;
  /** What all of it was opened as; without it the environment can be neither varied nor recorded. */
  readonly scenario?: Scenario;
}

/** What never changes, shared by an environment and its forks. */
export interface FixedBranches {
  readonly branches: readonly BranchInfo[];
  readonly limits: FrontLimits;
  readonly conditions: Conditions;
  readonly referenceMs: number;
  readonly observation: BranchesObservation;
}

export function fixedOf({
  graph,
  executor,
  costs,
  conditions: given,
  lanes,
  budget,
  window,
}: BranchesProblem): FixedBranches {
  const branches = branchInfos(graph);
  const largest = branches.reduce((most, { peakBytes }) => Math.max(most, peakBytes), 0);
  const memoryBudgetBytes = budget === null ? null : Math.floor(budget * largest);
  const limits = { lanes, window, budgetBytes: memoryBudgetBytes ?? Number.POSITIVE_INFINITY };
  // No unit needs more than its branch does, so nothing that the masks allow is above the budget alone.
  const conditions: Conditions = { ...given, execution: 'overlap', memoryBudgetBytes };
  const referenceMs = bestSingleDeviceMs({ graph, executor, conditions });
  const observation = new BranchesObservation(graph, branches, limits, costs, referenceMs);
  return { branches, limits, conditions, referenceMs, observation };
}

/** What is wrong with slots: above the budget together, more than there are lanes, or not every branch once. */
export function slotViolations(
  branches: readonly BranchInfo[],
  { lanes, budgetBytes }: FrontLimits,
  slots: readonly (readonly number[])[],
): string[] {
  const wrong = slots.flatMap((slot, index) => {
    const bytes = slot.reduce((sum, branch) => sum + branches[branch]!.peakBytes, 0);
    return [
      ...(bytes > budgetBytes ? [`slot ${index} plans for ${bytes} bytes, above the budget of ${budgetBytes}`] : []),
      ...(slot.length > lanes + 1 ? [`slot ${index} has ${slot.length} branches on ${lanes} lanes and device 1`] : []),
    ];
  });
  const ran = slots.flat().sort((a, b) => a - b);
  const once = ran.length === branches.length && ran.every((branch, index) => branch === index);
  return once ? wrong : [...wrong, `${ran.length} branches ran instead of each of ${branches.length} once`];
}
