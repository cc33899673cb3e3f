// The devices of this machine, and those of a Python that the user has named.
import { formatDevicePair } from './devices/device-pair.js';
import { type DeviceProbe, defaultDevicePair, deviceProbes } from './devices/probe.js';
import { pythonDevices } from './session/python.js';

export interface AvailableDevices {
  readonly devices: readonly DeviceProbe[];
  readonly defaultPair: string;
  /** Null unless `SPAROA_GYM_PYTHON` names a Python: not every python3 is meant to run models. */
  readonly python: ReturnType<typeof pythonDevices> | null;
}

/** Tries every provider; takes seconds. */
export function availableDevices(): AvailableDevices {
  const python = process.env.SPAROA_GYM_PYTHON ? pythonDevices() : null;
  return { devices: deviceProbes(), defaultPair: formatDevicePair(defaultDevicePair()), python };
}

/** The name of each device that runs; of the others why they do not, and what to do. */
export function deviceSummaries(devices: readonly DeviceProbe[]): Record<string, string> {
  return Object.fromEntries(
    devices.map(({ id, available, name, reason, remedy }) => [
      id,
      available ? (name ?? 'runs; its name is unknown') : `not here: ${reason}. ${remedy}`,
    ]),
  );
}
