// Names come back from a CSV file as they went in, whatever they are; a spreadsheet computes none of them, and numbers are
// numbers.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, expect, test } from 'vitest';
import { Rng } from '../random/rng.js';
import { csvText, readCsv, writeCsv } from './csv.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-csv-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What spreadsheets take for a formula: OWASP, "CSV Injection". */
const triggers = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
const pieces = [
  ...triggers,
  "'",
  '"',
  ',',
  ';',
  ' ',
  'a',
  '1',
  '.',
  'e',
  '1+1',
  'cmd|x',
  '-5',
  '+0.5',
  '名',
  '\r\n',
  '1e5',
];

function randomName(random: Rng): string {
  return Array.from({ length: random.integer(6) }, () => pieces[random.integer(pieces.length)]!).join('');
}

test.each([0, 1, 2, 3])('500 random tables come back the same (seed %i)', (seed) => {
  const random = Rng.of(seed, 'csv');
  const path = join(folder, 'names.csv');
  for (let table = 0; table < 125; table++) {
    const rows = Array.from({ length: 1 + random.integer(5) }, (_, id) => ({
      id,
      name: randomName(random),
      other: randomName(random),
      code: `+${randomName(random).replaceAll(/\W/g, '')}`,
    }));
    writeCsv(path, ['id', 'name', 'other', 'code'], rows, ['code']);
    const expected = rows.map((row) => ({ ...row, id: String(row.id) }));
    expect(readCsv(path, ['id', 'name']), JSON.stringify(rows)).toEqual(expected);
    // Not even twice: what was read is written the same.
    const text = csvText(['id', 'name', 'other', 'code'], readCsv(path, ['id', 'name', 'other', 'code']), ['code']);
    expect(text).toBe(csvText(['id', 'name', 'other', 'code'], rows, ['code']));
  }
});

test.each(triggers)('no cell begins with %j, unless it is a number', (trigger) => {
  const names = [
    trigger,
    `${trigger}SUM(A1)`,
    `${trigger}${trigger}1`,
    `'${trigger}x`,
    `${trigger}1a`,
    `${trigger}cmd|' /C'!A0`,
  ];
  const text = csvText(['a', 'b'], names.map((a) => ({ a, b: a }))); // biome-ignore format: one line
  const cells = (parse(text, { from: 2 }) as string[][]).flat();
  expect(cells).toHaveLength(2 * names.length);
  for (const cell of cells) expect(triggers).not.toContain(cell[0]);
});

test('numbers stay as they are, also as texts that were read from a file', () => {
  const numbers = [-1.5, 0, -1e-12, 1e21, -0.1 - 0.2, Number.MIN_VALUE, -5];
  const rows = [...numbers, ...numbers.map(String), '+0.5', '-.5'].map((a) => ({ a, b: 'x' }));
  const cells = parse(csvText(['a', 'b'], rows), { from: 2 }) as string[][];
  expect(cells.map(([cell]) => cell)).toEqual(rows.map(({ a }) => String(a)));
});
