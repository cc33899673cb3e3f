// Rows of published CSV files, each knowing the line it stands in: a wrong cell is named by file, line, column and rule.
import { parse } from 'csv-parse/sync';
import { InputError } from '../../base/errors/input-error.js';
import { readText } from '../../base/files/json.js';

/** What to do about a file of measurements that breaks its format. */
export const asPublished = 'Give the published file, or mend this entry.';

/** What a number must be: with `positive` above zero, with `integer` whole; never negative. */
export interface NumberRule {
  readonly positive?: boolean;
  readonly integer?: boolean;
}

export class TableRow {
  constructor(
    readonly path: string,
    /** Of the row's last character, counted from 1: published rows take one line each. */
    readonly line: number,
    readonly cells: Readonly<Record<string, string>>,
  ) {}

  /** @throws InputError when the cell is empty. */
  text(column: string): string {
    return this.cells[column] || this.fail(column, 'is empty', 'Fill the cell, or take the row out.');
  }

  /** @throws InputError when the cell holds no such number. */
  number(column: string, rule: NumberRule = {}): number {
    return this.toNumber(column, this.text(column), rule);
  }

  /** `value` as a number; `name` is what a message calls it. */
  toNumber(name: string, value: string | number | undefined, { positive, integer }: NumberRule = {}): number {
    const number = value === undefined || value === '' ? Number.NaN : Number(value);
    const legal = Number.isFinite(number) && (positive ? number > 0 : number >= 0) && !(integer && number % 1 !== 0);
    if (legal) return number;
    const what = `${integer ? 'a whole' : 'a'} number ${positive ? 'above 0' : 'of at least 0'}`;
    return this.fail(name, `is "${value}", not ${what}`, `Give ${what}, or take the row out.`);
  }

  /** @throws InputError when the cell is none of `choices`. */
  choice<const T extends string>(column: string, choices: readonly T[]): T {
    const text = this.text(column);
    const found = choices.find((choice) => choice === text);
    return found ?? this.fail(column, `is "${text}"`, `It must be one of ${choices.join(', ')}.`);
  }

  fail(name: string, problem: string, remedy: string): never {
    throw new InputError(`${this.path}:${this.line}: ${name} ${problem}.`, remedy);
  }
}

/**
 * The rows of a CSV file with a header line.
 * @throws InputError when the file cannot be read, has no row, or lacks one of `columns`.
 */
export function readTable(path: string, columns: readonly string[]): TableRow[] {
  let rows: { record: Record<string, string>; info: { lines: number } }[];
  const text = readText(path, 'Give the published file.');
  try {
    rows = parse(text, { columns: true, skip_empty_lines: true, info: true });
  } catch (error) {
    throw new InputError(`${path}: cannot be read as CSV: ${(error as Error).message}.`, 'Give the published file.');
  }
  if (rows.length === 0) throw new InputError(`${path}: there is no row.`, 'Give the published file.');
  const missing = columns.filter((column) => !Object.hasOwn(rows[0]!.record, column));
  if (missing.length > 0)
    throw new InputError(
      `${path}:1: the columns ${missing.join(', ')} are missing.`,
      `The file needs the columns ${columns.join(', ')}.`,
    );
  return rows.map(({ record, info }) => new TableRow(path, info.lines, record));
}
