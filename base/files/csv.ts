// Result files as CSV. Numbers are written by shortest round trip, so that reading them back gives the same bits.
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { InputError } from '../errors/input-error.js';
import { writeFileAtomic } from './atomic.js';

export type Cell = string | number | boolean | null;

/** A table as CSV text with a header line; null is an empty cell. */
export function csvText<Column extends string>(
  columns: readonly Column[],
  rows: readonly Readonly<Record<Column, Cell>>[],
): string {
  return stringify([...rows], { columns: [...columns], header: true, cast: { boolean: String, number: String } });
}

export function writeCsv<Column extends string>(
  path: string,
  columns: readonly Column[],
  rows: readonly Readonly<Record<Column, Cell>>[],
): void {
  writeFileAtomic(path, csvText(columns, rows));
}

/**
 * Reads a CSV file with a header line into records of strings.
 * @throws InputError when the file is missing, malformed, or lacks one of `columns`.
 */
export function readCsv<Column extends string>(path: string, columns: readonly Column[]): Record<Column, string>[] {
  let records: Record<string, string>[];
  try {
    records = parse(readFileSync(path), { columns: true, skip_empty_lines: true });
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
