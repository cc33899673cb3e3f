// Analytic models have one set of constants for each operator that was measured often enough, else for its class, and one for
// classes that were not measured.
import { z } from 'zod';
import { columnOf, type Samples } from './samples.js';

/** Fewer rows than this say too little about an operator or a class: it takes the constants of more of them. */
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
    /** By the code in the feature `operator`, where there is one. */
    byOperator: z.record(z.string(), constants).optional(),
  });

/** `constantsOf` the rows of each operator and each class that has enough, and of all rows under the key `any`. */
export function fitByClass<Kind extends string, Constants>(
  kind: Kind,
  samples: Samples,
  constantsOf: (rows: readonly number[]) => Constants,
) {
  const { features, x, latencyMs } = samples;
  const by = (column: number): Record<string, Constants> => {
    const rows = new Map<number, number[]>();
    latencyMs.forEach((_, row) => {
      const code = x[row * features.length + column]!;
      rows.set(code, [...(rows.get(code) ?? []), row]);
    });
    return Object.fromEntries(
      [...rows]
        .filter(([code, own]) => code >= 0 && own.length >= enoughRows)
        .sort(([a], [b]) => a - b)
        .map(([code, own]) => [String(code), constantsOf(own)]),
    );
  };
  const operator = features.indexOf('operator');
  return {
    version: 1 as const,
    kind,
    features: [...features],
    any: constantsOf([...latencyMs.keys()]),
    byClass: by(columnOf(features, 'class')),
    ...(operator >= 0 && { byOperator: by(operator) }),
  };
}

/** The constants for the unit whose features start at `offset` of `x`. Allocates nothing. */
export function constantsByClass<Constants>(file: {
  readonly features: readonly string[];
  readonly any: Constants;
  readonly byClass: Readonly<Record<string, Constants>>;
  readonly byOperator?: Readonly<Record<string, Constants>> | undefined;
}): (x: Float64Array, offset: number) => Constants {
  const byCode = (constants: Readonly<Record<string, Constants>>): Map<number, Constants> =>
    new Map(Object.entries(constants).map(([code, each]) => [Number(code), each]));
  const [classes, operators] = [byCode(file.byClass), byCode(file.byOperator ?? {})];
  const classColumn = columnOf(file.features, 'class');
  const operatorColumn = file.features.indexOf('operator');
  return (x, offset) =>
    (operatorColumn < 0 ? undefined : operators.get(x[offset + operatorColumn]!)) ??
    classes.get(x[offset + classColumn]!) ??
    file.any;
}

/** One column of the samples at `rows`, each value over that row's latency: least squares on these is on relative errors. */
export function relativeColumn(samples: Samples, name: string | null, rows: readonly number[]): Float64Array {
  const column = name === null ? -1 : columnOf(samples.features, name);
  return Float64Array.from(rows, (row) => {
    const value = column < 0 ? 1 : samples.x[row * samples.features.length + column]!;
    return value / samples.latencyMs[row]!;
  });
}
