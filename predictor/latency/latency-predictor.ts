// One interface for every latency predictor, however it was fitted.

/** Predicts the latency of a unit from its features. `File` is what it is saved as. */
export interface LatencyPredictor<File = unknown> {
  /** Names of the features it expects, in order. */
  readonly features: readonly string[];
  /** Latency in ms of the unit whose features start at `offset` of `x`, 0 unless given. Allocates nothing. */
  predictMs(x: Float64Array, offset?: number): number;
  /** All there is to it, as plain JSON; `openPredictor` gives it back to the bit. */
  toJSON(): File;
}
