// Energy per inference at the wall, of whole boards: MLPerf Inference Power results v2.0 to v4.0, github
// mlcommons/cm4mlperf-results, Apache-2.0. Idle power is included. The latency of one stream is its 90th percentile.
import { readTable } from './table.js';

export interface PowerRun {
  readonly board: string;
  /** `cpu`, `gpu`, `gpu+dla`, `dsp`. */
  readonly processor: string;
  readonly network: string;
  /** Empty where the submission does not say. */
  readonly precision: string;
  readonly framework: string;
  /** Who measured it, for which round of the benchmark, and in which power mode, as far as it is known. */
  readonly campaign: string;
  readonly latencyMs: number;
  readonly energyMj: number;
}

const columns = [
  ...(['board', 'processor', 'network', 'precision', 'scenario', 'latencyMs', 'energyPerInferenceMj'] as const),
  ...(['powerMode', 'framework', 'submitter', 'mlperf'] as const),
];

/**
 * The runs of one stream, batch 1, of networks that have a name.
 * @throws InputError when the file is not the published one
 */
export function readPowerRuns(path: string): PowerRun[] {
  return readTable(path, columns)
    .filter(({ cells }) => cells.scenario === 'SingleStream' && cells.network !== '')
    .map((row) => ({
      board: row.text('board'),
      processor: row.text('processor'),
      network: row.text('network'),
      precision: row.cells.precision!,
      framework: row.text('framework'),
      campaign: [row.cells.submitter, row.cells.mlperf, row.cells.powerMode].join(' ').trim(),
      latencyMs: row.number('latencyMs', { positive: true }),
      energyMj: row.number('energyPerInferenceMj', { positive: true }),
    }));
}

/** Mean power of the whole board while it runs the network, W. */
export const powerW = ({ energyMj, latencyMs }: PowerRun): number => energyMj / latencyMs;
