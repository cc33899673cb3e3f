// Planners: every scheduler that does not learn is a function of the problem. The registry is what the command line,
// the experiments and the conformance tests read.
import type { Rng } from '../../base/random/rng.js';
import type { Conditions } from '../../engine/conditions.js';
import type { Schedule } from '../../engine/schedule.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';

export interface PlanningProblem {
  readonly graph: OperatorGraph;
  readonly costs: CostTable;
  readonly conditions: Conditions;
  readonly random: Rng;
}

export type Planner = (problem: PlanningProblem) => Schedule;
