import { expect, test } from 'vitest';
import { halfBits, halfValue } from './half.js';

test('half-precision numbers are the nearest ones, of two the even one', () => {
  const wrong = [];
  for (let bits = 0; bits < 0x7c00; bits++) {
    const value = halfValue(bits);
    const next = bits === 0x7bff ? 65536 : halfValue(bits + 1);
    const between = (part: number): number => halfBits(value + part * (next - value));
    const made = [halfBits(value), halfBits(-value) & 0x7fff, between(0.5), between(0.49), between(0.51)];
    if (made.join() !== [bits, bits, bits + (bits & 1), bits, bits + 1].join()) wrong.push(made);
  }
  expect(wrong).toEqual([]);
  expect(halfValue(halfBits(Number.NaN))).toBeNaN();
  expect(halfBits(1e9)).toBe(0x7c00);
});
