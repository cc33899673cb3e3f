import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import { orderedSchedulers, schedulerStyle } from './palette.js';
import { renumberIds, svgToPng, textWidth } from './render.js';

describe('svgToPng', () => {
  test('draws text without any font of the system', () => {
    const dark = (text: string) => {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="30"><text x="5" y="20" font-size="16">${text}</text></svg>`;
      const { data } = PNG.sync.read(Buffer.from(svgToPng(svg)));
      return data.filter((value, i) => i % 4 === 0 && value < 128).length;
    };
    expect(dark('')).toBe(0);
    expect(dark('i')).toBeGreaterThan(10);
    expect(dark('MMMM')).toBeGreaterThan(4 * dark('i'));
  });
});

test('ids are renumbered where they are defined and where they are used', () => {
  const svg =
    '<svg><clipPath id="clip7"/><g clip-path="url(#clip7)"/><use href="#other"/><text>id="clip7"</text></svg>';
  expect(renumberIds(svg, 'a-')).toContain('<clipPath id="a-0"/><g clip-path="url(#a-0)"/><use href="#other"/>');
});

test('text width grows with size and with wide letters', () => {
  expect(textWidth('mm', 10)).toBeGreaterThan(textWidth('ii', 10));
  expect(textWidth('abc', 20)).toBeCloseTo(2 * textWidth('abc', 10), 10);
});

test('a scheduler has one colour everywhere, known or not, and the known ones differ', () => {
  const known = [
    'cpu-only',
    'gpu-only',
    'random',
    'static-threshold',
    'static-threshold-tuned',
    'greedy',
    'optimum',
    'sac',
  ];
  expect(new Set(known.map((name) => schedulerStyle(name).color)).size).toBe(known.length);
  expect(schedulerStyle('my-own')).toEqual(schedulerStyle('my-own'));
  expect(orderedSchedulers(['zeta', 'sac', 'alpha', 'cpu-only', 'sac'])).toEqual(['cpu-only', 'sac', 'alpha', 'zeta']);
});
