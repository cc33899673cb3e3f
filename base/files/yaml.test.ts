// YAML of others: what is no data, too much, or means two things is refused in one line.
import { describe, expect, test } from 'vitest';
import { InputError } from '../errors/input-error.js';
import { parseYaml } from './yaml.js';

const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
for (let i = 1; i < 12; i++)
  bomb.push(
    `a${i}: &a${i} [${Array(9)
      .fill(`*a${i - 1}`)
      .join(', ')}]`,
  );

const refused: readonly [name: string, text: string, message: RegExp][] = [
  ['aliases that multiply', bomb.join('\n'), /alias/],
  ['an alias of itself', '&a [*a]', /alias|YAML/i],
  ['an alias of nothing', 'a: *b', /alias/i],
  ['a key twice', 'a: 1\na: 2', /unique/],
  ['a key __proto__', '__proto__: {x: 1}', /__proto__/],
  ['a key __proto__ deep within', 'a: [{b: {__proto__: 1}}]', /__proto__/],
  ['a tag', 'a: !!js/function "function () {}"', /tag/i],
  ['two documents', 'a: 1\n---\nb: 2', /document/],
  ['brackets left open', 'a: [1', /YAML/],
  ...[100, 1000, 100_000].flatMap((depth): (typeof refused)[number][] => [
    [`${depth} lists in each other`, `a: ${'['.repeat(depth)}${']'.repeat(depth)}`, /deeper than 64/],
    [`${depth} lists in each other, left open`, `a: ${'['.repeat(depth)}`, /deeper than 64/],
    [`${depth} mappings in each other`, `${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`, /deeper than 64/],
    [`${depth} items in each other`, `${'- '.repeat(depth)}1`, /deeper than 64/],
  ]),
  ['two megabytes', `a: ${'x'.repeat(2e6)}`, /characters/],
];

describe('refused:', () => {
  test.each(refused)('%s', (_, text, message) => {
    let error: unknown;
    try {
      parseYaml(text, 'config x.yaml', 'Do this.');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).toMatch(message);
    expect((error as InputError).message).toMatch(/^config x\.yaml: [^\n]*\.\nDo this\.$/);
  });
});

test('what a config needs is read: lists, mappings, aliases, numbers and texts', () => {
  const text = 'a: &a [1, 2.5, x]\nb: *a\nc: {d: null, constructor: "1"}\ne: |\n  two\n  lines\n';
  expect(parseYaml(text, 'x', '')).toEqual({
    a: [1, 2.5, 'x'],
    b: [1, 2.5, 'x'],
    c: Object.fromEntries([
      ['d', null],
      ['constructor', '1'],
    ]),
    e: 'two\nlines\n',
  });
});
