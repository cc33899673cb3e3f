// The roofline on measured features: a fixed cost, then arithmetic or memory traffic, whichever takes longer, with ceilings
// fitted for each operator or class instead of taken from a datasheet.
// Williams, Waterman, Patterson, "Roofline", CACM 2009.
import { z } from 'zod';
import { classFileSchema, coefficientSchema, constantsByClass, fitByClass, relativeColumn } from './classes.js';
import type { LatencyPredictor } from './latency-predictor.js';
import { nonNegativeLeastSquares } from './least-squares.js';
import { columnOf, type Samples } from './samples.js';

const roofSchema = z.strictObject({
  fixedMs: coefficientSchema,
  msPerFlop: coefficientSchema,
  msPerByte: coefficientSchema,
});
type Roof = z.infer<typeof roofSchema>;

export const rooflineSchema = classFileSchema('roofline', roofSchema);
export type RooflineFile = z.infer<typeof rooflineSchema>;

/** Rounds after which assignments that still change are taken as they are; on real data they settle within ten. */
const mostRounds = 50;

export function fitRoofline(samples: Samples): LatencyPredictor<RooflineFile> {
  return openRoofline(fitByClass('roofline', samples, (rows) => fitRoof(samples, rows)));
}

/**
 * The larger term of a row depends on the constants, and the fitted constants depend on the larger terms. So it begins with both
 * terms for every row, then assigns and fits in turns, as k-means does. The best of all rounds is kept.
 */
function fitRoof(samples: Samples, rows: readonly number[]): Roof {
  const one = new Float64Array(rows.length).fill(1);
  const [fixed, flops, bytes] = [null, 'flops', 'bytes'].map((name) => relativeColumn(samples, name, rows)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const slopes = (a: Float64Array, b: Float64Array): Roof => {
    const [fixedMs, msPerFlop, msPerByte] = nonNegativeLeastSquares([fixed, a, b], one);
    return { fixedMs: fixedMs!, msPerFlop: msPerFlop!, msPerByte: msPerByte! };
  };
  const error = ({ fixedMs, msPerFlop, msPerByte }: Roof) =>
    fixed.reduce(
      (sum, f, i) => sum + (fixedMs * f + Math.max(msPerFlop * flops[i]!, msPerByte * bytes[i]!) - 1) ** 2,
      0,
    );
  let roof = slopes(flops, bytes);
  let best = roof;
  let last = '';
  for (let round = 0; round < mostRounds; round++) {
    const { msPerFlop, msPerByte } = roof;
    const computeBound = flops.map((value, i) => (msPerFlop * value >= msPerByte * bytes[i]! ? 1 : 0));
    const key = computeBound.join('');
    if (key === last) break;
    last = key;
    roof = slopes(
      flops.map((value, i) => value * computeBound[i]!),
      bytes.map((value, i) => value * (1 - computeBound[i]!)),
    );
    if (error(roof) < error(best)) best = roof;
  }
  return best;
}

export function openRoofline(file: RooflineFile): LatencyPredictor<RooflineFile> {
  const [flopsColumn, bytesColumn] = ['flops', 'bytes'].map((name) => columnOf(file.features, name)) as [
    number,
    number,
  ];
  const roofOf = constantsByClass(file);
  return {
    features: file.features,
    predictMs(x, offset = 0) {
      const { fixedMs, msPerFlop, msPerByte } = roofOf(x, offset);
      return fixedMs + Math.max(msPerFlop * x[offset + flopsColumn]!, msPerByte * x[offset + bytesColumn]!);
    },
    toJSON: () => file,
  };
}
