// The machine's sensors on recorded trees; the tree is a reconstruction of a Jetson AGX Orin's sysfs and /proc.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { boardQuantities } from '../board-state.js';
import type { Conditions } from '../conditions.js';
import { MachineSensor } from './machine-sensor.js';

const root = mkdtempSync(join(tmpdir(), 'sparoa-sensor-'));
afterAll(() => rmSync(root, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

const pair = [
  { name: 'CPU', kind: 'cpu' },
  { name: 'GPU', kind: 'gpu' },
] as const;
const conditions: Conditions = { seed: 0, execution: 'serial', mode: 'measured', load: null, memoryBudgetBytes: null };
const read = ({ values }: MachineSensor) => Object.fromEntries(boardQuantities.map((name, at) => [name, values[at]]));

test('load, clocks, power mode, temperatures and memory of both devices, and no oftener than the period', () => {
  const core = (number: number, mhz: number) => ({
    [`sys/devices/system/cpu/cpu${number}/cpufreq/scaling_cur_freq`]: `${mhz * 1000}\n`,
    [`sys/devices/system/cpu/cpu${number}/cpufreq/scaling_max_freq`]: '1500000\n',
    [`sys/devices/system/cpu/cpu${number}/cpufreq/cpuinfo_max_freq`]: '2000000\n',
  });
  write({
    ...core(0, 1500),
    ...core(1, 750),
    'proc/stat': 'cpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n',
    'proc/meminfo': 'MemTotal: 1000 kB\nMemAvailable: 400 kB\n',
    'sys/class/devfreq/17000000.ga10b/cur_freq': '400000000\n',
    'sys/class/devfreq/17000000.ga10b/max_freq': '800000000\n',
    'sys/class/devfreq/17000000.ga10b/available_frequencies': '306000000 800000000 1000000000\n',
    'sys/class/devfreq/17000000.ga10b/device/load': '734\n',
    'sys/class/thermal/thermal_zone0/type': 'CPU-therm\n',
    'sys/class/thermal/thermal_zone0/temp': '48500\n',
    'sys/class/thermal/thermal_zone1/type': 'GPU-therm\n',
    'sys/class/thermal/thermal_zone1/temp': '61000\n',
    'sys/class/thermal/thermal_zone2/type': 'tj-therm\n',
    'sys/class/thermal/thermal_zone2/temp': '90000\n',
  });
  let [nowMs, ownMs] = [0, 0];
  const sensor = new MachineSensor(pair, { root, nowMs: () => nowMs, ownMs: () => ownMs, nvidiaSmi: null });
  [nowMs, ownMs] = [1000, 200];
  // 60 of 100 ticks of each core are busy: 1.2 s, of which this process took 0.2.
  write({ 'proc/stat': 'cpu0 60 0 0 40 0 0 0 0 0 0\ncpu1 60 0 0 40 0 0 0 0 0 0\n' });
  sensor.begin(conditions);
  const expected = {
    load0: 0.5,
    load1: 0.734,
    loadMemory: 0,
    clock0: 0.75,
    clock1: 0.5,
    mode0: 0.75,
    mode1: 0.8,
    celsius0: 0.485,
    celsius1: 0.61,
    memoryUsed: 0.6,
  };
  for (const [name, value] of Object.entries(expected)) expect(read(sensor)[name], name).toBeCloseTo(value, 12);
  write({ 'sys/class/thermal/thermal_zone1/temp': '71000\n' });
  nowMs += 50;
  sensor.sense();
  expect(read(sensor).celsius1).toBeCloseTo(0.61, 12);
  nowMs += 60;
  sensor.sense();
  expect(read(sensor).celsius1).toBeCloseTo(0.71, 12);
});

test('without an integrated GPU the first card of nvidia-smi is device 1', () => {
  const nvidiaSmi = join(root, 'nvidia-smi');
  writeFileSync(nvidiaSmi, '#!/bin/sh\necho "0, Card, 70.5, 40, 1500, 2048, 55"\n', { mode: 0o755 });
  const sensor = new MachineSensor(pair, { root: join(root, 'nowhere'), nvidiaSmi });
  sensor.begin(conditions);
  expect(read(sensor)).toMatchObject({ load1: 0.4, celsius1: 0.55, clock1: 0, mode1: 0 });
});

test('where nothing can be read every value is 0, which says that it is unknown', () => {
  const sensor = new MachineSensor(pair, { root: join(root, 'nowhere'), nvidiaSmi: join(root, 'none') });
  sensor.begin(conditions);
  expect([...sensor.values]).toEqual(boardQuantities.map(() => 0));
});

test('on this machine every value is a fraction, or hundreds of degrees', () => {
  const sensor = new MachineSensor(pair, { nvidiaSmi: null });
  sensor.begin(conditions);
  for (const value of sensor.values) {
    expect(value).toBeGreaterThanOrEqual(0);
    expect(value).toBeLessThanOrEqual(2);
  }
});
