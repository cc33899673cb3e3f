import { expect, test } from 'vitest';
import { render, svgToPng } from '../../report/figures/render.js';
import { type SparsityPoint, sparsityFigure } from './sparsity.js';

const point = (fraction: number, gain: number, gainLow: number, gainHigh: number): SparsityPoint => ({
  device: 0,
  opClass: 'conv',
  layer: 'conv3x3',
  zeros: 'weights',
  fraction,
  gain,
  gainLow,
  gainHigh,
});

test('intervals of few samples, beyond the figure or of no width, are drawn within it', async () => {
  for (const [low, high] of [
    [1e-9, 1e9],
    [1e-9, 2e-9],
    [1, 1],
  ] as const) {
    const figure = sparsityFigure([point(0, 1, 1, 1), point(0.5, 1.01, low, high)], []);
    const { svg } = await render((figure as { spec: Parameters<typeof render>[0] }).spec);
    expect(svg).not.toMatch(/NaN|Infinity|[ ,(-]\d{5,}/);
    expect(svgToPng(svg).length).toBeGreaterThan(1000);
  }
});
