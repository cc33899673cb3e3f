// Energy counters of x86 processors (RAPL) through the powercap tree. A counter runs from 0 to its range and starts over.
import { KernelFiles, type Reading } from './reading.js';

/** One zone: a processor package, or a part of one. */
export interface EnergyZone {
  /** `package-0`, or `package-0/core` for a part. Parts may lie inside their package's count (core) or outside it (dram). */
  readonly rail: string;
  /** The zone's folder under the root. */
  readonly folder: string;
  /** Where the counter starts over, in mJ. */
  readonly rangeMj: number;
}

/**
 * Zones of /sys/class/powercap, intel-rapl:0 and intel-rapl:0:1; AMD's drivers use the same names. The zones of
 * intel-rapl-mmio repeat the package and are left out. A zone counts only if its counter can be read: since Linux 5.10
 * that takes root, because fine energy readings leak secrets.
 */
export function findEnergyZones(root?: string): Reading<readonly EnergyZone[]> {
  const files = new KernelFiles(root);
  const powercap = 'sys/class/powercap';
  const folders = files.exists(powercap) ? files.list(powercap, /^intel-rapl:\d+(:\d+)?$/) : [];
  if (folders.length === 0) {
    files.missing('RAPL energy counters', `/${powercap} has no intel-rapl zone (x86 with the intel_rapl driver has)`);
  }
  const zones = folders.flatMap((folder) => {
    const path = `${powercap}/${folder}`;
    const own = files.text(`${path}/name`);
    const parent = folder.split(':').length > 2 ? files.text(`${powercap}/${folder.replace(/:\d+$/, '')}/name`) : null;
    const rangeUj = files.number(`${path}/max_energy_range_uj`);
    if (own === null || rangeUj === null || readZoneMj(path, files) === null) return [];
    return [{ rail: parent === null ? own : `${parent}/${own}`, folder: path, rangeMj: rangeUj / 1000 }];
  });
  return files.reading(zones);
}

/** The counter now, in mJ; energy_uj is in microjoules (Documentation/power/powercap/powercap.rst). */
export function readZoneMj(folder: string, files: KernelFiles): number | null {
  const uj = files.number(`${folder}/energy_uj`);
  return uj === null ? null : uj / 1000;
}
