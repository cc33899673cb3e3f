// Analytic models have one set of constants for each operator that was measured often enough, else for its class, and one for
// classes that were not measured.
import { z } from 'zod';
import { columnOf, type Samples } from './samples.js';

/** With fewer rows than this, an operator takes the constants of its class, and a class those of all units. */
const enoughRows = 8;

/** A fixed time or a slope, ms: fits are non-negative, and sums of them must stay finite. */
export const coefficientSchema = z.number().min(0).max(1e9);

/** What an analytic model is saved as. */
export const classFileSchema = <Kind extends string, Constants extends z.ZodType>(kind: Kind, constants: Constants) =>
  z.strictObject({
    version: z.literal(1),
    kind: z.literal(kind),
    features: z.array(z.string()),
    any: constants,
    /** By the code in the feature `class`. */
    byClass: z.record(z.string(), constants),
    /** By class, and the code in the feature `operator` where there is one: of classes with several operators. */
    byOperator: z.record(z.string(), z.record(z.string(), constants)).optional(),
  });

/** `constantsOf` the rows of each operator and each class that has enough, and of all rows under the key `any`. */
export function fitByClass<Kind extends string, Constants>(
  kind: Kind,
  samples: Samples,
  constantsOf: (rows: readonly number[]) => Constants,
) {
  const { features, x, latencyMs } = samples;
  const all = [...latencyMs.keys()];
  const grouped = (rows: readonly number[], column: number): [code: string, rows: number[]][] => {
    const groups = new Map<number, number[]>();
    for (const row of rows) {
      const code = x[row * features.length + column]!;
      groups.set(code, [...(groups.get(code) ?? []), row]);
    }
    return [...groups].sort(([a], [b]) => a - b).map(([code, own]) => [String(code), own]);
  };
  const fitted = (groups: readonly [string, number[]][]): Record<string, Constants> =>
    Object.fromEntries(
      groups.filter(([, own]) => own.length >= enoughRows).map(([code, own]) => [code, constantsOf(own)]),
    );
  const classes = grouped(all, columnOf(features, 'class'));
  const operator = features.indexOf('operator');
  const operators = classes
    .map(([code, rows]) => [code, grouped(rows, operator)] as const)
    .filter(([, groups]) => groups.length > 1)
    .map(([code, groups]) => [code, fitted(groups.filter(([own]) => Number(own) >= 0))]);
  return {
    version: 1 as const,
    kind,
    features: [...features],
    any: constantsOf(all),
    byClass: fitted(classes),
    ...(operator >= 0 && { byOperator: Object.fromEntries(operators) as Record<string, Record<string, Constants>> }),
  };
}

/** The constants for the unit whose features start at `offset` of `x`. Allocates nothing. */
export function constantsByClass<Constants>(file: {
  readonly features: readonly string[];
  readonly any: Constants;
  readonly byClass: Readonly<Record<string, Constants>>;
  readonly byOperator?: Readonly<Record<string, Readonly<Record<string, Constants>>>> | undefined;
}): (x: Float64Array, offset: number) => Constants {
  const byCode = <T>(record: Readonly<Record<string, T>>): Map<number, T> =>
    new Map(Object.entries(record).map(([code, each]) => [Number(code), each]));
  const classes = byCode(file.byClass);
  const operators = new Map([...byCode(file.byOperator ?? {})].map(([code, own]) => [code, byCode(own)]));
  const classColumn = columnOf(file.features, 'class');
  const operatorColumn = file.features.indexOf('operator');
  return (x, offset) => {
    const code = x[offset + classColumn]!;
    return operators.get(code)?.get(x[offset + operatorColumn]!) ?? classes.get(code) ?? file.any;
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
