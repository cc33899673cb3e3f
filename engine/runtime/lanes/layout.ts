// Which lanes a device pair has. Device 0's lanes come first, so lane 0 is where graph inputs and outputs lie; device 1 has
// one lane, the last.
import { InputError } from '../../../base/errors/input-error.js';
import type { Lane } from '../../trace.js';
import type { DevicePair, DeviceSpec } from '../devices/device-pair.js';

/** A lane and the device that its sessions run on: of a CPU with several lanes, the lane's share of the threads. */
export interface LaneSpec extends Lane {
  readonly spec: DeviceSpec;
}

/**
 * The lanes of a pair whose device 0 is divided into `cpuLanes`.
 * @throws InputError when device 0's threads cannot be shared out evenly.
 */
export function lanesOf([first, second]: DevicePair, cpuLanes: number): readonly LaneSpec[] {
  if (!(Number.isInteger(cpuLanes) && first.threads % cpuLanes === 0)) {
    const divisors = Array.from({ length: first.threads }, (_, i) => i + 1).filter(
      (each) => first.threads % each === 0,
    );
    throw new InputError(
      `lanes: cpuLanes is ${cpuLanes}, by which the threads of ${first.id} cannot be divided.`,
      `Give ${divisors.join(' or ')}, or name a CPU with more threads, such as cpu:${Math.max(2, Math.ceil(cpuLanes) || 0)}.`,
    );
  }
  const threads = first.threads / cpuLanes;
  const specs = [...new Array<DeviceSpec>(cpuLanes).fill({ ...first, id: `cpu:${threads}`, threads }), second];
  return specs.map((spec, lane) => ({ id: `${spec.id} #${lane}`, device: lane < cpuLanes ? 0 : 1, spec }));
}
