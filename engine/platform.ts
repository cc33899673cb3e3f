// The platform of a model: a device profile for the simulator, or an executor on this machine's devices. Either becomes one
// URI, which results have in their column `profile`.
import { InputError } from '../base/errors/input-error.js';
import { defaultDevicePair } from './runtime/devices/probe.js';
import {
  type HardwareExecutorName,
  hardwareExecutorNamed,
  hardwareExecutorNames,
  hardwareUri,
  parseHardwareUri,
} from './runtime/hardware.js';

export type ExecutorName = 'simulator' | HardwareExecutorName;
export const executorNames: readonly ExecutorName[] = ['simulator', ...hardwareExecutorNames];

export interface PlatformOptions {
  /** `simulator` (default), or an executor on this machine's devices: `lanes`, `session`. */
  readonly executor?: ExecutorName | undefined;
  /**
   * Of the simulator: profile URI, default `profile://jetson-agx-orin`; or the model's own measured table,
   * `table:///path/profile.json`.
   */
  readonly profile?: string | undefined;
  /**
   * Of the other executors: a device pair such as `cpu:1+webgpu`, or `cpu:1+webgpu?unsupported=LRN;Softmax`; default: the
   * CPU with the best GPU found.
   */
  readonly devices?: string | undefined;
}

export const defaultProfile = 'profile://jetson-agx-orin';

/**
 * The profile's URI, or the hardware's: `lanes://cpu:1+cpu:1`.
 * @throws InputError when the executor is unknown, or an option is not the executor's
 */
export function platformUri({ executor = 'simulator', profile, devices }: PlatformOptions): string {
  if (executor === 'simulator') {
    if (devices !== undefined) {
      throw new InputError(
        `devices: "${devices}" was given, but the executor "simulator" runs a device profile.`,
        `Leave the devices out, or choose an executor on hardware: ${hardwareExecutorNames.join(', ')}.`,
      );
    }
    const hardware = profile === undefined ? null : parseHardwareUri(profile);
    if (hardware) {
      throw new InputError(
        `profile: "${profile}" names hardware, not a device profile.`,
        `Leave it out, and give the executor "${hardware.executor}" with the devices.`,
      );
    }
    return profile ?? defaultProfile;
  }
  const name = hardwareExecutorNamed(executor, ['simulator']);
  if (profile !== undefined) {
    throw new InputError(
      `profile: "${profile}" was given, but the executor "${name}" runs on this machine's devices.`,
      'Leave the profile out; name the devices instead, such as cpu:1+cpu:1.',
    );
  }
  if (devices === undefined) return hardwareUri({ executor: name, pair: defaultDevicePair(), unsupported: [] });
  return hardwareUri(parseHardwareUri(`${name}://${devices}`)!);
}
