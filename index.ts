// The package's public interface.
import './env/environments.js';

export type { Agent, Checkpoint, Metrics, Transition } from './agents/agent.js';
export { type BranchPolicy, type BranchPolicyName, branchPolicies } from './agents/baselines/branch-policies.js';
export { bestShare } from './agents/baselines/co-execution.js';
export { listScheduling } from './agents/baselines/list-scheduling.js';
export type { Planner, PlanningProblem } from './agents/baselines/planner.js';
export { type PlannerEntry, type PlannerName, planners } from './agents/baselines/registry.js';
export { bestByStages, stagesOf } from './agents/baselines/stages.js';
export { bestFixed } from './agents/baselines/streams/best-fixed.js';
export { driveStream, type PlayedStream, resolving, type StreamPolicy } from './agents/baselines/streams/policy.js';
export { tablePolicy } from './agents/baselines/streams/table.js';
export { clairvoyantBound, type StreamBound } from './agents/bounds/stream-bound.js';
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
export { type Conditions, type Mechanism, mechanisms, type SerialConditions } from './engine/conditions.js';
export type { ExecutionError, Executor, HardwareState, Run } from './engine/executor.js';
export {
  type LoadInterval,
  type LoadLevel,
  type LoadProcess,
  loadIntervals,
  type MarkovLoad,
  type RecordedLoad,
} from './engine/load-process.js';
export { type BranchPlan, type BranchPlanOptions, branchPlan } from './engine/memory/branch-plan.js';
export { memoryBudget } from './engine/memory/concurrency.js';
export { candidateRegions, keepsDelegate, offloadPays, type Region } from './engine/memory/delegates.js';
export { type Lifetime, lifetimes } from './engine/memory/liveness.js';
export { type DeviceMemory, memoryPlan } from './engine/memory/memory-plan.js';
export { type ExecutorName, type PlatformOptions, platformUri } from './engine/platform.js';
export { type DeviceSpec, formatDevicePair, parseDevicePair } from './engine/runtime/devices/device-pair.js';
export { type DeviceProbe, defaultDevicePair, deviceProbes } from './engine/runtime/devices/probe.js';
export { runWithEnergy } from './engine/runtime/energy.js';
export { type HardwareExecutorName, hardwareExecutors } from './engine/runtime/hardware.js';
export {
  createLanesExecutor,
  type LanesExecutor,
  type LanesOptions,
  type ProgramMemory,
} from './engine/runtime/lanes/executor.js';
export { type MeasuredCosts, measureCosts } from './engine/runtime/measuring/measured-costs.js';
export {
  createPythonExecutor,
  createSessionExecutor,
  type SessionExecutor,
  type SessionExecutorOptions,
} from './engine/runtime/session/executor.js';
export { type PythonDevices, pythonDevices } from './engine/runtime/session/python.js';
export { openScenario, type Platform, type Scenario } from './engine/scenario.js';
export { Schedule } from './engine/schedule.js';
export { createSimulator, type Simulator } from './engine/simulator/simulator.js';
export { type EnergyMeter, startEnergyMeter } from './engine/telemetry/energy-meter.js';
export { type EnergySource, findEnergySources } from './engine/telemetry/energy-source.js';
export { readSnapshot, type Snapshot } from './engine/telemetry/snapshot.js';
export type { Trace, TraceEvent } from './engine/trace.js';
export { traceViolations } from './engine/trace-invariants.js';
export { type ChromeEvent, type ChromeTrace, chromeTrace } from './engine/views/chrome-trace.js';
export { ganttSvg } from './engine/views/gantt.js';
export type { BranchInfo } from './env/branches/branch-front.js';
export type { BranchesEnv } from './env/branches/branches-env.js';
export type { BranchesOptions } from './env/branches/branches-options.js';
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
export type { GraphInfo } from './env/observations/graph-block.js';
export {
  defaultObservation,
  type ObservationName,
  observationSpaces,
  type SpaceFlags,
} from './env/observations/observation-spaces.js';
export type { PlacementEnv } from './env/placement/placement-env.js';
export type { PlacementOptions } from './env/placement/placement-options.js';
export { DomainRandomisation, type DomainRandomisationOptions } from './env/randomisation/domain-randomisation.js';
export type { ModelChoice } from './env/randomisation/model-choice.js';
export { type Drawn, type Situation, situated } from './env/randomisation/situation.js';
export { loadSplit, type Split, type SplitSide, splitNames } from './env/randomisation/splits.js';
export { type RewardName, type RewardTerm, rewards, rewardTerms } from './env/rewards/rewards.js';
export type { ShareEnv } from './env/share/share-env.js';
export type { ShareOptions } from './env/share/share-options.js';
export type { StreamEnv, StreamOutcome, StreamView } from './env/stream/env.js';
export { StreamEpisode } from './env/stream/episode.js';
export type { StreamOptions } from './env/stream/options.js';
export type { ServedBatch, StreamQueue } from './env/stream/queue.js';
export { openStreamSetting, type StreamCase, type StreamSetting } from './env/stream/setting.js';
export { makeWorkerVector } from './env/worker-vector.js';
export { foldsByModel, predictHeldOut, summarizeErrors } from './experiments/characterisation/fidelity/held-out.js';
export { writePredictorFidelity } from './experiments/characterisation/fidelity/predictor-tables.js';
export { episodeRow, type TrajectoryRow, writeTrajectories } from './experiments/results/trajectories.js';
export { streamTrajectoryRow } from './experiments/stream/episodes.js';
export type { OperatorGraph, TensorInfo, Unit } from './models/graph.js';
export { type LoadedModel, loadModel } from './models/load.js';
export { type ArenaBuffer, type ArenaPlan, planArena } from './predictor/arenas/arena.js';
export type { CostTable } from './predictor/cost-table.js';
export { unitFeatureRows, unitFeatures } from './predictor/features/unit-features.js';
export { type BoostingOptions, fitBoostedTrees } from './predictor/latency/boosted-trees.js';
export type { LatencyPredictor } from './predictor/latency/latency-predictor.js';
export { predictedCosts } from './predictor/latency/predicted-costs.js';
export {
  loadPredictor,
  type PredictorKind,
  predictorFits,
  savePredictor,
} from './predictor/latency/predictor.js';
export { type Samples, samplesOf } from './predictor/latency/samples.js';
export { readOpenCvZoo } from './predictor/measurements/opencv-zoo.js';
export { readMicroBenchmarks } from './predictor/measurements/orin-microbenchmarks.js';
export { readOrinSubgraphFile, readOrinSubgraphTable } from './predictor/measurements/orin-subgraphs.js';
export { readPhoneNetworks, readPhoneOperators } from './predictor/measurements/phones.js';
export { type DeviceProfile, loadProfile, profileVariants } from './predictor/profiles/profile.js';
export { shippedProfiles } from './predictor/profiles/profile-file.js';
export type { FittedMove, UnitProfile } from './predictor/tables/unit-times.js';
