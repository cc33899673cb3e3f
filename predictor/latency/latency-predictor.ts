// One interface for every latency predictor, however it was fitted.

/** Predicts the latency of a unit from its features. `File` is what it is saved as. */
export interface LatencyPredictor<File = unknown> {
  /** Names of the features it expects, in order. */
  readonly features: readonly string[];
  /** Latency in ms of the unit whose features start at `offset` of `x`, 0 unless given. Allocates nothing. */
  predictMs(x: Float64Array, offset?: number): number;
  /** The predictor as plain JSON; `openPredictor` restores it exactly. */
  toJSON(): File;
}
