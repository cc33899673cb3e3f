// The problem that SparOA/Branches-v0 poses, its constant parts (branches, limits, conditions, the reference), and the
// invariants of the slots at the end of an episode.
import type { Conditions } from '../../engine/conditions.js';
import type { Executor } from '../../engine/executor.js';
import type { Scenario } from '../../engine/scenario.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { bestSingleDeviceMs } from '../rewards/single-device.js';
import { type BranchInfo, branchInfos, type FrontLimits } from './branch-front.js';
import { type BranchesBlock, BranchesObservation, defaultBranchesBlocks } from './branches-observation.js';

/** How the environment presents a scenario. */
export interface BranchesEnvOptions {
  /** Lanes of the CPU, 1 to 6: Parallax uses 6 threads at most. */
  readonly lanes: number;
  /**
   * Memory limit for branches that run together, in units of the largest branch's memory, at least 1; null: no limit. A ratio,
   * so that one value suits all models; `info.budgetBytes` has it in bytes.
   */
  readonly budget: number | null;
  /** Ready branches to choose from. */
  readonly window: number;
  /** Blocks of the observation; default `defaultBranchesBlocks`. */
  readonly observation?: readonly BranchesBlock[] | undefined;
}

export interface BranchesProblem extends BranchesEnvOptions {
  readonly graph: OperatorGraph;
  readonly executor: Executor;
  /** Estimates for the observation. */
  readonly costs: CostTable;
  /** The environment sets the execution and the budget. */
  readonly conditions: Conditions;
  /** The scenario it was made from; without it the environment can be neither varied nor recorded. */
  readonly scenario?: Scenario;
}

/** The constant parts, shared by an environment and its forks. */
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
  observation: blocks = defaultBranchesBlocks,
}: BranchesProblem): FixedBranches {
  const branches = branchInfos(graph);
  const largest = branches.reduce((most, { peakBytes }) => Math.max(most, peakBytes), 0);
  const memoryBudgetBytes = budget === null ? null : Math.floor(budget * largest);
  const limits = { lanes, window, budgetBytes: memoryBudgetBytes ?? Number.POSITIVE_INFINITY };
  // No unit needs more memory than its branch, so no branch that the masks allow is above the budget by itself.
  const conditions: Conditions = { ...given, execution: 'overlap', memoryBudgetBytes };
  const referenceMs = bestSingleDeviceMs({ graph, executor, conditions });
  const observation = new BranchesObservation(graph, branches, limits, costs, referenceMs, blocks);
  return { branches, limits, conditions, referenceMs, observation };
}

/** Faults of slots: above the budget, more branches than lanes, or a branch that does not run exactly once. */
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
