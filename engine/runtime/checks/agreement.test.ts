import { expect, test } from 'vitest';
import { tensorDifference } from './agreement.js';

test('steps of rounding around 0 agree, and more than that does not', () => {
  const step = 2 ** -24;
  const float = (value: number) => new Uint8Array(Float32Array.of(value).buffer);
  expect(tensorDifference({ type: 'float' }, float(12 * step), float(8 * step))).toBe(0);
  expect(tensorDifference({ type: 'float' }, float(20 * step), float(8 * step))).toBe(1.5);
});

test('half precision is read as such; integers agree exactly or not at all', () => {
  const half = (bits: number) => new Uint8Array(Uint16Array.of(bits).buffer);
  // 0x3c00 is 1, 0x3e00 is 1.5.
  expect(tensorDifference({ type: 'float16' }, half(0x3e00), half(0x3c00))).toBe(0.5);
  expect(tensorDifference({ type: 'int64' }, Uint8Array.of(1, 0), Uint8Array.of(1, 0))).toBe(0);
  expect(tensorDifference({ type: 'int64' }, Uint8Array.of(1, 0), Uint8Array.of(2, 0))).toBe(Number.POSITIVE_INFINITY);
});

test('no number agrees with no number in the same place, whatever its bits, in every floating-point type', () => {
  const float = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
  const double = (...values: number[]) => new Uint8Array(Float64Array.from(values).buffer);
  const half = (...bits: number[]) => new Uint8Array(Uint16Array.from(bits).buffer);
  const otherNaN = new Uint8Array(Uint32Array.of(0xffffffff).buffer);
  expect(tensorDifference({ type: 'float' }, otherNaN, float(Number.NaN))).toBe(0);
  expect(tensorDifference({ type: 'float' }, float(Number.NaN, 1.5), float(Number.NaN, 1))).toBe(0.5);
  expect(tensorDifference({ type: 'double' }, double(Number.NaN, -Infinity), double(Number.NaN, -Infinity))).toBe(0);
  expect(tensorDifference({ type: 'float16' }, half(0x7e00, 0x3c00), half(0xfe01, 0x3c00))).toBe(0);
  expect(tensorDifference({ type: 'float' }, float(1, Number.NaN), float(Number.NaN, 1))).toBeNaN();
  expect(tensorDifference({ type: 'float' }, float(Infinity), float(-Infinity))).toBeNaN();
});
