// Names within Markdown. What a reader of GitHub's dialect makes of a line is decided by its special characters: none may be
// left that is not escaped, and the escapes say the same name.
import { expect, test } from 'vitest';
import { markdownCode, markdownRow, markdownText } from './markdown.js';

const hostile = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  'a|b',
  'a\\|b',
  '`code`',
  '[click](https://example.com)',
  '![image](https://example.com/x.png)',
  '[text][ref]',
  '[ref]: https://example.com',
  'https://example.com',
  'www.example.com',
  'line\nbreak\r\n# heading',
  '*bold* _em_ ~~gone~~',
  '&lt;b&gt; &#60;',
  'tab\tseparated',
  '\u2028separated',
];

test.each(hostile)('%j is no markup', (name) => {
  const text = markdownText(name);
  const bare = text.replaceAll(/\\[!-/:-@[-`{-~]/g, '');
  expect(bare).not.toMatch(/[`|<>*~]|\]\(|\]\[|\]:|:\/\/|&[#\w]|\bwww\.|[\p{Cc}\p{Zl}]/u);
  // CommonMark: a backslash before punctuation is that character.
  expect(text.replaceAll(/\\([!-/:-@[-`{-~])/g, '$1')).toBe(name.replaceAll(/[\p{Cc}\p{Zl}]+/gu, ' '));
});

test('a row has as many cells as it was given, whatever they hold', () => {
  for (const name of hostile) {
    const row = markdownRow([name, 1.5, name]);
    expect(row.split('\n')).toHaveLength(1);
    expect(row.replaceAll(/\\./g, '').split('|')).toHaveLength(5);
  }
});

test('names of the usual kind are left alone', () => {
  for (const name of ['light_squeezenet · batch 1', 'cpu-only', '7.500 [7.250, 8.000]', '-1 %', '0 / 1', 'a_b_c.onnx'])
    expect(markdownText(name)).toBe(name);
  expect(markdownCode('profile://x?mode=maxn')).toBe('`profile://x?mode=maxn`');
});

test.each(['a`b', '``', '`', 'a`` b```c', 'line\nbreak'])('a code span holds %j', (name) => {
  const [, fence, body] = /^(`+)(.*?)\1$/su.exec(markdownCode(name))!;
  expect(body!.split(fence!)).toHaveLength(1);
  expect(new RegExp(`(?<!\`)${fence}(?!\`)`).test(body!)).toBe(false);
  const blank = fence!.length > 1;
  expect(blank ? body!.slice(1, -1) : body).toBe(name.replaceAll('\n', ' '));
});
