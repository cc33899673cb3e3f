import { expect, test } from 'vitest';
import { relativeDifference } from './relative-difference.js';

test('the largest difference, in units of the largest number', () => {
  expect(relativeDifference([1, 2, 4], [1, 2.5, 5])).toBeCloseTo(0.2, 12);
  expect(relativeDifference([0.25], [0])).toBe(0.25);
  expect(relativeDifference([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
});

test('a number that is not finite agrees with its equal alone', () => {
  expect(relativeDifference([Infinity, 1], [Infinity, 1])).toBe(0);
  expect(relativeDifference([Number.NaN, 1.5], [Number.NaN, 1])).toBe(0.5);
  expect(relativeDifference([Number.NaN], [1])).toBeNaN();
  expect(relativeDifference([1], [Number.NaN])).toBeNaN();
  expect(relativeDifference([Infinity], [-Infinity])).toBeNaN();
  expect(relativeDifference([Infinity], [1])).toBeNaN();
});

test('what is no more than rounding is no difference', () => {
  expect(relativeDifference([3, 0.5], [1, 0.5], 2)).toBe(0);
  expect(relativeDifference([3.5, 0.5], [1, 0.5], 2)).toBe(2.5);
});
