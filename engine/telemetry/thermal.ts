// Temperatures from sysfs thermal zones. A hot board slows down, so a measurement says how warm it was.
import { KernelFiles, type Reading } from './reading.js';

export interface ThermalZone {
  /** The zone's type, such as cpu-thermal or x86_pkg_temp. */
  readonly zone: string;
  readonly celsius: number;
}

/**
 * `temp` is in thousandths of a degree Celsius (Documentation/driver-api/thermal/sysfs-api.rst). Jetson's zones answer
 * EAGAIN while the part they watch is powered off; such a zone is listed as unavailable.
 */
export function readThermalZones(root?: string): Reading<readonly ThermalZone[]> {
  const files = new KernelFiles(root);
  const folder = 'sys/class/thermal';
  const names = files.list(folder, /^thermal_zone\d+$/);
  if (names.length === 0 && files.exists(folder)) files.missing('temperatures', `/${folder} has no zone`);
  const zones = names.flatMap((name) => {
    const milli = files.number(`${folder}/${name}/temp`);
    return milli === null ? [] : [{ zone: files.text(`${folder}/${name}/type`) ?? name, celsius: milli / 1000 }];
  });
  return files.reading(zones);
}
