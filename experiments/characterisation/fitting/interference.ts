// How much longer chunks of a pipeline take beside others: factors fitted to measured pipelines. The logarithm of a chunk's time
// over its time in isolation is a sum of terms, by what other processors do meanwhile; each addend has a cause of its own, and a
// model is a set of them, so that leaving some out is an ablation.
import { solvePositive } from '../../../predictor/latency/least-squares.js';

/** Causes, in the order in which models add them. */
export const interferenceModels = ['isolated', 'clocks', 'waiting', 'computing', 'power'] as const;
/**
 * - `isolated`: none.
 * - `clocks`: of the processor itself, and of it under the application: governors, and one synchronisation a chunk in place of one a stage.
 * - `waiting`: each other processor's thread, which polls for tasks on a core; before or behind it in the pipeline.
 * - `computing`: each other processor for the time that it computes: memory bandwidth and clocks.
 * - `power`: all processors alike for the time that others compute: one budget.
 */
export type InterferenceModel = (typeof interferenceModels)[number];

export interface FittedChunk {
  readonly processor: string;
  /** In isolation, ms. */
  readonly isolatedMs: number;
  readonly measuredMs: number;
}

export interface FittedPipeline {
  readonly application: string;
  readonly chunks: readonly FittedChunk[];
}

interface Term {
  readonly name: string;
  /** The chunk while whose processor computes it holds; null: always. */
  readonly whileComputing: number | null;
}

/** Coefficients of terms by name: logarithms of factors on time. */
export type Interference = ReadonlyMap<string, number>;

/** Terms of a chunk; those that were fitted to no pipeline are worth nothing. */
function termsOf(model: InterferenceModel, { application, chunks }: PipelineShape, chunk: number): Term[] {
  const level = interferenceModels.indexOf(model);
  const own = chunks[chunk]!.processor;
  const terms: Term[] = [];
  const add = (least: number, name: string, whileComputing: number | null = null): void => {
    if (level >= least) terms.push({ name, whileComputing });
  };
  add(1, `${own}|alone|`);
  add(1, `${own}|application|${application}`);
  chunks.forEach(({ processor }, other) => {
    if (other === chunk) return;
    add(2, `${own}|waiting|${processor}`);
    add(2, `${own}|position|${other < chunk ? 'behind' : 'before'}`);
    add(3, `${own}|computing|${processor}`, other);
    add(4, 'all|power|', other);
  });
  return terms;
}

interface PipelineShape {
  readonly application: string;
  readonly chunks: readonly { readonly processor: string }[];
}

/**
 * The rate of each chunk of a pipeline, 1 being its speed in isolation, for `simulatePipeline`.
 */
export function interferenceRate(interference: Interference, model: InterferenceModel, pipeline: PipelineShape) {
  const terms = pipeline.chunks.map((_, chunk) =>
    termsOf(model, pipeline, chunk).map(({ name, whileComputing }) => ({
      log: interference.get(name) ?? 0,
      whileComputing,
    })),
  );
  return (chunk: number, computing: readonly boolean[]): number => {
    let sum = 0;
    for (const { log, whileComputing } of terms[chunk]!)
      if (whileComputing === null || computing[whileComputing]) sum += log;
    return Math.exp(-sum);
  };
}

/** Of every coefficient but a processor's own: factors are near 1 unless several chunks say otherwise. */
const ridge = 0.2;
const ownRidge = ridge / 1000;
/** Errors of logarithms beyond it count by their size, not its square (Huber). */
const robustBeyond = 0.1;
const rounds = 20;

/**
 * Least squares with a ridge, robust, over chunks that compute something. A chunk counts by the share of time that it computes,
 * because the widest alone decides a pipeline's throughput.
 */
export function fitInterference(model: InterferenceModel, pipelines: readonly FittedPipeline[]): Interference {
  const rows = pipelines.flatMap((pipeline) => rowsOf(model, pipeline));
  const names = [...new Set(rows.flatMap(({ values }) => [...values.keys()]))].sort();
  if (names.length === 0) return new Map();
  const x = rows.map(({ values }) => names.map((name) => values.get(name) ?? 0));
  const weights = rows.map(({ weight }) => weight);
  let found = names.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    const matrix = names.map((name, i) =>
      names.map((_, j) => (i === j ? (name.endsWith('|alone|') ? ownRidge : ridge) : 0)),
    );
    const right = names.map(() => 0);
    rows.forEach(({ log }, row) => {
      x[row]!.forEach((value, i) => {
        if (value === 0) return;
        right[i]! += weights[row]! * value * log;
        for (let j = 0; j < names.length; j++) matrix[i]![j]! += weights[row]! * value * x[row]![j]!;
      });
    });
    found = solvePositive(matrix, right)!;
    rows.forEach(({ log, weight }, row) => {
      const error = Math.abs(log - x[row]!.reduce((sum, value, i) => sum + value * found[i]!, 0));
      weights[row] = weight * Math.min(1, robustBeyond / error);
    });
  }
  return new Map(names.map((name, i) => [name, found[i]!]));
}

/** A term that holds while another computes has the share of time that it does. */
function rowsOf(model: InterferenceModel, pipeline: FittedPipeline) {
  const { chunks } = pipeline;
  const widestMs = Math.max(...chunks.map(({ measuredMs }) => measuredMs));
  return chunks.flatMap(({ isolatedMs, measuredMs }, chunk) => {
    if (!(isolatedMs > 0 && measuredMs > 0)) return [];
    const values = new Map<string, number>();
    for (const { name, whileComputing } of termsOf(model, pipeline, chunk)) {
      const share = whileComputing === null ? 1 : chunks[whileComputing]!.measuredMs / widestMs;
      values.set(name, (values.get(name) ?? 0) + share);
    }
    return [{ values, log: Math.log(measuredMs / isolatedMs), weight: measuredMs / widestMs }];
  });
}
