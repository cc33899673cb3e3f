import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { startEnergyMeter } from './energy-meter.js';
import { type EnergySource, findEnergySources } from './energy-source.js';
import { type Accumulator, counterDifference, powerIntegral, sampleUntilStopped } from './integrate.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-meter-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Samples `value(ms)` of a rail for `durationMs` by an injected clock; the n-th reading takes `readMs(n)`. */
function sampled(
  accumulator: Accumulator,
  value: (atMs: number) => number | null,
  { durationMs = 1000, periodMs = 20, readMs = (_: number): number => 0 } = {},
) {
  let nowMs = 5000;
  const endMs = nowMs + durationMs;
  let readings = 0;
  sampleUntilStopped([accumulator], periodMs, {
    clockMs: () => nowMs,
    read: () => {
      const tookMs = readMs((readings += 1));
      const found = value(nowMs + tookMs / 2 - 5000);
      nowMs += tookMs;
      return [found];
    },
    sleep: (untilMs) => {
      const stopped = untilMs >= endMs;
      nowMs = stopped ? Math.max(nowMs, endMs) : untilMs;
      return stopped;
    },
    started: () => {},
  });
  return accumulator.total;
}

describe('power is integrated as its closed form says:', () => {
  test('constant: P t', () => {
    const { energyMj, samples, longestGapMs } = sampled(powerIntegral(), () => 4000);
    expect(energyMj).toBeCloseTo(4000, 9);
    expect([samples, longestGapMs]).toEqual([51, 20]);
  });

  test('ramp: a t^2 / 2, whatever the period', () => {
    for (const periodMs of [7, 20, 333, 5000]) {
      // 3 mW per ms for 1 s
      const { energyMj } = sampled(powerIntegral(), (ms) => 3 * ms, { periodMs });
      expect(energyMj, `period ${periodMs}`).toBeCloseTo((3 * 1000 ** 2) / 2 / 1000, 9);
    }
  });

  test('parabola: off by a h^2 t / 6, the error of trapezoids', () => {
    const exactMj = 1000 ** 3 / 3 / 1000;
    const { energyMj } = sampled(powerIntegral(), (ms) => ms ** 2, { periodMs: 10 });
    expect(energyMj! - exactMj).toBeCloseTo((10 ** 2 * 1000) / 6 / 1000, 6);
  });

  test('a slow reader still sees a ramp right: its value is booked to the middle of the call', () => {
    // Calls of 80 and 20 ms in turn: from the middle of the first, at 40 ms, to the middle of the last, begun at 1000 ms.
    const readMs = (n: number) => (n % 2 === 0 ? 20 : 80);
    const { energyMj, samples } = sampled(powerIntegral(), (ms) => 3 * ms, { periodMs: 100, readMs });
    const area = (fromMs: number, toMs: number) => (3 * (toMs ** 2 - fromMs ** 2)) / 2 / 1000;
    expect(energyMj).toBeCloseTo(area(40, samples % 2 === 0 ? 1010 : 1040), 9);
  });

  test('a reader slower than the period is called back to back', () => {
    const { energyMj, longestGapMs } = sampled(powerIntegral(), () => 500, { periodMs: 10, readMs: () => 50 });
    expect(longestGapMs).toBe(50);
    expect(energyMj).toBeCloseTo(500, -2);
  });

  test('a missing sample is bridged by its neighbours, a missing end is not', () => {
    const at = (missing: (ms: number) => boolean) => sampled(powerIntegral(), (ms) => (missing(ms) ? null : 100));
    expect(at((ms) => ms === 500)).toMatchObject({ samples: 50, longestGapMs: 40 });
    expect(at((ms) => ms === 500).energyMj).toBeCloseTo(100, 9);
    expect(at((ms) => ms === 0).energyMj).toBeNull();
    expect(at((ms) => ms >= 900).energyMj).toBeNull();
  });
});

describe('a counter', () => {
  test('gives its difference, and starts over at its range as often as it does', () => {
    const rangeMj = 262_143;
    const startMj = 200_000;
    // 500 mJ per ms: 500 J in 1 s, two wraps.
    const counter = (ms: number) => (startMj + 500 * ms) % rangeMj;
    expect(sampled(counterDifference(rangeMj), counter).energyMj).toBeCloseTo(500_000, 6);
    expect(sampled(counterDifference(rangeMj), (ms) => 7 + ms).energyMj).toBeCloseTo(1000, 9);
    expect(sampled(counterDifference(rangeMj), () => 7).energyMj).toBe(0);
  });

  test('that cannot be read has no total', () => {
    expect(sampled(counterDifference(1000), () => null)).toEqual({ energyMj: null, samples: 0, longestGapMs: 0 });
  });
});

const zone = 'sys/class/powercap/intel-rapl:0';
const chip = 'sys/bus/i2c/devices/1-0040';
/** A format reconstruction, not a machine: a RAPL zone about to wrap and a Jetson rail in one tree. */
function machine() {
  const root = mkdtempSync(join(folder, 'root-'));
  mkdirSync(join(root, zone), { recursive: true });
  mkdirSync(join(root, chip, 'iio:device0'), { recursive: true });
  const write = (path: string, text: string) => writeFileSync(join(root, path), text);
  write(`${zone}/name`, 'package-0\n');
  write(`${zone}/max_energy_range_uj`, '262143328850\n');
  write(`${zone}/energy_uj`, '262143000000\n');
  write(`${chip}/name`, 'ina3221x\n');
  write(`${chip}/iio:device0/rail_name_0`, 'VDD_IN\n');
  write(`${chip}/iio:device0/in_power0_input`, '5000\n');
  return { root, write };
}

describe('the meter, with its threads,', () => {
  test('samples while the calling thread is blocked: a constant rail is power times time', () => {
    const { root } = machine();
    const sources = findEnergySources({ root, nvidiaSmi: null }).value;
    const beforeMs = performance.now();
    const meter = startEnergyMeter(sources, { periodMs: 10 });
    const startMs = performance.now();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    const elapsedS = (performance.now() - startMs) / 1000;
    const energyMj = meter.stop()!;
    const totalS = (performance.now() - beforeMs) / 1000;
    // The first sample lies before the start, the last after the end.
    expect(energyMj.VDD_IN).toBeGreaterThanOrEqual(5000 * elapsedS);
    expect(energyMj.VDD_IN).toBeLessThanOrEqual(5000 * totalS);
    expect(energyMj['package-0']).toBe(0);
    expect(meter.coverage.VDD_IN!.samples).toBeGreaterThan(5);
    expect(meter.stop()).toEqual(energyMj);
  });

  test('counts a wrap of RAPL exactly', () => {
    const { root, write } = machine();
    const meter = startEnergyMeter(findEnergySources({ root, nvidiaSmi: null }).value);
    write(`${zone}/energy_uj`, '671150\n');
    // 328,850 uJ to the range and 671,150 after it
    expect(meter.stop()!['package-0']).toBeCloseTo(1000, 6);
  });

  test('drops a rail whose file goes away, and keeps the others', () => {
    const { root } = machine();
    const meter = startEnergyMeter(findEnergySources({ root, nvidiaSmi: null }).value);
    rmSync(join(root, zone), { recursive: true });
    const energyMj = meter.stop()!;
    expect(Object.keys(energyMj)).toEqual(['VDD_IN']);
    expect(meter.coverage['package-0']!.energyMj).toBeNull();
  });

  test('asks nvidia-smi for cards', () => {
    const command = join(folder, 'nvidia-smi');
    writeFileSync(command, "#!/bin/sh\necho '0, A card, 250.00, 99, 1500, 100, 50'\n");
    chmodSync(command, 0o755);
    const startMs = performance.now();
    const meter = startEnergyMeter([{ kind: 'nvidia-smi', command, cards: [0] }], { periodMs: 20 });
    const startedMs = performance.now();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    const stoppingMs = performance.now();
    const energyMj = meter.stop()!['nvidia-0']!;
    expect(energyMj).toBeGreaterThanOrEqual(250 * (stoppingMs - startedMs));
    expect(energyMj).toBeLessThanOrEqual(250 * (performance.now() - startMs));
  });
});

test('no source, or none that answers, is null and not zero', () => {
  expect(startEnergyMeter([]).stop()).toBeNull();
  const source: EnergySource = { kind: 'nvidia-smi', command: 'nvidia-smi', cards: [0, 1] };
  const meter = startEnergyMeter([source], { startSampler: () => ({ stop: () => null }) });
  expect(meter.stop()).toBeNull();
  expect(meter.coverage).toEqual({
    'nvidia-0': { energyMj: null, samples: 0, longestGapMs: 0 },
    'nvidia-1': { energyMj: null, samples: 0, longestGapMs: 0 },
  });
});
