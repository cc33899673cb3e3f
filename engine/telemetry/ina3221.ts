// Power rails of Jetson boards: INA3221 chips on the I2C bus measure voltage and current of up to three rails each.
//
// Two drivers show them. The mainline hwmon driver (JetPack 5 and 6) gives in1_label, in1_input in mV and curr1_input in
// mA (Documentation/hwmon/ina3221.rst); NVIDIA's older iio driver (JetPack 4) gives rail_name_0 and in_power0_input in mW.
import { KernelFiles, type Reading } from './reading.js';

/** Where a rail's power is read; plain data, so that a sampler thread can have it. */
export interface PowerRail {
  /** The board's name of the rail, such as VDD_GPU_SOC. */
  readonly rail: string;
  /** Either one file with mW, or one with mV and one with mA. */
  readonly files: { readonly mw: string } | { readonly mv: string; readonly ma: string };
}

/** The rails of every INA3221 found. Channels labelled NC are not connected. */
export function findPowerRails(root?: string): Reading<readonly PowerRail[]> {
  const files = new KernelFiles(root);
  const bus = 'sys/bus/i2c/devices';
  const chips = files.exists(bus)
    ? files.list(bus, /^\d+-[0-9a-f]{4}$/).filter((chip) => {
        const name = `${bus}/${chip}/name`;
        return files.exists(name) && files.text(name)?.startsWith('ina3221');
      })
    : [];
  const rails = chips.flatMap((chip) => chipRails(files, `${bus}/${chip}`).map((rail) => ({ ...rail, chip })));
  if (rails.length === 0)
    files.missing('INA3221 power rails', `/${bus} has no INA3221, which only Jetson boards carry`);
  // Two chips may use one label; the chip's address then distinguishes them.
  const named = rails.map(({ chip, ...rail }) => {
    const shared = rails.filter((other) => other.rail === rail.rail).length > 1;
    return shared ? { ...rail, rail: `${rail.rail}@${chip}` } : rail;
  });
  return files.reading(named);
}

function chipRails(files: KernelFiles, chip: string): PowerRail[] {
  const hwmon = files.exists(`${chip}/hwmon`) ? files.list(`${chip}/hwmon`, /^hwmon\d+$/) : [];
  const viaHwmon = hwmon.flatMap((name) => {
    const folder = `${chip}/hwmon/${name}`;
    // Channels 1 to 3 are rails; in7 is the sum of shunt voltages.
    return files.list(folder, /^in[123]_label$/).map((label) => {
      const channel = label[2]!;
      return {
        rail: files.text(`${folder}/${label}`) ?? '',
        files: { mv: `${folder}/in${channel}_input`, ma: `${folder}/curr${channel}_input` },
      };
    });
  });
  const viaIio = files.list(chip, /^iio:device\d+$/).flatMap((name) => {
    const folder = `${chip}/${name}`;
    return files.list(folder, /^rail_name_\d$/).map((label) => ({
      rail: files.text(`${folder}/${label}`) ?? '',
      files: { mw: `${folder}/in_power${label.at(-1)}_input` },
    }));
  });
  return [...viaHwmon, ...viaIio].filter(({ rail }) => rail !== '' && rail !== 'NC');
}

/** Power of a rail now, in mW; null where it cannot be read, with the reason left in `files`. */
export function readRailMw({ files: paths }: PowerRail, files: KernelFiles): number | null {
  if ('mw' in paths) return files.number(paths.mw);
  const mv = files.number(paths.mv);
  const ma = files.number(paths.ma);
  return mv === null || ma === null ? null : (mv * ma) / 1000;
}
