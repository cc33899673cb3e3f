// Latency as a straight line in FLOPs: the assumption of schedulers without measurements, and the reference for other predictors.
// CoDL (MobiSys 2022) finds 7 to 10 % of such predictions within 10 % on phones.
import { z } from 'zod';
import { classFileSchema, coefficientSchema, constantsByClass, fitByClass, relativeColumn } from './classes.js';
import type { LatencyPredictor } from './latency-predictor.js';
import { nonNegativeLeastSquares } from './least-squares.js';
import { columnOf, type Samples } from './samples.js';

const lineSchema = z.strictObject({ fixedMs: coefficientSchema, msPerFlop: coefficientSchema });
type Line = z.infer<typeof lineSchema>;

export const linearFlopsSchema = classFileSchema('linear-flops', lineSchema);
export type LinearFlopsFile = z.infer<typeof linearFlopsSchema>;

/** Least squares on relative errors, slopes and intercepts non-negative; a line for each operator or class. */
export function fitLinearFlops(samples: Samples): LatencyPredictor<LinearFlopsFile> {
  const line = (rows: readonly number[]): Line => {
    const columns = [null, 'flops'].map((name) => relativeColumn(samples, name, rows));
    const [fixedMs, msPerFlop] = nonNegativeLeastSquares(columns, new Float64Array(rows.length).fill(1));
    return { fixedMs: fixedMs!, msPerFlop: msPerFlop! };
  };
  return openLinearFlops(fitByClass('linear-flops', samples, line));
}

export function openLinearFlops(file: LinearFlopsFile): LatencyPredictor<LinearFlopsFile> {
  const flopsColumn = columnOf(file.features, 'flops');
  const lineOf = constantsByClass(file);
  return {
    features: file.features,
    predictMs(x, offset = 0) {
      const { fixedMs, msPerFlop } = lineOf(x, offset);
      return fixedMs + msPerFlop * x[offset + flopsColumn]!;
    },
    toJSON: () => file,
  };
}
