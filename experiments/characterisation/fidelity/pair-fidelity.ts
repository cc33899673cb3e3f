// Throughput of CPU and GPU together on one chip, predicted from each alone: what a shared budget of power and bandwidth leaves.
import { median, quantile } from '../../../base/statistics/quantile.js';
import { nonNegativeLeastSquares } from '../../../predictor/latency/least-squares.js';
import type { PairThroughput } from '../../../predictor/measurements/openvino.js';

/** Predicts the throughput of both together, inferences/s, after a fit to other pairs; those of the same chip may be none. */
type PairModel = (others: readonly PairThroughput[], chip: string) => (pair: PairThroughput) => number;

const sum = ({ cpuPerS, gpuPerS }: PairThroughput): number => cpuPerS + gpuPerS;
const best = ({ cpuPerS, gpuPerS }: PairThroughput): number => Math.max(cpuPerS, gpuPerS);

/** Of a budget split for the most throughput. */
const shared = (pair: PairThroughput, n: number): number =>
  best(pair) * ((pair.cpuPerS / best(pair)) ** n + (pair.gpuPerS / best(pair)) ** n) ** (1 / n);
const exponents = [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6];

export const pairPredictors = ['sum', 'better', 'rate', 'budget', 'chip-rate', 'chip-rates'] as const;
/**
 * - `sum`, `better`: no interference, and no gain by the second device.
 * - `rate`: both at one rate, the same on every chip. `chip-rate`: one on each. `chip-rates`: one for each device of each chip.
 * - `budget`: one budget of power, split for the most throughput. Where power grows with the rate to the exponent a, and either
 *   alone draws all of it, that is (cpu^n + gpu^n)^(1/n) with n = a / (a - 1). One n for all chips.
 */
export type PairPredictor = (typeof pairPredictors)[number];

const pairModels: Readonly<Record<PairPredictor, PairModel>> = {
  sum: () => sum,
  better: () => best,
  rate: (others) => {
    const rate = median(others.map((each) => each.bothPerS / sum(each)));
    return (pair) => rate * sum(pair);
  },
  budget: (others) => {
    const errorOf = (n: number) => median(others.map((each) => Math.abs(Math.log(shared(each, n) / each.bothPerS))));
    const n = exponents.reduce((least, each) => (errorOf(each) < errorOf(least) ? each : least));
    return (pair) => shared(pair, n);
  },
  'chip-rate': (others, chip) => pairModels.rate(ofChip(others, chip), chip),
  'chip-rates': (others, chip) => {
    const own = ofChip(others, chip);
    const column = (of: (pair: PairThroughput) => number) => Float64Array.from(own, (each) => of(each) / each.bothPerS);
    const columns = [column(({ cpuPerS }) => cpuPerS), column(({ gpuPerS }) => gpuPerS)];
    const [cpu, gpu] = nonNegativeLeastSquares(columns, new Float64Array(own.length).fill(1)) as [number, number];
    return (pair) => cpu * pair.cpuPerS + gpu * pair.gpuPerS;
  },
};

/** Models that have constants of each chip, and so none for a chip that was left out. */
const ofEachChip: readonly PairPredictor[] = ['chip-rate', 'chip-rates'];

/** A row of `pairs.csv`: absolute errors |ln(predicted / measured)| over pairs. */
export interface PairFidelity {
  readonly leftOut: 'model' | 'chip';
  /** `all`: of all chips together. */
  readonly chip: string;
  readonly predictor: PairPredictor;
  readonly pairs: number;
  readonly errorMedian: number;
  readonly error90: number;
  /** Share of pairs that are slower together than the better device alone. */
  readonly losing: number;
  /** Share of pairs of which gain or loss is predicted. */
  readonly outcomeRight: number;
}

/** A pair whose chip or model has nothing left to fit to is passed over. */
export function pairFidelity(pairs: readonly PairThroughput[]): PairFidelity[] {
  const chips = [...new Set(pairs.map(({ chip }) => chip)), 'all'];
  return (['model', 'chip'] as const).flatMap((leftOut) =>
    pairPredictors
      .filter((predictor) => leftOut === 'model' || !ofEachChip.includes(predictor))
      .flatMap((predictor) => {
        const predicted = pairs.flatMap((pair) => {
          const others = pairs.filter((other) => other[leftOut] !== pair[leftOut]);
          const fitted = ofEachChip.includes(predictor) ? ofChip(others, pair.chip) : others;
          return fitted.length === 0 ? [] : [{ pair, perS: pairModels[predictor](others, pair.chip)(pair) }];
        });
        return chips.flatMap((chip) => summary(leftOut, chip, predictor, predicted));
      }),
  );
}

function summary(
  leftOut: PairFidelity['leftOut'],
  chip: string,
  predictor: PairFidelity['predictor'],
  predicted: readonly { readonly pair: PairThroughput; readonly perS: number }[],
): PairFidelity[] {
  const own = predicted.filter(({ pair }) => chip === 'all' || pair.chip === chip);
  if (own.length === 0) return [];
  const errors = own.map(({ pair, perS }) => Math.abs(Math.log(perS / pair.bothPerS)));
  const share = (holds: (each: (typeof own)[number]) => boolean) => own.filter(holds).length / own.length;
  return [
    {
      ...{ leftOut, chip, predictor, pairs: own.length },
      errorMedian: median(errors),
      error90: quantile(errors, 0.9),
      losing: share(({ pair }) => pair.bothPerS < best(pair)),
      // The better device alone says that the second one is worth nothing.
      outcomeRight: share(({ pair, perS }) => perS > best(pair) === pair.bothPerS > best(pair)),
    },
  ];
}

const ofChip = (pairs: readonly PairThroughput[], chip: string) => pairs.filter((pair) => pair.chip === chip);
