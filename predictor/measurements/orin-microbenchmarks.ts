// Micro-benchmarks of Jetson boards: vector and matrix operations by size, on the CPU by NumPy and on the GPU by eager PyTorch.
// Published by branes.ai, github.com/branes-ai/graphs, hardware_registry/*/calibrations/, MIT licence.
import { z } from 'zod';
import { readJson } from '../../base/files/json.js';
import { asPublished } from './table.js';

export interface MicroBenchmark {
  /** As published: `Jetson Orin Nano (GPU)`. */
  readonly hardware: string;
  readonly framework: string;
  /** Day and time of the calibration, ISO 8601. */
  readonly date: string;
  /** `stream_copy`, `dot`, `gemm`, ... */
  readonly operation: string;
  /** The key that the file gives it: operation and parameters. */
  readonly configuration: string;
  /** Elements along each axis of the first input. */
  readonly inputShape: readonly number[];
  readonly meanMs: number;
  readonly stdMs: number;
  readonly minMs: number;
  readonly trials: number;
}

const time = z.number().positive();
const fileSchema = z.object({
  metadata: z.object({ hardware_name: z.string(), calibration_date: z.string(), framework: z.string() }),
  operation_profiles: z.record(
    z.string(),
    z.object({
      operation_type: z.string(),
      input_shape: z.array(z.int().positive()),
      mean_latency_ms: time,
      std_latency_ms: z.number().nonnegative(),
      min_latency_ms: time,
      num_trials: z.int().positive(),
    }),
  ),
});

/** @throws InputError when the file is not a calibration of this project. */
export function readMicroBenchmarks(path: string): MicroBenchmark[] {
  const { metadata, operation_profiles } = readJson(path, fileSchema, asPublished);
  return Object.entries(operation_profiles).map(([configuration, profile]) => ({
    hardware: metadata.hardware_name,
    framework: metadata.framework,
    date: metadata.calibration_date,
    operation: profile.operation_type,
    configuration,
    inputShape: profile.input_shape,
    meanMs: profile.mean_latency_ms,
    stdMs: profile.std_latency_ms,
    minMs: profile.min_latency_ms,
    trials: profile.num_trials,
  }));
}
