import { expect, test } from 'vitest';
import { relativeDifference, tensorDifference } from './agreement.js';

test('the largest difference, in units of the largest number', () => {
  expect(relativeDifference([1, 2, 4], [1, 2.5, 5])).toBeCloseTo(0.2, 12);
  expect(relativeDifference([0.25], [0])).toBe(0.25);
  expect(relativeDifference([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
});

test('a number that is not finite agrees with its equal alone', () => {
  expect(relativeDifference([Infinity, 1], [Infinity, 1])).toBe(0);
  expect(relativeDifference([Number.NaN], [1])).toBeNaN();
  expect(relativeDifference([Infinity], [1])).toBeNaN();
});

test('steps of rounding around 0 agree, and more than that does not', () => {
  const step = 2 ** -24;
  expect(relativeDifference([12 * step], [8 * step])).toBe(0);
  expect(relativeDifference([20 * step], [8 * step])).toBe(1.5);
});

test('half precision is read as such; integers agree exactly or not at all', () => {
  const half = (bits: number) => new Uint8Array(Uint16Array.of(bits).buffer);
  // 0x3c00 is 1, 0x3e00 is 1.5.
  expect(tensorDifference({ type: 'float16' }, half(0x3e00), half(0x3c00))).toBe(0.5);
  expect(tensorDifference({ type: 'int64' }, Uint8Array.of(1, 0), Uint8Array.of(1, 0))).toBe(0);
  expect(tensorDifference({ type: 'int64' }, Uint8Array.of(1, 0), Uint8Array.of(2, 0))).toBe(Number.POSITIVE_INFINITY);
});
