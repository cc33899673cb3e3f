// Aligned plain-text tables for a terminal or a pipe.
import { printable } from './printable.js';

/** Columns padded to their widest cell; numbers to the right, text to the left. */
export function textTable(columns: readonly string[], content: readonly (readonly string[])[]): string {
  const rows = content.map((row) => row.map(printable));
  const width = columns.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const numeric = columns.map((_, i) => rows.every((row) => row[i] === '' || Number.isFinite(Number(row[i]))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (numeric[i] ? cell.padStart(width[i]!) : cell.padEnd(width[i]!)))
      .join('  ')
      .trimEnd();
  return [line(columns), ...rows.map(line), ''].join('\n');
}
