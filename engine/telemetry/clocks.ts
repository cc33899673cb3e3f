// CPU clocks (sysfs cpufreq) and the clock and load of a Jetson's integrated GPU (sysfs devfreq).
import { KernelFiles, type Reading } from './reading.js';

export interface CoreClock {
  readonly core: number;
  readonly mhz: number;
  /** What the power mode allows now; null where it is not said. */
  readonly limitMhz: number | null;
}

export interface IntegratedGpu {
  /** The devfreq device, such as 17000000.ga10b. */
  readonly device: string;
  readonly mhz: number | null;
  readonly limitMhz: number | null;
  /** 0 to 1. */
  readonly busyFraction: number | null;
}

const cpuFolder = 'sys/devices/system/cpu';

/** scaling_cur_freq and scaling_max_freq are in kHz (Documentation/admin-guide/pm/cpufreq.rst). */
export function readCpuClocks(root?: string): Reading<readonly CoreClock[]> {
  const files = new KernelFiles(root);
  const names = files.list(cpuFolder, /^cpu\d+$/);
  const withClock = names.filter((name) => files.exists(`${cpuFolder}/${name}/cpufreq`));
  if (names.length > 0 && withClock.length === 0) {
    files.missing('CPU clocks', 'no core has cpufreq in sysfs, as is usual in virtual machines');
  }
  const clocks = withClock.flatMap((name) => {
    const khz = files.number(`${cpuFolder}/${name}/cpufreq/scaling_cur_freq`);
    if (khz === null) return [];
    const limitKhz = files.number(`${cpuFolder}/${name}/cpufreq/scaling_max_freq`);
    return [{ core: Number(name.slice(3)), mhz: khz / 1e3, limitMhz: limitKhz === null ? null : limitKhz / 1e3 }];
  });
  return files.reading(clocks);
}

/** Names of Tegra GPUs in devfreq: 57000000.gpu (Nano), 17000000.gv11b, .ga10b (JetPack 5), .gpu (JetPack 6), gpu-gpc-0. */
const gpuName = /^([0-9a-f]+\.)?(gpu|gm20b|gp10b|gv11b|ga10b)$|^gpu-gpc-0$/;

/** Where the load file is: with the device, or under the alias of older releases. */
const loadFiles = (device: string) => [
  `sys/class/devfreq/${device}/device/load`,
  'sys/devices/platform/gpu.0/load',
  'sys/devices/gpu.0/load',
];

/**
 * cur_freq and max_freq are in Hz (Documentation/ABI/testing/sysfs-class-devfreq); `load` is NVIDIA's, in thousandths.
 * @returns null where there is no integrated NVIDIA GPU.
 */
export function readIntegratedGpu(root?: string): Reading<IntegratedGpu | null> {
  const files = new KernelFiles(root);
  const folder = 'sys/class/devfreq';
  const device = files.exists(folder) ? files.list(folder, gpuName)[0] : undefined;
  if (device === undefined) {
    return files.reading(files.missing('integrated GPU', `/${folder} names no Jetson GPU`));
  }
  const mhz = (path: string) => {
    const hz = files.number(path);
    return hz === null ? null : hz / 1e6;
  };
  const loadFile = loadFiles(device).find((path) => files.exists(path));
  if (loadFile === undefined) files.missing('integrated GPU load', `no load file beside ${device}`);
  const load = loadFile === undefined ? null : files.number(loadFile);
  return files.reading({
    device,
    mhz: mhz(`${folder}/${device}/cur_freq`),
    limitMhz: mhz(`${folder}/${device}/max_freq`),
    busyFraction: load === null ? null : load / 1000,
  });
}

/** The most that the hardware can, whatever the power mode; null where it is not said. */
export interface ClockCeilings {
  /** By core; without those that do not say. */
  readonly coreMhz: ReadonlyMap<number, number>;
  readonly gpuMhz: number | null;
}

/** cpuinfo_max_freq is in kHz, devfreq's available_frequencies are in Hz, ascending or not. */
export function readClockCeilings(root?: string): ClockCeilings {
  const files = new KernelFiles(root);
  const cores = files.exists(cpuFolder) ? files.list(cpuFolder, /^cpu\d+$/) : [];
  const coreMhz = new Map<number, number>();
  for (const core of cores) {
    const khz = files.number(`${cpuFolder}/${core}/cpufreq/cpuinfo_max_freq`);
    if (khz) coreMhz.set(Number(core.slice(3)), khz / 1e3);
  }
  const device = readIntegratedGpu(root).value?.device;
  const listed = device === undefined ? null : files.text(`sys/class/devfreq/${device}/available_frequencies`);
  const hz = (listed ?? '')
    .split(/\s+/)
    .map(Number)
    .filter((each) => each > 0);
  return {
    coreMhz,
    gpuMhz: hz.length > 0 ? Math.max(...hz) / 1e6 : null,
  };
}
