// The rows of the result files, as the tables, the figures and the report read them.
/** Of `latency.csv`, one row per scheduler and cell (model x profile variant x batch). */
export interface LatencyRow {
  readonly scheduler: string;
  /** Full URIs, batch and variant included. */
  readonly model: string;
  /** The profile's, or the hardware's: `lanes://cpu:1+cpu:1`. */
  readonly profile: string;
  /** Of the profile's numbers, or of the devices and their drivers. */
  readonly profileHash: string;
  readonly kind: 'simulated' | 'measured' | 'published';
  /** Weakest kind of source among the profile's numbers. */
  readonly weakestSource: string;
  readonly execution: 'serial' | 'overlap';
  /** `planned`: found before the inference; `online`: decided inside it and charged to its latency. */
  readonly decision: 'planned' | 'online';
  readonly seeds: number;
  /** Median over seeds; on hardware of medians over repeated measurements. */
  readonly latencyMs: number;
  /** Percentile bootstrap, 95 %, over seeds, or measurements of a single one; null for one simulated schedule. */
  readonly latencyMsLow: number | null;
  readonly latencyMsHigh: number | null;
  /** Best episode seen while training, median over seeds; null for planners. */
  readonly latencyMsBestSeen: number | null;
  readonly energyMj: number | null;
  readonly gpuShareUnits: number;
  readonly gpuShareFlops: number;
  readonly gpuShareTime: number;
  /** Latency / that of `gapTo`, minus 1, in percent. */
  readonly gapPercent: number;
  /** The reference of the gap: the provable optimum, or, where nothing is proved (hardware, overlap), the best schedule of the cell. */
  readonly gapTo: string;
  /** (best single - latency) / (best single - that one); null where the headroom is under 2 %. */
  readonly capturedHeadroom: number | null;
  readonly decisionWallMs: number;
  readonly trainingWallS: number | null;
  /** Empty where the config has none. */
  readonly variant: string;
}

export const latencyColumns = [
  'scheduler', 'model', 'profile', 'profileHash', 'kind', 'weakestSource', 'execution', 'decision', 'seeds',
  'latencyMs', 'latencyMsLow', 'latencyMsHigh', 'latencyMsBestSeen', 'energyMj',
  'gpuShareUnits', 'gpuShareFlops', 'gpuShareTime', 'gapPercent', 'gapTo', 'capturedHeadroom',
  'decisionWallMs', 'trainingWallS', 'variant',
] as const satisfies readonly (keyof LatencyRow)[]; // biome-ignore format: a table

/** Of `atlas.csv`: how much a hybrid schedule can win in one cell. */
export interface AtlasRow {
  readonly model: string;
  readonly profile: string;
  readonly profileHash: string;
  readonly kind: 'simulated';
  readonly batch: number;
  /** Better single device / optimum - 1, in percent. */
  readonly headroomPercent: number;
  readonly execution: 'serial';
  /** The better single device. */
  readonly best: 'cpu-only' | 'gpu-only';
  /** Best cheap baseline (greedy, HEFT, the tuned threshold, single devices) / optimum - 1, in percent. */
  readonly roomPercent: number;
  /** That baseline. */
  readonly bestBaseline: string;
  /** A variant of the profile as shipped, without an assumed number, at batch 1, 4 or 16. */
  readonly sourced: boolean;
}

export const atlasColumns = [
  'model',
  'profile',
  'profileHash',
  'kind',
  'batch',
  'execution',
  'headroomPercent',
  'best',
  'roomPercent',
  'bestBaseline',
  'sourced',
] as const satisfies readonly (keyof AtlasRow)[];
