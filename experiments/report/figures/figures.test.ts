import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, describe, expect, test } from 'vitest';
import type { CurvePoint } from '../../job-files.js';
import type { AtlasRow, LatencyRow } from '../../results/rows.js';
import { atlasFigure } from './atlas-map.js';
import { sweepFigure } from './atlas-sweep.js';
import { type Figure, writeFigure } from './figure.js';
import { headroomClass } from './heat-cells.js';
import { latencyBars, latencyFigure } from './latency-bars.js';
import { curveBands, learningCurvesFigure } from './learning-curves.js';
import { type QuadrantData, quadrantFigure, writeQuadrantFigure } from './quadrants.js';
import { render, svgToPng } from './render.js';

const folder = mkdtempSync(join(tmpdir(), 'figures-'));
afterAll(() => rmSync(folder, { recursive: true }));

const models = ['model://mobilenetv3-small?batch=1', 'model://resnet18?batch=4'];
const profile = 'profile://jetson-agx-orin?mode=maxn&precision=fp32&launch=eager&transfer=direct';
const profileHash = '0123456789abcdef';
const latencies = { 'cpu-only': 12, 'gpu-only': 10, greedy: 8, optimum: 7, random: 35, sac: 9 };

const rows: readonly LatencyRow[] = models.flatMap((model) =>
  Object.entries(latencies).map(([scheduler, latencyMs]) => ({
    scheduler,
    model,
    profile,
    profileHash,
    kind: 'simulated' as const,
    weakestSource: 'derived',
    execution: 'serial' as const,
    decision: 'planned' as const,
    seeds: scheduler === 'sac' ? 5 : 1,
    latencyMs,
    latencyMsLow: scheduler === 'sac' ? 8.5 : null,
    latencyMsHigh: scheduler === 'sac' ? 9.5 : null,
    latencyMsBestSeen: null,
    energyMj: null,
    gpuShareUnits: 0.5,
    gpuShareFlops: 0.5,
    gpuShareTime: 0.5,
    gapPercent: 0,
    capturedHeadroom: null,
    decisionWallMs: 1,
    trainingWallS: null,
    gapTo: 'optimum',
    variant: '',
  })),
);

const points: readonly CurvePoint[] = models.flatMap((model) =>
  [0, 1, 2].flatMap((seed) =>
    [0, 1000, 2000].map((step) => ({
      model,
      profile,
      scheduler: 'sac',
      seed,
      step,
      metric: 'latencyMs',
      value: 12 - step / 1000 + seed,
    })),
  ),
);

const variants: readonly AtlasRow[] = ['maxn', '15w'].flatMap((mode) =>
  ['eager', 'graph'].flatMap((launch) =>
    [1, 4].map((batch) => ({
      model: `model://resnet18?batch=${batch}`,
      profile: `profile://jetson-agx-orin?mode=${mode}&precision=fp32&launch=${launch}&transfer=direct`,
      profileHash,
      kind: 'simulated' as const,
      batch,
      execution: 'serial' as const,
      headroomPercent: mode === 'maxn' ? 1.3 : 44.5,
      best: 'gpu-only' as const,
      roomPercent: 0,
      bestBaseline: 'gpu-only',
      sourced: batch === 1,
    })),
  ),
);
const swept: readonly AtlasRow[] = [1, 10].flatMap((launch) =>
  [3, 30, 100].flatMap((transfer) =>
    [1, 4].map((batch) => ({
      ...variants[0]!,
      batch,
      model: `model://resnet18?batch=${batch}`,
      profile: `${variants[0]!.profile}&device1.launch=${launch}us&transfer0.latency=${transfer}us`,
      sourced: false,
    })),
  ),
);
const chosen = [{ model: 'model://resnet18?batch=4', profile: variants[0]!.profile, batch: 4 }];
const atlas = { rows: [...variants, ...swept], chosen, kind: 'simulated' as const, profileHashes: [profileHash] };

const unit = (id: number, flops: number, activationSparsity: number | null, opClass: 'conv' | 'data-movement') =>
  ({ id, flops, activationSparsity, opClass }) as QuadrantData['units'][number];
const inspection: QuadrantData = {
  model: models[0]!,
  modelHash: 'feedfacecafebeef',
  granularity: 'operator',
  randomWeights: true,
  units: [unit(0, 1e6, 0.5, 'conv'), unit(1, 1e4, 0, 'conv'), unit(2, 0, null, 'data-movement'), unit(3, 2e6, 0.1, 'conv')],
}; // biome-ignore format: a table

const figures: Readonly<Record<string, Figure>> = {
  'learning-curves': learningCurvesFigure({ points, rows }),
  latency: latencyFigure(rows),
  atlas: atlasFigure(atlas),
  'atlas-sweep': sweepFigure(atlas),
  quadrants: quadrantFigure(inspection),
};

/** Marks of one kind that Vega drew, by its ARIA role description. */
const marks = (svg: string, description: string) =>
  (svg.match(new RegExp(`aria-roledescription="${description}"`, 'g')) ?? []).length;
/** The texts as read: the lines of a subtitle one by one. */
const textsOf = (svg: string) =>
  [...svg.matchAll(/<(?:text|tspan)[^>]*>([^<]+)</g)].map((match) => match[1]!.replaceAll('&lt;', '<'));

describe('every figure', () => {
  test.each(Object.entries(figures))('%s is written as SVG and PNG, the same bytes twice', async (name, figure) => {
    const first = await writeFigure(folder, name, figure);
    const [svg, png] = first.paths.map((path) => readFileSync(path)) as [Buffer, Buffer];
    const [again] = await Promise.all([
      writeFigure(join(folder, 'again'), name, figure),
      render(figures.latency!.spec),
    ]);
    expect(readFileSync(again.paths[0]!).equals(svg)).toBe(true);
    expect(readFileSync(again.paths[1]!).equals(png)).toBe(true);
    const size = /<svg[^>]*width="(\d+)"[^>]*height="(\d+)"/.exec(svg.toString())!;
    const image = PNG.sync.read(png);
    expect([image.width, image.height]).toEqual([2 * Number(size[1]), 2 * Number(size[2])]);
    expect(readdirSync(folder).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });

  test.each(Object.entries(figures))('%s says where its numbers come from', async (name, figure) => {
    const text = textsOf((await render(figure.spec)).svg).join('\n');
    expect(text).toContain(
      name === 'quadrants' ? `measured on the model ${inspection.modelHash}` : 'simulated, profile',
    );
    if (name !== 'quadrants') expect(text).toContain(profileHash);
  });
});

test('names are text in every figure, whatever they hold: the drawing is read by what draws it', async () => {
  const names = [
    '<script>alert(1)</script>',
    '"\'&amp;]]>',
    '\u0001\u001b[31m\n\t',
    '\u202e模型 🐈',
    '{{x}} datum.x %s',
    'a'.repeat(500),
  ];
  for (const name of names) {
    const model = `file:///m/${encodeURIComponent(name)}.onnx?batch=1`;
    const hostile = {
      'learning-curves': learningCurvesFigure({ points: points.map((each) => ({ ...each, model })), rows }),
      latency: latencyFigure(rows.map((row) => ({ ...row, model, scheduler: `${row.scheduler}${name}` }))),
      atlas: atlasFigure({ ...atlas, rows: variants.map((row) => ({ ...row, model })), chosen: [] }),
      quadrants: quadrantFigure({ ...inspection, model }),
    };
    for (const [figure, drawn] of Object.entries(hostile)) {
      const { svg } = await render(drawn.spec);
      expect(svg, figure).not.toContain('<script');
      expect(() => svgToPng(svg, { scale: 0.1 }), `${figure} of ${JSON.stringify(name)}`).not.toThrow();
    }
  }
});

describe('learning curves', () => {
  test('have the median over seeds at each step, inside its interval', () => {
    const bands = curveBands(points).filter(({ panel }) => panel.startsWith('resnet18'));
    // Latencies 12, 13 and 14 ms less the thousands of steps.
    expect(bands.map(({ step, value, low, high }) => [step, value, low, high])).toEqual([
      [0, 13, 12, 14],
      [1000, 12, 11, 13],
      [2000, 11, 10, 12],
    ]);
  });

  test('draw a panel per model, a line and a band per learner, and four reference lines', async () => {
    const { svg } = await render(figures['learning-curves']!.spec);
    expect(marks(svg, 'line mark')).toBe(models.length);
    expect(marks(svg, 'area mark')).toBe(models.length);
    expect(marks(svg, 'rule mark')).toBe(4 * models.length);
    expect(textsOf(svg)).toEqual(expect.arrayContaining(['resnet18 · batch 4', 'optimum', 'sac', 'environment steps']));
  });
});

test('learning curves refuse to draw nothing', () => {
  expect(() => learningCurvesFigure({ points: [], rows })).toThrow('no point');
});

describe('latency bars', () => {
  test('are relative to the better single device', () => {
    const bars = latencyBars(rows.slice(0, 6));
    expect(bars.map(({ scheduler, relative }) => [scheduler, relative])).toEqual([
      ['cpu-only', 1.2],
      ['gpu-only', 1],
      ['greedy', 0.8],
      ['optimum', 0.7],
      ['random', 3.5],
      ['sac', 0.9],
    ]);
    expect(bars.at(-1)).toMatchObject({ low: 0.85, high: 0.95, label: '9.000 ms' });
    expect(latencyBars(rows.filter(({ scheduler }) => scheduler === 'sac'))).toEqual([]);
  });

  test('draw a bar and a label per row; a bar that is cut says so', async () => {
    const { svg } = await render(figures.latency!.spec);
    expect(marks(svg, 'bar')).toBe(rows.length);
    const texts = textsOf(svg);
    expect(texts.filter((text) => text === '9.000 ms')).toHaveLength(models.length);
    expect(texts.filter((text) => text === '35.00 ms (3.5x, cut)')).toHaveLength(2);
  });
});

describe('atlas', () => {
  test('classes of headroom include their lower bound', () => {
    expect([-1, 1.99, 2, 5, 39.9, 40].map(headroomClass)).toEqual([
      '< 2',
      '< 2',
      '2 to 5',
      '5 to 10',
      '20 to 40',
      '≥ 40',
    ]);
  });

  test('draws each variant with its headroom, dots the sourced, outlines the chosen, and leaves the sweep out', async () => {
    const { svg } = await render(figures.atlas!.spec);
    const texts = textsOf(svg);
    expect(texts.filter((text) => text === '1.3')).toHaveLength(4);
    expect(texts.filter((text) => text === '44.5')).toHaveLength(4);
    expect(marks(svg, 'point')).toBe(4);
    expect(svg.match(/stroke="#d55e00"/g)).toHaveLength(1);
    expect(marks(svg, 'rect mark')).toBe(8 + 1);
  });

  test('the sweep is drawn at the batch of the chosen cell', async () => {
    const { svg } = await render(figures['atlas-sweep']!.spec);
    expect(marks(svg, 'rect mark')).toBe(6);
    expect(textsOf(svg)).toContain('resnet18 · batch 4');
  });

  test('refuses to draw nothing', () => {
    expect(() => atlasFigure({ ...atlas, rows: [] })).toThrow('no variant');
    expect(() => sweepFigure({ ...atlas, rows: variants })).toThrow('no swept cell');
  });
});

describe('quadrants', () => {
  test('draw each unit that works, split at the medians over all units, and own up to random weights', async () => {
    const { svg } = await render(figures.quadrants!.spec);
    expect(marks(svg, 'point')).toBe(3);
    const text = textsOf(svg).join('\n');
    // Medians of flops {0, 1e4, 1e6, 2e6} and of sparsity {0, 0, 0.1, 0.5}, the unmeasured one being dense.
    expect(text).toContain(
      'medians: sparsity 0.05, 505 kFLOPs; 1 without FLOPs not drawn; 1 not measured, drawn as dense',
    );
    expect(text).toContain('random weights: activation sparsity is a property of the initialiser');
    const trained = await render(quadrantFigure({ ...inspection, randomWeights: false }).spec);
    expect(textsOf(trained.svg).join()).not.toContain('initialiser');
  });

  test('are written under the name of the model', async () => {
    expect(await writeQuadrantFigure(folder, inspection)).toEqual([
      join(folder, 'quadrants-mobilenetv3-small-batch-1-operator.svg'),
      join(folder, 'quadrants-mobilenetv3-small-batch-1-operator.png'),
    ]);
  });
});
