// Clocks, temperatures, power rails and cards of machines we do not have. The trees below are reconstructions of their
// sysfs, after the kernel's documentation and what owners have published; the readers have not been run on such hardware.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readCpuClocks, readIntegratedGpu } from './clocks.js';
import { findEnergySources } from './energy-source.js';
import { findPowerRails, readRailMw } from './ina3221.js';
import { parseNvidiaSmi, readNvidiaCards } from './nvidia-smi.js';
import { findEnergyZones } from './rapl.js';
import { KernelFiles } from './reading.js';
import { readSnapshot } from './snapshot.js';
import { readThermalZones } from './thermal.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-trees-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
function treeOf(files: Readonly<Record<string, string>>): string {
  const root = join(folder, String((count += 1)));
  mkdirSync(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

const i2c = 'sys/bus/i2c/devices';
const orinChip = `${i2c}/1-0040/hwmon/hwmon3`;
/** Reconstruction: Jetson AGX Orin, JetPack 5 (hwmon driver, GPU named by its chip). */
const orin = treeOf({
  'sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq': '2201600\n',
  'sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq': '2201600\n',
  'sys/devices/system/cpu/cpu10/cpufreq/scaling_cur_freq': '1190400\n',
  'sys/devices/system/cpu/cpu10/cpufreq/scaling_max_freq': '2201600\n',
  // Offline: no cpufreq folder.
  'sys/devices/system/cpu/cpu2/online': '0\n',
  'sys/class/devfreq/15340000.vic/cur_freq': '115200000\n',
  'sys/class/devfreq/17000000.ga10b/cur_freq': '1300500000\n',
  'sys/class/devfreq/17000000.ga10b/max_freq': '1300500000\n',
  'sys/devices/platform/gpu.0/load': '734\n',
  'sys/class/thermal/thermal_zone0/type': 'CPU-therm\n',
  'sys/class/thermal/thermal_zone0/temp': '48718\n',
  'sys/class/thermal/thermal_zone10/type': 'tj-therm\n',
  'sys/class/thermal/thermal_zone10/temp': '-250\n',
  // A sleeping GPU's zone answers no temperature.
  'sys/class/thermal/thermal_zone2/type': 'GPU-therm\n',
  'sys/class/thermal/thermal_zone2/temp': '\n',
  [`${i2c}/0-0050/name`]: '24c02\n',
  [`${i2c}/1-0040/name`]: 'ina3221\n',
  [`${orinChip}/in1_label`]: 'VDD_GPU_SOC\n',
  [`${orinChip}/in1_input`]: '19064\n',
  [`${orinChip}/curr1_input`]: '416\n',
  [`${orinChip}/in2_label`]: 'VDD_CPU_CV\n',
  [`${orinChip}/in2_input`]: '19056\n',
  [`${orinChip}/curr2_input`]: '32\n',
  [`${orinChip}/in3_label`]: 'VIN_SYS_5V0\n',
  [`${orinChip}/in3_input`]: '5016\n',
  [`${orinChip}/curr3_input`]: '896\n',
  [`${orinChip}/in7_label`]: 'sum of shunt voltages\n',
  [`${i2c}/1-0041/name`]: 'ina3221\n',
  [`${i2c}/1-0041/hwmon/hwmon4/in1_label`]: 'NC\n',
  [`${i2c}/1-0041/hwmon/hwmon4/in2_label`]: 'VDDQ_VDD2_1V8AO\n',
  [`${i2c}/1-0041/hwmon/hwmon4/in2_input`]: '19080\n',
  [`${i2c}/1-0041/hwmon/hwmon4/curr2_input`]: '24\n',
});

/** Reconstruction: Jetson Orin Nano, JetPack 6 (GPU named plainly, load beside the device). */
const orinNano = treeOf({
  'sys/class/devfreq/17000000.gpu/cur_freq': '306000000\n',
  'sys/class/devfreq/17000000.gpu/max_freq': '624750000\n',
  'sys/class/devfreq/17000000.gpu/device/load': '0\n',
  [`${i2c}/1-0040/name`]: 'ina3221\n',
  [`${i2c}/1-0040/hwmon/hwmon1/in1_label`]: 'VDD_IN\n',
  [`${i2c}/1-0040/hwmon/hwmon1/in1_input`]: '4968\n',
  [`${i2c}/1-0040/hwmon/hwmon1/curr1_input`]: '1000\n',
});

/** Reconstruction: Jetson AGX Xavier, JetPack 4 (iio driver). */
const xavier = treeOf({
  'sys/class/devfreq/17000000.gv11b/cur_freq': '1377000000\n',
  'sys/class/devfreq/17000000.gv11b/max_freq': '1377000000\n',
  'sys/devices/gpu.0/load': '1000\n',
  [`${i2c}/1-0040/name`]: 'ina3221x\n',
  [`${i2c}/1-0040/iio:device0/rail_name_0`]: 'GPU\n',
  [`${i2c}/1-0040/iio:device0/in_power0_input`]: '1533\n',
  [`${i2c}/1-0040/iio:device0/rail_name_1`]: 'CPU\n',
  [`${i2c}/1-0040/iio:device0/in_power1_input`]: '766\n',
});

/** Reconstruction: an x86 machine with two kinds of RAPL zones. */
const x86 = treeOf({
  'sys/class/powercap/intel-rapl/enabled': '1\n',
  'sys/class/powercap/intel-rapl:0/name': 'package-0\n',
  'sys/class/powercap/intel-rapl:0/energy_uj': '1234567890\n',
  'sys/class/powercap/intel-rapl:0/max_energy_range_uj': '262143328850\n',
  'sys/class/powercap/intel-rapl:0:0/name': 'dram\n',
  'sys/class/powercap/intel-rapl:0:0/energy_uj': '99000\n',
  'sys/class/powercap/intel-rapl:0:0/max_energy_range_uj': '65712999613\n',
  'sys/class/powercap/intel-rapl-mmio:0/name': 'package-0\n',
  'sys/class/powercap/intel-rapl-mmio:0/energy_uj': '1234567890\n',
  'sys/class/powercap/intel-rapl-mmio:0/max_energy_range_uj': '262143328850\n',
});

const powersOf = (root: string) => {
  const files = new KernelFiles(root);
  return Object.fromEntries(findPowerRails(root).value.map((rail) => [rail.rail, readRailMw(rail, files)]));
};

describe('Jetson', () => {
  test('CPU clocks: kHz become MHz, cores in natural order, those offline left out', () => {
    expect(readCpuClocks(orin).value).toEqual([
      { core: 0, mhz: 2201.6, limitMhz: 2201.6 },
      { core: 10, mhz: 1190.4, limitMhz: 2201.6 },
    ]);
  });

  test('the GPU is found under its name in JetPack 4, 5 and 6, with its load', () => {
    expect(readIntegratedGpu(orin).value).toEqual({
      device: '17000000.ga10b',
      mhz: 1300.5,
      limitMhz: 1300.5,
      busyFraction: 0.734,
    });
    expect(readIntegratedGpu(orinNano).value).toMatchObject({ device: '17000000.gpu', mhz: 306, busyFraction: 0 });
    expect(readIntegratedGpu(xavier).value).toMatchObject({ device: '17000000.gv11b', busyFraction: 1 });
  });

  test('a zone without a temperature is listed, the others are read', () => {
    const { value, unavailable } = readThermalZones(orin);
    expect(value).toEqual([
      { zone: 'CPU-therm', celsius: 48.718 },
      { zone: 'tj-therm', celsius: -0.25 },
    ]);
    expect(unavailable).toEqual([
      { what: '/sys/class/thermal/thermal_zone2/temp', why: 'holds "", which is no number' },
    ]);
  });

  test('hwmon rails are voltage times current; unconnected channels and sums are no rails', () => {
    expect(powersOf(orin)).toEqual({
      VDD_GPU_SOC: (19064 * 416) / 1000,
      VDD_CPU_CV: (19056 * 32) / 1000,
      VIN_SYS_5V0: (5016 * 896) / 1000,
      VDDQ_VDD2_1V8AO: (19080 * 24) / 1000,
    });
    expect(powersOf(orinNano)).toEqual({ VDD_IN: 4968 });
  });

  test('iio rails are read in mW', () => {
    expect(powersOf(xavier)).toEqual({ GPU: 1533, CPU: 766 });
  });

  test('rails of one name on two chips are distinguished', () => {
    const rail = (chip: string) => ({
      [`${i2c}/${chip}/name`]: 'ina3221\n',
      [`${i2c}/${chip}/iio:device0/rail_name_0`]: 'VDD\n',
    });
    const { value } = findPowerRails(treeOf({ ...rail('1-0040'), ...rail('1-0041') }));
    expect(value.map(({ rail }) => rail)).toEqual(['VDD@1-0040', 'VDD@1-0041']);
  });

  test('a snapshot has all of it', () => {
    const { powerRails, thermalZones, memory, unavailable } = readSnapshot({ root: orin, nvidiaSmi: null });
    expect([powerRails.length, thermalZones.length, memory]).toEqual([4, 2, null]);
    expect(unavailable.map(({ what }) => what)).toContain('/proc/meminfo');
  });
});

describe('RAPL', () => {
  test('zones carry the name of their package, mirrors are left out, microjoules become mJ', () => {
    expect(findEnergyZones(x86).value).toEqual([
      { rail: 'package-0', folder: 'sys/class/powercap/intel-rapl:0', rangeMj: 262143328.85 },
      { rail: 'package-0/dram', folder: 'sys/class/powercap/intel-rapl:0:0', rangeMj: 65712999.613 },
    ]);
  });

  test('a zone whose counter cannot be read is listed with the reason', () => {
    const zone = 'sys/class/powercap/intel-rapl:0';
    const root = treeOf({ [`${zone}/name`]: 'package-0\n', [`${zone}/max_energy_range_uj`]: '262143328850\n' });
    expect(findEnergyZones(root)).toEqual({
      value: [],
      unavailable: [{ what: `/${zone}/energy_uj`, why: 'does not exist' }],
    });
    // Root may read everything.
    if (process.getuid?.() === 0) return;
    writeFileSync(join(root, zone, 'energy_uj'), '1\n', { mode: 0 });
    expect(findEnergyZones(root).unavailable[0]!.why).toBe('may not be read by this user');
  });
});

describe('nvidia-smi', () => {
  const script = (name: string, body: string) => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const lines = `0, NVIDIA GeForce RTX 3090, 112.53, 35, 1695, 1024, 61
1, NVIDIA Tegra Orin, [N/A], [Not Supported], [N/A], [N/A], `;

  test('W, % and MiB become mW, fractions and bytes; what a card does not say is null', () => {
    expect(parseNvidiaSmi(`${lines}\nsome warning\n`)).toEqual([
      {
        index: 0,
        name: 'NVIDIA GeForce RTX 3090',
        powerMw: 112530,
        busyFraction: 0.35,
        mhz: 1695,
        memoryUsedBytes: 2 ** 30,
        celsius: 61,
      },
      {
        index: 1,
        name: 'NVIDIA Tegra Orin',
        powerMw: null,
        busyFraction: null,
        mhz: null,
        memoryUsedBytes: null,
        celsius: null,
      },
    ]);
  });

  test('only cards that report their power are energy sources', () => {
    const nvidiaSmi = script('answers', `cat <<'END'\n${lines}\nEND`);
    const { value, unavailable } = findEnergySources({ root: x86, nvidiaSmi });
    expect(value.map(({ kind }) => kind)).toEqual(['rapl', 'nvidia-smi']);
    expect(value[1]).toEqual({ kind: 'nvidia-smi', command: nvidiaSmi, cards: [0] });
    expect(unavailable.at(-1)).toEqual({ what: 'power of NVIDIA card 1', why: 'nvidia-smi shows none for it' });
  });

  test('a missing program, a failing one and a talking one are reasons, not exceptions', () => {
    const why = (command: string) => readNvidiaCards(command).unavailable[0]!.why;
    expect(why('/nonexistent/nvidia-smi')).toBe('/nonexistent/nvidia-smi is not installed');
    expect(why(script('fails', 'echo NVIDIA-SMI has failed; exit 9'))).toMatch(
      /fails ended with 9: NVIDIA-SMI has failed$/,
    );
    expect(why(script('talks', 'echo No devices were found'))).toMatch(/talks said: No devices were found$/);
  });
});

test('an empty machine has nothing, and every reason is given', () => {
  const root = treeOf({});
  const snapshot = readSnapshot({ root, nvidiaSmi: null });
  expect(snapshot).toMatchObject({ memory: null, process: null, cpuClocks: [], integratedGpu: null, powerRails: [] });
  expect(snapshot.unavailable.length).toBeGreaterThanOrEqual(6);
  expect(findEnergySources({ root, nvidiaSmi: null }).value).toEqual([]);
});
