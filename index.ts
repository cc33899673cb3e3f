// The package's public interface.
import './env/scheduling/share-options.js';

export type { Agent, Checkpoint, Metrics, Transition } from './agents/agent.js';
export type { Planner, PlanningProblem } from './agents/planners/planner.js';
export { type PlannerEntry, type PlannerName, planners } from './agents/planners/registry.js';
export { type Rollout, rollout, type TrainOptions, train } from './agents/train-loop.js';
export { InputError } from './base/errors/input-error.js';
export { Stream } from './base/random/stream.js';
export type { Conditions } from './engine/conditions.js';
export type { CostTable } from './engine/device/cost-table.js';
export { type DeviceProfile, loadProfile, profileVariants } from './engine/device/profile.js';
export { shippedProfiles } from './engine/device/profile-file.js';
export type { ExecutionError, Executor, HardwareState, Run } from './engine/executor.js';
export { ganttSvg } from './engine/gantt.js';
export { Schedule } from './engine/schedule.js';
export { createSimulator, type Simulator } from './engine/simulator/simulator.js';
export type { Trace, TraceEvent } from './engine/trace.js';
export { traceViolations } from './engine/trace-invariants.js';
export { type ConformanceOptions, conformanceViolations } from './env/gym/conformance.js';
export type { Env, Info, ResetResult, StepOutcome, StepResult } from './env/gym/env.js';
export { environmentIds, make } from './env/gym/registry.js';
export { Box, type Space } from './env/gym/spaces.js';
export { openScenario, type Scenario } from './env/scheduling/scenario.js';
export type { ShareEnv } from './env/scheduling/share-env.js';
export type { ShareOptions } from './env/scheduling/share-options.js';
export type { OperatorGraph, TensorInfo, Unit } from './models/graph.js';
export { type LoadedModel, loadModel } from './models/load.js';
