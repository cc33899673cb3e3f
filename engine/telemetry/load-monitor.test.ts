import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { LoadMonitor } from './load-monitor.js';

const root = mkdtempSync(join(tmpdir(), 'sparoa-monitor-'));
afterAll(() => rmSync(root, { recursive: true }));

test('what others take of the cores: busy ticks less this process, no sooner than the period and the next tick', () => {
  mkdirSync(join(root, 'proc'));
  /** Two cores after so many ticks, of which so many were busy. */
  const ticks = (total: number, ...busy: [number, number]) =>
    writeFileSync(
      join(root, 'proc', 'stat'),
      busy.map((each, core) => `cpu${core} ${each} 0 0 ${total - each} 0 0 0 0 0 0\n`).join(''),
    );
  let [nowMs, ownMs] = [0, 0];
  ticks(0, 0, 0);
  const monitor = new LoadMonitor(500, { root, nowMs: () => nowMs, ownMs: () => ownMs });
  expect(monitor.level).toEqual({ cpu: 0, gpu: 0, memory: 0 });
  [nowMs, ownMs] = [1000, 500];
  // 3/4 and 1/4 of two cores are one core, of which half was ours.
  ticks(100, 75, 25);
  monitor.read();
  expect(monitor.level.cpu).toBeCloseTo(0.25, 12);
  nowMs = 1400;
  ticks(140, 115, 65);
  monitor.read();
  expect(monitor.level.cpu).toBeCloseTo(0.25, 12);
  // The second core is all that others take; then this process alone is at work.
  [nowMs, ownMs] = [2000, 1500];
  ticks(200, 175, 125);
  monitor.read();
  expect(monitor.level.cpu).toBeCloseTo(0.5, 12);
  [nowMs, ownMs] = [3000, 3600];
  ticks(300, 275, 225);
  monitor.read();
  expect(monitor.level.cpu).toBe(0);
});

test('where nothing can be read the load is zero', () => {
  let nowMs = 0;
  const monitor = new LoadMonitor(0, { root: join(root, 'nowhere'), nowMs: () => nowMs });
  nowMs = 1000;
  monitor.read();
  expect(monitor.level).toEqual({ cpu: 0, gpu: 0, memory: 0 });
});
