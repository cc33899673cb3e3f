import { expect, test } from 'vitest';
import type { LatencyRow } from '../results/rows.js';
import { greedyNote } from './presentation.js';

const row = (scheduler: string, model: string, gapPercent: number) => ({ scheduler, model, gapPercent }) as LatencyRow;

test('the report says in which cells greedy leaves nothing to learn', () => {
  const rows = [
    row('greedy', 'model://resnet18?batch=1', 0.04),
    row('sac', 'model://resnet18?batch=1', 0),
    row('greedy', 'model://mobilenetv2?batch=1', 5.6),
    row('sac', 'model://mobilenetv2?batch=1', 0.01),
  ];
  expect(greedyNote(rows)).toEqual([expect.stringMatching(/in 1 of 2 cells \(resnet18 · batch 1\)/)]);
  expect(greedyNote(rows.slice(2))).toEqual([]);
});
