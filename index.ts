// The package's public interface.
import './env/scheduling/environments.js';

export type { Agent, Checkpoint, Metrics, Transition } from './agents/agent.js';
export { type BranchPolicy, type BranchPolicyName, branchPolicies } from './agents/branch-policies.js';
export { bestShare } from './agents/planners/co-execution.js';
export { listScheduling } from './agents/planners/list-scheduling.js';
export type { Planner, PlanningProblem } from './agents/planners/planner.js';
export { type PlannerEntry, type PlannerName, planners } from './agents/planners/registry.js';
export { bestByStages, stagesOf } from './agents/planners/stages.js';
export { bestFixed } from './agents/streams/best-fixed.js';
export { clairvoyantBound, type StreamBound } from './agents/streams/bound.js';
export { driveStream, type PlayedStream, resolving, type StreamPolicy } from './agents/streams/policy.js';
export { tablePolicy } from './agents/streams/table.js';
export { type Rollout, rollout, type TrainOptions, train } from './agents/train-loop.js';
export { InputError } from './base/errors/input-error.js';
export { Stream } from './base/random/stream.js';
export { type BatchLatency, latencyTable } from './engine/batching/curve.js';
export { type BatchPolicy, dynamicBatching, staticBatching } from './engine/batching/policies.js';
export {
  type BatchServer,
  poissonArrivals,
  type QueueLog,
  serveQueue,
  simulateQueue,
} from './engine/batching/queue.js';
export { type BatchPlan, measureBatchLatency, realServer } from './engine/batching/serve.js';
export { type BatchingSummary, batchingSummary } from './engine/batching/summary.js';
export { type ChromeEvent, type ChromeTrace, chromeTrace } from './engine/chrome-trace.js';
export { type Conditions, type Mechanism, mechanisms, type SerialConditions } from './engine/conditions.js';
export type { CostTable } from './engine/device/cost-table.js';
export { readOpenCvZoo } from './engine/device/measurements/opencv-zoo.js';
export { readMicroBenchmarks } from './engine/device/measurements/orin-microbenchmarks.js';
export { readOrinSubgraphFile, readOrinSubgraphTable } from './engine/device/measurements/orin-subgraphs.js';
export { readPhoneNetworks, readPhoneOperators } from './engine/device/measurements/phones.js';
export { type BoostingOptions, fitBoostedTrees } from './engine/device/predictors/boosted-trees.js';
export type { LatencyPredictor } from './engine/device/predictors/latency-predictor.js';
export { predictedCosts } from './engine/device/predictors/predicted-costs.js';
export {
  loadPredictor,
  type PredictorKind,
  predictorFits,
  savePredictor,
} from './engine/device/predictors/predictor.js';
export { type Samples, samplesOf } from './engine/device/predictors/samples.js';
export { unitFeatureRows, unitFeatures } from './engine/device/predictors/unit-features.js';
export { type DeviceProfile, loadProfile, profileVariants } from './engine/device/profile.js';
export { shippedProfiles } from './engine/device/profile-file.js';
export type { FittedMove, UnitProfile } from './engine/device/unit-times.js';
export type { ExecutionError, Executor, HardwareState, Run } from './engine/executor.js';
export { ganttSvg } from './engine/gantt.js';
export {
  type LoadInterval,
  type LoadLevel,
  type LoadProcess,
  loadIntervals,
  type MarkovLoad,
  type RecordedLoad,
} from './engine/load-process.js';
export { type ArenaBuffer, type ArenaPlan, planArena } from './engine/memory/arena.js';
export { type BranchPlan, type BranchPlanOptions, branchPlan } from './engine/memory/branch-plan.js';
export { memoryBudget } from './engine/memory/concurrency.js';
export { candidateRegions, keepsDelegate, offloadPays, type Region } from './engine/memory/delegates.js';
export { type Lifetime, lifetimes } from './engine/memory/liveness.js';
export { type DeviceMemory, memoryPlan } from './engine/memory/memory-plan.js';
export { type DeviceSpec, formatDevicePair, parseDevicePair } from './engine/runtime/device-pair.js';
export { runWithEnergy } from './engine/runtime/energy.js';
export { type HardwareExecutorName, hardwareExecutors } from './engine/runtime/hardware.js';
export {
  createLanesExecutor,
  type LanesExecutor,
  type LanesOptions,
  type ProgramMemory,
} from './engine/runtime/lanes/executor.js';
export { type MeasuredCosts, measureCosts } from './engine/runtime/measured-costs.js';
export { type DeviceProbe, defaultDevicePair, deviceProbes } from './engine/runtime/probe.js';
export {
  createPythonExecutor,
  createSessionExecutor,
  type SessionExecutor,
  type SessionExecutorOptions,
} from './engine/runtime/session/executor.js';
export { type PythonDevices, pythonDevices } from './engine/runtime/session/python.js';
export { Schedule } from './engine/schedule.js';
export { createSimulator, type Simulator } from './engine/simulator/simulator.js';
export { type EnergyMeter, startEnergyMeter } from './engine/telemetry/energy-meter.js';
export { type EnergySource, findEnergySources } from './engine/telemetry/energy-source.js';
export { readSnapshot, type Snapshot } from './engine/telemetry/snapshot.js';
export type { Trace, TraceEvent } from './engine/trace.js';
export { traceViolations } from './engine/trace-invariants.js';
export { type CheckOptions, type CheckReport, checkEnv } from './env/gym/check/check-env.js';
export type {
  Env,
  EnvState,
  Guarantees,
  Info,
  ResetOptions,
  ResetResult,
  StepOutcome,
  StepResult,
} from './env/gym/env.js';
export { type EnvSpec, environmentIds, make, makeFromSpec, register, specOf } from './env/gym/registry.js';
export { Box } from './env/gym/spaces/box.js';
export { Dict, Tuple } from './env/gym/spaces/composite.js';
export { Discrete, MultiBinary, MultiDiscrete } from './env/gym/spaces/discrete.js';
export { spaceFromJson } from './env/gym/spaces/from-json.js';
export type { SpaceJson } from './env/gym/spaces/json.js';
export type { Mask, Space } from './env/gym/spaces/space.js';
export { makeVector, type VectorOptions } from './env/gym/vector/make-vector.js';
export {
  type AutoresetMode,
  VectorEnv,
  type VectorOutcome,
  type VectorResetOptions,
  type VectorStep,
} from './env/gym/vector/vector-env.js';
export type { WorkerVectorEnv } from './env/gym/vector/worker-vector.js';
export { ClipAction, RescaleAction } from './env/gym/wrappers/actions.js';
export {
  type EpisodeStatistics,
  OrderEnforcing,
  RecordEpisodeStatistics,
  TimeLimit,
} from './env/gym/wrappers/episode.js';
export { NormalizeObservation, NormalizeReward } from './env/gym/wrappers/normalize.js';
export { FlattenObservation, FrameStack } from './env/gym/wrappers/observations.js';
export { PassiveChecker } from './env/gym/wrappers/passive-checker.js';
export { registerWrapper, type WrapperSpec, wrapperNames } from './env/gym/wrappers/registry.js';
export { Wrapper } from './env/gym/wrappers/wrapper.js';
export type { BranchInfo } from './env/scheduling/branch-front.js';
export type { BranchesEnv } from './env/scheduling/branches-env.js';
export type { BranchesOptions } from './env/scheduling/branches-options.js';
export { DomainRandomisation, type DomainRandomisationOptions } from './env/scheduling/domain-randomisation.js';
export type { GraphInfo } from './env/scheduling/graph-block.js';
export type { ModelChoice } from './env/scheduling/model-choice.js';
export {
  defaultObservation,
  type ObservationName,
  observationSpaces,
  type SpaceFlags,
} from './env/scheduling/observation-spaces.js';
export type { PlacementEnv } from './env/scheduling/placement-env.js';
export type { PlacementOptions } from './env/scheduling/placement-options.js';
export { type ExecutorName, type PlatformOptions, platformUri } from './env/scheduling/platform.js';
export { type RewardName, type RewardTerm, rewards, rewardTerms } from './env/scheduling/rewards.js';
export { openScenario, type Platform, type Scenario } from './env/scheduling/scenario.js';
export type { ShareEnv } from './env/scheduling/share-env.js';
export type { ShareOptions } from './env/scheduling/share-options.js';
export { type Drawn, type Situation, situated } from './env/scheduling/situation.js';
export { loadSplit, type Split, type SplitSide, splitNames } from './env/scheduling/splits.js';
export type { StreamEnv, StreamOutcome, StreamView } from './env/scheduling/stream/env.js';
export { StreamEpisode } from './env/scheduling/stream/episode.js';
export type { StreamOptions } from './env/scheduling/stream/options.js';
export type { ServedBatch, StreamQueue } from './env/scheduling/stream/queue.js';
export { openStreamSetting, type StreamCase, type StreamSetting } from './env/scheduling/stream/setting.js';
export { makeWorkerVector } from './env/scheduling/worker-vector.js';
export { foldsByModel, predictHeldOut, summarizeErrors } from './experiments/fidelity/held-out.js';
export { writePredictorFidelity } from './experiments/fidelity/predictor-tables.js';
export { streamTrajectoryRow } from './experiments/stream/episodes.js';
export { episodeRow, type TrajectoryRow, writeTrajectories } from './experiments/trajectories.js';
export type { OperatorGraph, TensorInfo, Unit } from './models/graph.js';
export { type LoadedModel, loadModel } from './models/load.js';
