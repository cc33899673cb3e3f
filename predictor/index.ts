// Device profiles, latency predictors and readers of public measurements. The package's entry `sparoa-gym/predictor`.
export { type ArenaBuffer, type ArenaPlan, planArena } from './arenas/arena.js';
export type { CostTable } from './cost-table.js';
export { unitFeatureRows, unitFeatures } from './features/unit-features.js';
export { type BoostingOptions, fitBoostedTrees } from './latency/boosted-trees.js';
export type { LatencyPredictor } from './latency/latency-predictor.js';
export { predictedCosts } from './latency/predicted-costs.js';
export {
  loadPredictor,
  type PredictorKind,
  predictorFits,
  savePredictor,
} from './latency/predictor.js';
export { type Samples, samplesOf } from './latency/samples.js';
export { type MeasuredPipeline, readPipelines } from './measurements/better-together.js';
export { readOpenCvZoo } from './measurements/opencv-zoo.js';
export { type PairThroughput, readPairThroughputs } from './measurements/openvino.js';
export { readMicroBenchmarks } from './measurements/orin-microbenchmarks.js';
export { readOrinSubgraphFile, readOrinSubgraphTable } from './measurements/orin-subgraphs.js';
export { readPhoneNetworks, readPhoneOperators } from './measurements/phones.js';
export { type DeviceProfile, loadProfile, profileVariants } from './profiles/profile.js';
export { registerProfile, shippedProfiles } from './profiles/profile-file.js';
export type { FittedMove, UnitMeasurement } from './tables/unit-times.js';
