// Constants of many devices from few measurements of each: log time = log(sum of constants x terms) + noise, where the logarithms
// of a device's constants are drawn from a normal distribution that all devices share. Its mean and covariance are fitted to all
// of them (empirical Bayes by expectation maximisation with Laplace's approximation: Bishop, "Pattern Recognition and Machine
// Learning", sections 3.5 and 4.4), so a constant that one device's data leave open comes from the other devices, given what
// its data do say. Huber's weights keep single outliers from ruling a device (Huber, "Robust Statistics", 1981).
import { median } from '../../../base/statistics/quantile.js';

/** Measurements of one device: a row of terms and a time, ms, for each network. */
export interface Rows {
  readonly terms: readonly (readonly number[])[];
  readonly ms: readonly number[];
}

/** Of logarithms of constants. */
export interface SharedPrior {
  readonly mean: readonly number[];
  readonly covariance: readonly (readonly number[])[];
  /** Standard deviation of the logarithm of a time around its prediction. */
  readonly noise: number;
}

export interface Constants {
  /** Logarithms. */
  readonly log: readonly number[];
  /** Their covariance. */
  readonly covariance: readonly (readonly number[])[];
}

/** Beyond this many standard deviations an error counts linearly. */
const huber = 2;
const mostSteps = 30;
const settled = 1e-6;
const leastNoise = 0.03;
/** Added to variances, so that no covariance is singular. */
const ridge = 1e-4;
/** Share of constants that a device's own data determine, for the degrees of freedom of the noise. */
const determined = 0.7;

const square = (size: number, value: (i: number, j: number) => number): number[][] =>
  Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_unused, j) => value(i, j)));

/** The time that constants predict, ms. */
export function predictedMs(log: readonly number[], terms: readonly number[]): number {
  let ms = 0;
  for (let i = 0; i < terms.length; i++) ms += Math.exp(log[i]!) * terms[i]!;
  return ms;
}

/** The constants of one device: the most likely ones under the prior, by Gauss and Newton. Without rows, the prior's own. */
export function fitConstants({ terms, ms }: Rows, prior: SharedPrior, start = prior.mean): Constants {
  const size = prior.mean.length;
  const precision = inverse(prior.covariance);
  let log = [...start];
  let covariance = prior.covariance;
  for (let step = 0; step < mostSteps; step++) {
    const away = log.map((value, i) => value - prior.mean[i]!);
    const hessian = precision.map((row) => [...row]);
    const gradient = precision.map((row) => -row.reduce((sum, value, i) => sum + value * away[i]!, 0));
    const constants = log.map(Math.exp);
    terms.forEach((row, at) => {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += constants[i]! * row[i]!;
      const error = Math.log(ms[at]! / sum);
      const weight = Math.min(1, (huber * prior.noise) / Math.max(1e-9, Math.abs(error))) / prior.noise ** 2;
      for (let i = 0; i < size; i++) {
        const slope = (constants[i]! * row[i]!) / sum;
        gradient[i]! += weight * slope * error;
        for (let j = 0; j < size; j++) hessian[i]![j]! += (weight * slope * constants[j]! * row[j]!) / sum;
      }
    });
    covariance = inverse(hessian);
    const change = covariance.map((row) => row.reduce((sum, value, i) => sum + value * gradient[i]!, 0));
    log = log.map((value, i) => value + Math.max(-1, Math.min(1, change[i]!)));
    if (change.every((value) => Math.abs(value) < settled)) break;
  }
  return { log, covariance };
}

/** The prior that devices share. @param start where the iteration begins; else from the sizes of the terms */
export function fitPrior(devices: readonly Rows[], rounds: number, start = crudePrior(devices)): SharedPrior {
  const size = start.mean.length;
  let prior = start;
  let found: Constants[] = devices.map(() => ({ log: start.mean, covariance: start.covariance }));
  for (let round = 0; round < rounds; round++) {
    found = devices.map((rows, at) => fitConstants(rows, prior, found[at]!.log));
    const mean = prior.mean.map((_, i) => average(found.map(({ log }) => log[i]!)));
    const spread = (i: number, j: number) =>
      average(found.map(({ log, covariance }) => (log[i]! - mean[i]!) * (log[j]! - mean[j]!) + covariance[i]![j]!));
    const errors = devices.flatMap(({ terms, ms }, at) =>
      terms.map((row, n) => Math.abs(Math.log(ms[n]! / predictedMs(found[at]!.log, row)))),
    );
    const freedom = Math.max(1, errors.length - determined * size * devices.length);
    // 1.4826 medians of absolute errors are one standard deviation of a normal distribution.
    const noise = Math.max(leastNoise, 1.4826 * median(errors) * Math.sqrt(errors.length / freedom));
    prior = { mean, covariance: square(size, (i, j) => spread(i, j) + (i === j ? ridge : 0)), noise };
  }
  return prior;
}

/** Each term takes an equal part of the mean, within a factor of four. */
function crudePrior(devices: readonly Rows[]): SharedPrior {
  const rows = devices.flatMap(({ terms, ms }) => terms.map((row, at) => ({ row, ms: ms[at]! })));
  const size = rows[0]!.row.length;
  const means = Array.from({ length: size }, (_, i) => average(rows.map(({ row }) => row[i]!)));
  const scale = median(rows.map(({ row, ms }) => ms / average(row.map((value, i) => value / means[i]!))));
  return {
    mean: means.map((mean) => Math.log(scale / mean / size)),
    covariance: square(size, (i, j) => (i === j ? 2 : 0)),
    noise: 0.3,
  };
}

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of a symmetric positive definite matrix, by elimination. */
export function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let pivot = 0; pivot < size; pivot++) {
    const divisor = rows[pivot]![pivot]!;
    for (let j = 0; j < 2 * size; j++) rows[pivot]![j]! /= divisor;
    for (let i = 0; i < size; i++) {
      const factor = i === pivot ? 0 : rows[i]![pivot]!;
      if (factor !== 0) for (let j = 0; j < 2 * size; j++) rows[i]![j]! -= factor * rows[pivot]![j]!;
    }
  }
  return rows.map((row) => row.slice(size));
}
