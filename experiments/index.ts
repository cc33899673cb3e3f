// Tasks, results and replay. The package's entry `sparoa-gym/experiments`.
export { foldsByModel, predictHeldOut, summarizeErrors } from './characterisation/fidelity/held-out.js';
export { writePredictorFidelity } from './characterisation/fidelity/predictor-tables.js';
export { playActions, playBaseline, playPolicy } from './play.js';
export { episodeRow, type TrajectoryRow, writeTrajectories } from './results/trajectories.js';
export { type PlainTask, plainTask } from './tasks/plain-task.js';
export {
  type Bound,
  type Outcome,
  registerTask,
  type Task,
  type TaskEntry,
  taskIds,
  taskNamed,
} from './tasks/registry.js';
export { streamTrajectoryRow } from './tasks/stream-rows.js';
export { validateTrajectories } from './validate.js';
