// Learners, baselines, bounds and the training loop. The package's entry `sparoa-gym/agents`.
export type { Actions, ActOptions, Agent, Checkpoint, Metrics, Rows, Transition } from './agent.js';
export { type BranchPolicy, type BranchPolicyName, branchPolicies } from './baselines/branch-policies.js';
export { bestShare } from './baselines/co-execution.js';
export { type IosOptions, ios, iosGreedy, type StageSchedule } from './baselines/ios/ios.js';
export { readStageTable, type Stage, type StageTable, stageTable } from './baselines/ios/stage-table.js';
export { listScheduling } from './baselines/list-scheduling.js';
export type { Planner, PlanningProblem } from './baselines/planner.js';
export {
  type Baseline,
  type PlannerEntry,
  type PlannerName,
  type PolicyEntry,
  planIn,
  planners,
  registerBaseline,
} from './baselines/registry.js';
export { bestByStages, stagesOf } from './baselines/stages.js';
export { bestFixed } from './baselines/streams/best-fixed.js';
export { driveStream, type PlayedStream, resolving, type StreamPolicy } from './baselines/streams/policy.js';
export { tablePolicy } from './baselines/streams/table.js';
export { clairvoyantBound, type StreamBound } from './bounds/stream-bound.js';
export { readCheckpoint, writeCheckpoint } from './checkpoint-file.js';
export type { Comparison, CostName } from './explain/comparison.js';
export { type ExplainOptions, type Explanation, explain } from './explain/explain.js';
export { explanationText } from './explain/explanation-text.js';
export type { GroupMove, Move } from './explain/moves.js';
export type { Bounds, Flip, Threshold } from './explain/thresholds.js';
export type { TimeUse } from './explain/time-use.js';
export { createLearner, type LearnerEntry, type LearnerSetup, learnerNames, registerLearner } from './learners.js';
export { ReplayBuffer } from './replay-buffer.js';
export { type Rollout, rollout, type TrainOptions, train } from './train-loop.js';
export { trainVector, type VectorEpisode, type VectorTrainOptions } from './vector-train-loop.js';
