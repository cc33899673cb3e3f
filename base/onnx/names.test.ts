import { expect, test } from 'vitest';
import { Rng } from '../random/rng.js';
import { plainName, userNames } from './names.js';

test('plain names stand in JSON as they are, differ where names differ, and give the names back within any text', () => {
  const rng = Rng.of(7, 'names');
  const alphabet = ['"', '\\', '\t', '\n', '&', '$', 'x', '0', '2', 'a', '/', 'é', '\u2028', '日'];
  const names = Array.from({ length: 2000 }, () =>
    Array.from({ length: rng.integer(8) }, () => alphabet[rng.integer(alphabet.length)]).join(''),
  );
  for (const name of names) {
    const plain = plainName(name);
    expect(JSON.parse(`"${plain}"`)).toBe(plain);
    expect(plain).not.toContain('&');
    expect(userNames(`node '${plain}_nchwc' failed`)).toBe(`node '${name}_nchwc' failed`);
  }
  expect(new Set(names.map(plainName)).size).toBe(new Set(names).size);
});

test('common names stay as they are', () => {
  for (const name of ['/layer1/conv.1/Conv', 'x:0', "=cmd|' /C calc'!A0", 'constructor'])
    expect(plainName(name)).toBe(name);
});
