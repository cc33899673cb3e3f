// The Gym contract, the environments, wrappers and vectors. The package's entry `sparoa-gym/env`.
import './environments.js';

export type { BranchInfo } from './branches/branch-front.js';
export type { BranchesEnv } from './branches/branches-env.js';
export type { BranchesOptions } from './branches/branches-options.js';
export { type CheckOptions, type CheckReport, checkEnv } from './gym/check/check-env.js';
export type {
  Env,
  EnvState,
  Guarantees,
  Info,
  ResetOptions,
  ResetResult,
  StepOutcome,
  StepResult,
} from './gym/env.js';
export type { EnvironmentEntry, Registry } from './gym/registry.js';
export { type EnvSpec, environmentIds, make, makeFromSpec, registerEnvironment, specOf } from './gym/registry.js';
export { Box } from './gym/spaces/box.js';
export { Dict, Tuple } from './gym/spaces/composite.js';
export { Discrete, MultiBinary, MultiDiscrete } from './gym/spaces/discrete.js';
export { spaceFromJson } from './gym/spaces/from-json.js';
export type { SpaceJson } from './gym/spaces/json.js';
export type { Mask, Space } from './gym/spaces/space.js';
export { makeVector, type VectorOptions } from './gym/vector/make-vector.js';
export {
  type AutoresetMode,
  VectorEnv,
  type VectorOutcome,
  type VectorResetOptions,
  type VectorStep,
} from './gym/vector/vector-env.js';
export type { WorkerVectorEnv } from './gym/vector/worker-vector.js';
export { ClipAction, RescaleAction } from './gym/wrappers/actions.js';
export {
  type EpisodeStatistics,
  OrderEnforcing,
  RecordEpisodeStatistics,
  TimeLimit,
} from './gym/wrappers/episode.js';
export { NormalizeObservation, NormalizeReward } from './gym/wrappers/normalize.js';
export { FlattenObservation, FrameStack } from './gym/wrappers/observations.js';
export { PassiveChecker } from './gym/wrappers/passive-checker.js';
export { registerWrapper, type WrapperSpec, wrapperNames } from './gym/wrappers/registry.js';
export { Wrapper } from './gym/wrappers/wrapper.js';
export type { GraphInfo } from './observations/graph-block.js';
export {
  defaultObservation,
  type ObservationName,
  observationSpaces,
  type SpaceFlags,
} from './observations/observation-spaces.js';
export type { PlacementEnv } from './placement/placement-env.js';
export type { PlacementOptions } from './placement/placement-options.js';
export { DomainRandomisation, type DomainRandomisationOptions } from './randomisation/domain-randomisation.js';
export type { ModelChoice } from './randomisation/model-choice.js';
export { type Drawn, type Situation, situated } from './randomisation/situation.js';
export { loadSplit, type Split, type SplitSide, splitNames } from './randomisation/splits.js';
export { type RewardName, type RewardTerm, rewards, rewardTerms } from './rewards/rewards.js';
export type { ShareEnv } from './share/share-env.js';
export type { ShareOptions } from './share/share-options.js';
export type { StreamEnv, StreamView } from './stream/env.js';
export { StreamEpisode } from './stream/episode.js';
export type { StreamOptions } from './stream/options.js';
export type { StreamOutcome } from './stream/outcome.js';
export type { ServedBatch, StreamQueue } from './stream/queue.js';
export { openStreamSetting, type StreamCase, type StreamSetting } from './stream/setting.js';
export { makeWorkerVector } from './worker-vector.js';
