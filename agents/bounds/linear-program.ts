// Linear programs, solved by HiGHS (Huangfu, Hall, "Parallelizing the dual revised simplex method", Mathematical Programming
// Computation 10, 2018) in its WebAssembly build. It is loaded when the first bound needs it: 3.5 MB.
import { createRequire } from 'node:module';
import type { Highs } from 'highs';

/** A column of a program with its coefficient. */
export type Term = readonly [column: number, coefficient: number];

let solver: Highs | null = null;

/** Loads the solver; `minimum` needs it. */
export async function loadSolver(): Promise<void> {
  const load = createRequire(import.meta.url)('highs') as () => Promise<Highs>;
  solver ??= await load();
}

/** Columns are at least 0. */
export class LinearProgram {
  #columns = 0;
  readonly #rows: string[] = [];

  column(): number {
    return this.#columns++;
  }

  /** The sum of the terms is at least `least`. */
  atLeast(terms: readonly Term[], least: number): void {
    this.#row(terms, '>=', least);
  }

  equal(terms: readonly Term[], value: number): void {
    this.#row(terms, '=', value);
  }

  #row(terms: readonly Term[], relation: '>=' | '=', value: number): void {
    const sums = new Map<number, number>();
    for (const [column, coefficient] of terms) sums.set(column, (sums.get(column) ?? 0) + coefficient);
    const text = [...sums].filter(([, sum]) => sum !== 0).map(([column, sum]) => `${signed(sum)} x${column}`);
    if (text.length > 0) this.#rows.push(`${text.join(' ')} ${relation} ${plain(value)}`);
  }

  /**
   * The least value of a column.
   * @throws Error when the solver is not loaded, or finds none
   */
  minimum(column: number): number {
    if (!solver) throw new Error('LinearProgram: call loadSolver() first.');
    const text = `Minimize\n x${column}\nSubject To\n${this.#rows.map((row) => ` ${row}`).join('\n')}\nEnd\n`;
    const { Status: status, ObjectiveValue: value } = solver.solve(text, { output_flag: false, threads: 1 });
    if (status !== 'Optimal') throw new Error(`LinearProgram: the solver ended with "${status}".`);
    return value;
  }
}

const plain = (value: number): string => String(value);
const signed = (value: number): string => (value < 0 ? `- ${plain(-value)}` : `+ ${plain(value)}`);
