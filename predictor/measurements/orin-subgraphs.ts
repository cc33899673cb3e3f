// PyTorch on a Jetson AGX Orin: the time of every fused subgraph of whole networks, eager mode, one synchronisation each.
// Published by branes.ai, github.com/branes-ai/graphs, calibration_data/, MIT licence: one JSON file for each model, power mode,
// precision and batch size (schema 2.0). Also read are the same rows collected in one CSV file.
import { z } from 'zod';
import { readJson } from '../../base/files/json.js';
import { asPublished, readTable } from './table.js';

export interface OrinSubgraph {
  /** The measuring campaign: `jetson_orin_agx_maxn`. */
  readonly campaign: string;
  readonly powerMode: '15w' | '30w' | '50w' | 'maxn';
  readonly precision: 'fp32' | 'fp16';
  readonly model: string;
  readonly batch: number;
  /** Position in the model, from 0. */
  readonly subgraph: number;
  /** PyTorch modules in order, `Conv2d_BatchNorm2d_SiLU_+3more`; `Unfused` for a single operator, whose name is not given. */
  readonly fusionPattern: string;
  /** `conv2d_batchnorm`, `matmul`, `unfused`, ... */
  readonly operationType: string;
  /** As published; 0 where its authors count none. */
  readonly flops: number;
  readonly bytes: number;
  readonly meanMs: number;
  readonly stdMs: number;
  readonly minMs: number;
  readonly samples: number;
}

const powerModes = ['15w', '30w', '50w', 'maxn'] as const;
const precisions = ['fp32', 'fp16'] as const;

const size = z.number().nonnegative();
const fileSchema = z.object({
  schema_version: z.literal('2.0'),
  model: z.string(),
  hardware_id: z.string(),
  precision: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(precisions)),
  thermal_profile: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(powerModes)),
  batch_size: z.int().positive(),
  subgraphs: z
    .array(
      z.object({
        subgraph_id: z.int().nonnegative(),
        fusion_pattern: z.string().min(1),
        operation_type: z.string().min(1),
        flops: size,
        total_bytes: size,
        measured_latency: z.object({
          mean: z.number().positive(),
          std: size,
          min: z.number().positive(),
          samples: z.int().positive(),
        }),
      }),
    )
    .min(1),
});

/** @throws InputError when the file is not a subgraph measurement of schema 2.0. */
export function readOrinSubgraphFile(path: string): OrinSubgraph[] {
  const file = readJson(path, fileSchema, asPublished);
  return file.subgraphs.map(
    ({ subgraph_id, fusion_pattern, operation_type, flops, total_bytes, measured_latency }) => ({
      campaign: file.hardware_id,
      powerMode: file.thermal_profile,
      precision: file.precision,
      model: file.model,
      batch: file.batch_size,
      subgraph: subgraph_id,
      fusionPattern: fusion_pattern,
      operationType: operation_type,
      flops,
      bytes: total_bytes,
      meanMs: measured_latency.mean,
      stdMs: measured_latency.std,
      minMs: measured_latency.min,
      samples: measured_latency.samples,
    }),
  );
}

/** @throws InputError when a column is missing or a cell is wrong. */
export function readOrinSubgraphTable(path: string): OrinSubgraph[] {
  const columns = ['source_set', 'power_mode', 'precision', 'model', 'batch', 'subgraph', 'fusion_pattern'];
  const numbers = ['flops', 'bytes', 'latency_mean_ms', 'latency_std_ms', 'latency_min_ms', 'samples'];
  return readTable(path, [...columns, 'operation_type', ...numbers]).map((row) => ({
    campaign: row.text('source_set'),
    powerMode: row.choice('power_mode', powerModes),
    precision: row.choice('precision', precisions),
    model: row.text('model'),
    batch: row.number('batch', { positive: true, integer: true }),
    subgraph: row.number('subgraph', { integer: true }),
    fusionPattern: row.text('fusion_pattern'),
    operationType: row.text('operation_type'),
    flops: row.number('flops'),
    bytes: row.number('bytes'),
    meanMs: row.number('latency_mean_ms', { positive: true }),
    stdMs: row.number('latency_std_ms'),
    minMs: row.number('latency_min_ms', { positive: true }),
    samples: row.number('samples', { positive: true, integer: true }),
  }));
}
