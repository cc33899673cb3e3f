// Training data of predictors: a table of numbers, one row for each measured unit, and its time.
import { InputError } from '../../base/errors/input-error.js';

/** `rows` units with `features.length` numbers each, row after row. */
export interface Samples {
  /** Names of the columns. `class` (a code of the operator class), `flops` and `bytes` are what analytic models read. */
  readonly features: readonly string[];
  /** [rows x features] */
  readonly x: Float64Array;
  /** [rows], ms, positive. */
  readonly latencyMs: Float64Array;
}

/**
 * Collects rows of numbers into samples.
 * @throws InputError when there is no row, one has another length, a number is not finite or a latency not positive.
 */
export function samplesOf(
  features: readonly string[],
  rows: readonly { readonly x: readonly number[]; readonly latencyMs: number }[],
): Samples {
  if (rows.length === 0)
    throw new InputError('samples: there is no row.', 'A predictor needs at least one measured unit.');
  rows.forEach(({ x, latencyMs }, row) => {
    const wrong = x.findIndex((value) => !Number.isFinite(value));
    if (x.length !== features.length || wrong >= 0)
      throw new InputError(
        x.length !== features.length
          ? `samples: row ${row} has ${x.length} numbers for ${features.length} features.`
          : `samples: row ${row}: ${features[wrong]} is ${x[wrong]}, not finite.`,
        `Give a finite number for each of ${features.join(', ')}.`,
      );
    if (!(latencyMs > 0 && Number.isFinite(latencyMs)))
      throw new InputError(
        `samples: row ${row}: the latency is ${latencyMs} ms, not positive.`,
        'Leave out units that take no time.',
      );
  });
  return {
    features,
    x: Float64Array.from(rows.flatMap(({ x }) => x)),
    latencyMs: Float64Array.from(rows, ({ latencyMs }) => latencyMs),
  };
}

/** The samples at the given rows, in that order. */
export function selectRows(samples: Samples, rows: readonly number[]): Samples {
  const width = samples.features.length;
  const x = new Float64Array(rows.length * width);
  rows.forEach((row, at) => {
    x.set(samples.x.subarray(row * width, (row + 1) * width), at * width);
  });
  return { features: samples.features, x, latencyMs: Float64Array.from(rows, (row) => samples.latencyMs[row]!) };
}

/**
 * The position of a column that a model needs.
 * @throws InputError when the samples lack it.
 */
export function columnOf(features: readonly string[], name: string): number {
  const column = features.indexOf(name);
  if (column < 0)
    throw new InputError(
      `samples: there is no feature "${name}" among ${features.join(', ')}.`,
      `Add a column "${name}", or use a predictor that does not read it.`,
    );
  return column;
}
