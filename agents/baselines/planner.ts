// Planners: every scheduler that does not learn is a function of the problem. The registry is what the command line,
// the experiments and the conformance tests read.
import type { Rng } from '../../base/random/rng.js';
import type { Conditions } from '../../engine/conditions.js';
import type { Executor } from '../../engine/executor.js';
import type { Schedule } from '../../engine/schedule.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import type { EnergyGoal } from './objective.js';

export interface PlanningProblem {
  readonly graph: OperatorGraph;
  /** Times in ms; with a goal, prices. */
  readonly costs: CostTable;
  readonly conditions: Conditions;
  readonly random: Rng;
  /** Units are placed whole: a share of 0.5 or more is device 1. Default: units that can split may be split. */
  readonly whole?: boolean;
  /** Units run in the graph's order, whatever the schedule's is. Default: in the schedule's. */
  readonly graphOrder?: boolean;
  /** What executes schedules in overlap execution, for planners that try them; in serial execution the cost table is enough. */
  readonly executor?: Executor;
  /** How many schedules a planner that searches may try, 1 or more; default: its own number. */
  readonly evaluations?: number;
  /** Of planners that minimise more than a sum of costs; absent: latency. */
  readonly goal?: EnergyGoal;
}

export type Planner = (problem: PlanningProblem) => Schedule;
