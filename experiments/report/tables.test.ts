import { describe, expect, test } from 'vitest';
import { markdownText } from '../../base/files/markdown.js';
import { latencyRow } from '../../test/fixtures/latency-row.js';
import type { LatencyRow } from '../results/rows.js';
import { formatMs, latencyCells, latencyMarkdown, latencyTerminal, undefinedHeadroom } from './tables.js';

const base: LatencyRow = {
  ...latencyRow,
  model: 'model://mobilenetv3-small?batch=1&seed=0',
  gapPercent: 100,
  capturedHeadroom: -1,
};
const rows: readonly LatencyRow[] = [
  base,
  { ...base, scheduler: 'gpu-only', latencyMs: 9, gpuShareUnits: 1, gpuShareFlops: 1, gpuShareTime: 0.98, gapPercent: 50, capturedHeadroom: 0 },
  { ...base, scheduler: 'optimum', latencyMs: 6, gpuShareUnits: 0.25, gpuShareFlops: 0.6, gapPercent: -1e-14, capturedHeadroom: 1, decisionWallMs: 7 },
  { ...base, scheduler: 'sac', seeds: 5, latencyMs: 7.5, latencyMsLow: 7.25, latencyMsHigh: 8, latencyMsBestSeen: 7, gapPercent: 25, capturedHeadroom: 0.5, decisionWallMs: 0, trainingWallS: 60 },
]; // biome-ignore format: a table

/** The cells of a Markdown table row that starts with `scheduler`. */
function cellsOf(markdown: string, scheduler: string): string[] {
  const line = markdown.split('\n').find((candidate) => candidate.startsWith(`| ${scheduler} |`))!;
  return line.split('|').slice(1, -1).map((cell) => cell.trim()); // biome-ignore format: one chain
}

describe('latencyCells', () => {
  test('groups by model and profile in order of appearance and finds the better single device', () => {
    const other = { ...base, model: 'model://resnet18?batch=4', latencyMs: 30 };
    const cells = latencyCells([...rows, other, { ...rows[1]!, model: other.model, latencyMs: 40 }]);
    expect(cells.map((cell) => [cell.modelName, cell.rows.length, cell.bestSingle?.scheduler])).toEqual([
      ['mobilenetv3-small · batch 1', 4, 'gpu-only'],
      ['resnet18 · batch 4', 2, 'cpu-only'],
    ]);
    expect(latencyCells([rows[3]!])[0]!.bestSingle).toBeNull();
  });
});

describe('latencyMarkdown', () => {
  const markdown = latencyMarkdown(rows);

  test('gives speed-up over the better single device, gap, captured headroom and three GPU shares', () => {
    // 9 ms / 7.5 ms = 1.2; 60 s of training at 1.5 ms saved pays after 40,000 inferences.
    expect(cellsOf(markdown, 'sac')).toEqual([
      'sac', '7.500 [7.250, 8.000]', '7.000', '1.20x', '25.0', '50 %', '0 % / 0 % / 0 %', 'trained in 60.0 s, pays after 40000 inferences',
    ]); // biome-ignore format: a row
    // 7 ms of planning at 3 ms saved: 3 inferences; a rounding error below the optimum is no negative gap.
    expect(cellsOf(markdown, 'optimum')).toEqual([
      'optimum', '6.000', '-', '1.50x', '0.0', '100 %', '25 % / 60 % / 0 %', 'planned in 7 ms, pays after 3 inferences',
    ]); // biome-ignore format: a row
    expect(cellsOf(markdown, 'cpu-only').at(-1)).toBe('planned in 0.5 ms');
  });

  test('says what kind the numbers are, of which profile and how sure', () => {
    expect(markdown).toContain('Simulated; profile 0123456789abcdef; weakest source: derived; serial execution; up to 5 seeds.');
  }); // biome-ignore format: a sentence

  test('is well formed: every line of the table has as many cells as its header', () => {
    const counts = markdown.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split('|').length); // biome-ignore format: one chain
    expect(counts).toHaveLength(2 + rows.length);
    expect(new Set(counts).size).toBe(1);
  });

  test('calls captured headroom undefined where there is next to none', () => {
    const none = latencyMarkdown(rows.map((row) => ({ ...row, capturedHeadroom: null })));
    expect(cellsOf(none, 'sac')).toContain(markdownText(undefinedHeadroom));
  });

  test('has an energy column only where energy is known', () => {
    expect(markdown).not.toContain('energy');
    expect(latencyMarkdown([{ ...base, energyMj: 12.5 }])).toContain('energy, mJ');
  });
});

describe('latencyTerminal', () => {
  test('aligns its columns and fits a terminal of 120', () => {
    const lines = latencyTerminal(rows).split('\n');
    const table = lines.slice(1, 2 + rows.length);
    const ends = table.map((line) => line.search(/\d+\.\d+x|speed-up/) + line.match(/\d+\.\d+x|speed-up/)![0].length);
    expect(new Set(ends).size).toBe(1);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  test('explains "undef." only where it stands', () => {
    expect(latencyTerminal(rows)).not.toContain('undef.');
    expect(latencyTerminal([{ ...base, capturedHeadroom: null }])).toMatch(
      /undef\..*\n[\s\S]*undef\.: the best schedule is less/,
    );
  });
});

test('formatMs keeps four significant digits without an exponent', () => {
  expect([0, 0.000012, 0.01234, 1.23456, 12.3456, 123.456, 12345.6].map(formatMs)).toEqual([
    '0',
    '0.000012',
    '0.01234',
    '1.235',
    '12.35',
    '123.5',
    '12346',
  ]);
});

test('a name of a model is no markup in latency.md', () => {
  const name = '<b>a|b`c</b> [x](https:\\y)\n# d';
  const model = `file:///m/${encodeURIComponent(name)}.onnx?batch=1`;
  const markdown = latencyMarkdown(rows.map((row) => ({ ...row, model })));
  const heading = markdown.split('\n')[0]!;
  expect(heading.startsWith('### \\<b\\>a\\|b\\`c\\</b\\> [x\\](https:')).toBe(true);
  expect(markdown.match(/^#/gm)).toHaveLength(1);
  expect(markdown).not.toMatch(/(?<!\\)<b>/);
});
