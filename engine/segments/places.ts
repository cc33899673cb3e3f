// On which lanes a unit runs.
import { InputError } from '../../base/errors/input-error.js';
import type { Unit } from '../../models/graph.js';
import { type Lane, laneIndex } from '../trace.js';

/**
 * Where the parts of a unit run, as indices of `lanes`: one for a whole unit; for a split one device 0's part on its
 * `lane`, then device 1's.
 * @throws InputError when the device does not have the lane.
 */
export function placesOf(lanes: readonly Lane[], { id, name }: Unit, share: number, lane: number): number[] {
  const place = (device: 0 | 1, own: number): number => {
    const index = laneIndex(lanes, device, own);
    if (index >= 0) return index;
    const count = lanes.filter((each) => each.device === device).length;
    throw new InputError(
      `lanes: unit ${id} "${name}" is to run on lane ${own} of device ${device}, which has ${count}.`,
      device === 0
        ? `Make the executor with cpuLanes: ${own + 1} and a CPU of as many threads, or give a lane below ${count}.`
        : 'Give lane 0; only device 0 can have several.',
    );
  };
  if (share === 0) return [place(0, lane)];
  if (share === 1) return [place(1, lane)];
  return [place(0, lane), place(1, 0)];
}
