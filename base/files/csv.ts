// Result files as CSV. Numbers are written by shortest round trip, so that reading them back gives the same bits.
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { InputError } from '../errors/input-error.js';
import { writeFileAtomic } from './atomic.js';
import { readText } from './json.js';

export type Cell = string | number | boolean | null;

/**
 * A table as CSV text with a header line; null is an empty cell. A text that a spreadsheet would compute, such as a model
 * called `=1+1`, stands behind an apostrophe, which `readCsv` takes off again; a number is left as it is.
 * @param codes columns of texts that no person chose, base64 for instance, and that stay as they are
 */
export function csvText<Column extends string>(
  columns: readonly Column[],
  rows: readonly Readonly<Record<Column, Cell>>[],
  codes: readonly Column[] = [],
): string {
  const coded: ReadonlySet<unknown> = new Set(codes);
  return stringify([...rows], {
    columns: [...columns],
    header: true,
    cast: {
      boolean: String,
      number: String,
      string: (text, { column }) => (coded.has(column) ? text : withoutFormula(text)),
    },
  });
}

/** How a cell begins that spreadsheets compute; the last four are the full-width forms of the first. */
const formula = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

function withoutFormula(text: string): string {
  return formula.test(text) && !isNumber(text) ? `'${text}` : text;
}

const isNumber = (text: string): boolean => /^[+-]?(\d|\.\d)/.test(text) && Number.isFinite(Number(text));

function withFormula(cell: string): string {
  return cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
}

export function writeCsv<Column extends string>(
  path: string,
  columns: readonly Column[],
  rows: readonly Readonly<Record<Column, Cell>>[],
  codes: readonly Column[] = [],
): void {
  writeFileAtomic(path, csvText(columns, rows, codes));
}

/**
 * Reads a CSV file with a header line into records of strings.
 * @throws InputError when the file is missing, malformed, or lacks one of `columns`.
 */
export function readCsv<Column extends string>(path: string, columns: readonly Column[]): Record<Column, string>[] {
  const text = readText(path, 'Give a CSV file with a header line.');
  let records: Record<string, string>[];
  try {
    records = parse(text, { columns: true, skip_empty_lines: true, cast: withFormula });
  } catch (error) {
    throw new InputError(
      `${path}: cannot be read as CSV: ${(error as Error).message}.`,
      'Give a CSV file with a header line.',
    );
  }
  const missing = records[0] ? columns.filter((column) => !Object.hasOwn(records[0]!, column)) : [];
  if (missing.length > 0) {
    throw new InputError(
      `${path}: columns ${missing.join(', ')} are missing.`,
      `The file needs the columns ${columns.join(', ')}.`,
    );
  }
  return records as Record<Column, string>[];
}
