import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { didYouMean, InputError } from './errors/input-error.js';
import { writeFileAtomic } from './files/atomic.js';
import { csvText, readCsv, writeCsv } from './files/csv.js';
import { canonicalJson } from './files/hash.js';
import { cacheDirectory, packageRoot } from './files/paths.js';
import { memoize } from './functions/memoize.js';
import { Rng } from './random/rng.js';
import { parseQuantity } from './units/quantity.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-base-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('Stream', () => {
  const draw = (rng: Rng, count: number) => Array.from({ length: count }, () => rng.uniform());

  test('one seed and name give one sequence; another name or seed another', () => {
    expect(draw(Rng.of(1, 'a'), 5)).toEqual(draw(Rng.of(1, 'a'), 5));
    expect(draw(Rng.of(1, 'a'), 5)).not.toEqual(draw(Rng.of(1, 'b'), 5));
    expect(draw(Rng.of(1, 'a'), 5)).not.toEqual(draw(Rng.of(2, 'a'), 5));
  });

  test('continues exactly where its state was taken, the spare normal included', () => {
    const rng = Rng.of(3, 'state');
    rng.normal();
    const copy = Rng.restore(JSON.parse(JSON.stringify(rng.state())));
    const next = (s: Rng) => [s.normal(), s.uniform(), s.integer(100), s.seed(), s.normal()];
    expect(next(copy)).toEqual(next(rng));
  });

  test('normals have mean 0 and variance 1, uniforms mean 1/2 (20,000 draws, 5 standard errors)', () => {
    const rng = Rng.of(4, 'moments');
    const n = 20_000;
    const normals = Array.from({ length: n }, () => rng.normal());
    const mean = normals.reduce((a, b) => a + b) / n;
    const variance = normals.reduce((a, b) => a + b * b, 0) / n - mean ** 2;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(draw(rng, n).reduce((a, b) => a + b) / n - 0.5)).toBeLessThan(5 / Math.sqrt(12 * n));
  });

  test('shuffles to a permutation, each equally often (3 items, 6,000 shuffles)', () => {
    const rng = Rng.of(5, 'shuffle');
    const count = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const key = rng.shuffle([1, 2, 3]).join('');
      count.set(key, (count.get(key) ?? 0) + 1);
    }
    expect(count.size).toBe(6);
    for (const times of count.values()) expect(Math.abs(times - 1000)).toBeLessThan(5 * Math.sqrt(1000));
  });
});

describe('parseQuantity', () => {
  test.each([
    ['204.8 GB/s', 'bytesPerMs', 204.8e6],
    ['5.3 TFLOP/s', 'flopPerMs', 5.3e9],
    ['57 us', 'latencyMs', 0.057],
    ['4 MiB', 'bytes', 4 * 2 ** 20],
    ['15 W', 'powerMw', 15_000],
    ['0.5', 'ratio', 0.5],
  ] as const)('%s as %s', (text, quantity, value) => {
    expect(parseQuantity(text, quantity) / value).toBeCloseTo(1, 12);
  });

  test.each([
    ['57', 'latencyMs'],
    ['57 GB', 'latencyMs'],
    ['fast', 'flopPerMs'],
    ['', 'ratio'],
    ['0.5 ms', 'ratio'],
  ] as const)('refuses %s as %s', (text, quantity) => {
    expect(() => parseQuantity(text, quantity, 'cpu.launch')).toThrow(InputError);
    expect(() => parseQuantity(text, quantity, 'cpu.launch')).toThrow(/cpu\.launch/);
  });
});

describe('files', () => {
  test('numbers survive CSV to the bit; null is an empty cell; commas are quoted', () => {
    const rows = [{ a: 0.1 + 0.2, b: 'x,y "z"', c: null, d: true }];
    const path = join(folder, 'rows.csv');
    writeCsv(path, ['a', 'b', 'c', 'd'], rows);
    const [row] = readCsv(path, ['a', 'b', 'c', 'd']);
    expect(Number(row!.a)).toBe(0.1 + 0.2);
    expect(row).toMatchObject({ b: 'x,y "z"', c: '', d: 'true' });
    expect(csvText(['a'], [])).toBe('a\n');
    expect(() => readCsv(path, ['a', 'e' as 'a'])).toThrow(/columns e are missing/);
  });

  test('an atomic write leaves the old file, and nothing else, when it fails', () => {
    const path = join(folder, 'atomic', 'file.txt');
    writeFileAtomic(path, 'old');
    // A folder in the target's place lets everything but the rename succeed.
    const taken = join(folder, 'atomic', 'folder');
    mkdirSync(join(taken, 'full'), { recursive: true });
    expect(() => writeFileAtomic(taken, 'new')).toThrow(/folder: cannot be written: .*\nMake it a folder/);
    expect(() => writeFileAtomic(join(path, 'below'), 'new')).toThrow(/file\.txt: cannot be written: not a directory/);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(join(folder, 'atomic'))).toEqual(['file.txt', 'folder']);
  });

  test('the package root and the cache folder are found', () => {
    expect(existsSync(join(packageRoot, 'package.json'))).toBe(true);
    const before = process.env.SPAROA_GYM_CACHE;
    process.env.SPAROA_GYM_CACHE = '/somewhere';
    expect(cacheDirectory()).toBe('/somewhere');
    if (before === undefined) delete process.env.SPAROA_GYM_CACHE;
    else process.env.SPAROA_GYM_CACHE = before;
  });

  test('canonical JSON does not depend on the order of keys', () => {
    expect(canonicalJson({ b: 1, a: { d: [2, 1], c: null } })).toBe('{"a":{"c":null,"d":[2,1]},"b":1}');
  });
});

test('did you mean: the nearest name, only when it is near', () => {
  expect(didYouMean('greddy', ['greedy', 'random'])).toMatch(/^Did you mean "greedy"\?/);
  expect(didYouMean('something', ['greedy', 'random'])).toBe('Known: greedy, random.');
});

test('a memoized value of an object is computed once, undefined too; a failed computation is tried again', () => {
  let computed = 0;
  const answers = [undefined, 0, null];
  const answer = memoize((_: object) => answers[computed++]);
  const objects = [{}, {}, {}];
  expect(objects.map(answer)).toEqual(answers);
  expect(objects.map(answer)).toEqual(answers);
  expect(computed).toBe(3);

  let tries = 0;
  const failing = memoize((_: object) => {
    if (++tries === 1) throw new Error('not yet');
    return tries;
  });
  expect(() => failing(objects[0]!)).toThrow('not yet');
  expect([failing(objects[0]!), failing(objects[0]!)]).toEqual([2, 2]);
});
