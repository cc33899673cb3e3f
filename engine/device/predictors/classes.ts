// Analytic models have one set of constants for each operator class, and one for classes that were not measured.
import { z } from 'zod';
import { columnOf, type Samples } from './samples.js';

/** Fewer rows than this say too little about a class; it takes the constants of all rows. */
const enoughRows = 8;

/** What an analytic model is saved as. */
export const classFileSchema = <Kind extends string, Constants extends z.ZodType>(kind: Kind, constants: Constants) =>
  z.strictObject({
    version: z.literal(1),
    kind: z.literal(kind),
    features: z.array(z.string()),
    any: constants,
    /** By the code in the feature `class`. */
    byClass: z.record(z.string(), constants),
  });

/** `constantsOf` the rows of each class that has enough, and of all rows under the key `any`. */
export function fitByClass<Kind extends string, Constants>(
  kind: Kind,
  samples: Samples,
  constantsOf: (rows: readonly number[]) => Constants,
) {
  const column = columnOf(samples.features, 'class');
  const rows = new Map<number, number[]>();
  samples.latencyMs.forEach((_, row) => {
    const code = samples.x[row * samples.features.length + column]!;
    rows.set(code, [...(rows.get(code) ?? []), row]);
  });
  return {
    version: 1 as const,
    kind,
    features: [...samples.features],
    any: constantsOf([...samples.latencyMs.keys()]),
    byClass: Object.fromEntries(
      [...rows]
        .filter(([, own]) => own.length >= enoughRows)
        .sort(([a], [b]) => a - b)
        .map(([code, own]) => [String(code), constantsOf(own)]),
    ),
  };
}

/** One column of the samples at `rows`, each value over that row's latency: least squares on these is on relative errors. */
export function relativeColumn(samples: Samples, name: string | null, rows: readonly number[]): Float64Array {
  const column = name === null ? -1 : columnOf(samples.features, name);
  return Float64Array.from(rows, (row) => {
    const value = column < 0 ? 1 : samples.x[row * samples.features.length + column]!;
    return value / samples.latencyMs[row]!;
  });
}
