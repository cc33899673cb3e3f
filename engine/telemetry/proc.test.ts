// Load and memory: the parsers against the kernel's formats, the readers against this machine.
import { mkdtempSync, rmSync } from 'node:fs';
import { freemem, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test } from 'vitest';
import { loadBetween, parseProcStat, readCoreTicks } from './load.js';
import { parseMeminfo, parsePageBytes, parseStatm, readMachineMemory, readProcessMemory } from './memory.js';

const empty = mkdtempSync(join(tmpdir(), 'sparoa-proc-'));
afterAll(() => rmSync(empty, { recursive: true, force: true }));

describe('load', () => {
  const text = (idle: number) => `cpu  900 0 100 ${2 * idle} 40 0 0 0 0 0
cpu0 400 20 100 ${idle} 30 5 5 40 300 20
cpu2 10 0 0 ${idle} 0 0 0 0 0 0
intr 12345 0 0
ctxt 99
`;

  test('guest time is not counted twice, steal is busy, idle and iowait are not', () => {
    expect(parseProcStat(text(1000))).toEqual([
      { core: 0, busy: 570, total: 1600 },
      { core: 2, busy: 10, total: 1010 },
    ]);
  });

  test('is the busy share of the ticks between two readings', () => {
    const before = [
      { core: 0, busy: 100, total: 1000 },
      { core: 1, busy: 5, total: 1000 },
      { core: 2, busy: 5, total: 1000 },
    ];
    const after = [
      { core: 0, busy: 130, total: 1040 },
      { core: 1, busy: 5, total: 1000 },
      // Counted backwards, as a core may that was offline.
      { core: 2, busy: 0, total: 1010 },
      { core: 3, busy: 5, total: 10 },
    ];
    expect(loadBetween(before, after)).toEqual([
      { core: 0, busyFraction: 0.75 },
      { core: 1, busyFraction: null },
      { core: 2, busyFraction: 0 },
    ]);
  });

  test('a missing file is listed, not thrown', () => {
    expect(readCoreTicks(empty)).toEqual({
      value: [],
      unavailable: [{ what: '/proc/stat', why: 'does not exist' }],
    });
  });

  test.runIf(process.platform === 'linux')('a busy thread shows as most of a core on this machine', async () => {
    const spinning = new Worker('for (;;);', { eval: true });
    try {
      const before = readCoreTicks().value;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const loads = loadBetween(before, readCoreTicks().value);
      // The scheduler may move the thread, and other work may compete: only the sum over cores is checked.
      const busyCores = loads.reduce((sum, { busyFraction }) => sum + (busyFraction ?? 0), 0);
      expect(loads.length).toBeGreaterThan(0);
      expect(busyCores).toBeGreaterThan(0.6);
    } finally {
      await spinning.terminate();
    }
  });
});

describe('memory', () => {
  test('meminfo is in units of 1024 bytes', () => {
    const text = 'MemTotal:       24684096 kB\nMemFree:        21350028 kB\nMemAvailable:   24084200 kB\n';
    expect(parseMeminfo(`${text}SwapTotal:  4 kB\nSwapFree:  2 kB\nHugePages_Total:       0\n`)).toEqual({
      totalBytes: 24684096 * 1024,
      availableBytes: 24084200 * 1024,
      swapTotalBytes: 4096,
      swapFreeBytes: 2048,
    });
    expect(parseMeminfo('MemTotal: 5 kB\n')).toBeNull();
  });

  test('statm is in pages, whose size the auxiliary vector has', () => {
    expect(parseStatm('765 432 404 5 0 123 0\n', 65536)).toEqual({
      virtualBytes: 765 * 65536,
      residentBytes: 432 * 65536,
      sharedBytes: 404 * 65536,
    });
    expect(parseStatm('', 4096)).toBeNull();
    const vector = new Uint8Array(new BigUint64Array([16n, 77n, 6n, 16384n, 0n, 0n]).buffer);
    expect(parsePageBytes(vector)).toBe(16384);
    expect(parsePageBytes(vector.subarray(0, 16))).toBeNull();
  });

  test('missing files are listed, not thrown', () => {
    expect(readMachineMemory(empty).value).toBeNull();
    expect(readProcessMemory(empty).unavailable).toEqual([{ what: '/proc/self/statm', why: 'does not exist' }]);
  });

  test.runIf(process.platform === 'linux')('agrees with what Node says of this machine', () => {
    const { value } = readMachineMemory();
    expect(value!.totalBytes / totalmem()).toBeCloseTo(1, 2);
    expect(value!.availableBytes).toBeGreaterThan(0.5 * freemem());
    const own = readProcessMemory().value!;
    const rss = process.memoryUsage.rss();
    expect(Math.abs(own.residentBytes - rss)).toBeLessThan(0.2 * rss);
    expect(own.virtualBytes).toBeGreaterThan(own.residentBytes);
    expect(own.residentBytes).toBeGreaterThan(own.sharedBytes);
  });
});
