// The latest decisions and their times: they let an agent infer what it does not observe, such as a co-running load or wrong
// cost estimates.
import type { HardwareState } from '../../engine/executor.js';
import { bounded, type ObservationBlock, type Past } from './observation-block.js';

/** Number of past decisions. `FrameStack` gives longer histories of whole observations. */
const length = 4;

export const history: ObservationBlock = {
  names: Array.from({ length }, (_, k) => [`past${k + 1}.share`, `past${k + 1}.time`]).flat(),
  remembers: true,
  live(next: number, _state: HardwareState, out: Float32Array, at: number, past: Past): void {
    const count = Math.min(length, next);
    for (let k = 0; k < count; k++) {
      out[at + 2 * k] = past[2 * (next - 1 - k)]!;
      out[at + 2 * k + 1] = bounded(Math.asinh(past[2 * (next - 1 - k) + 1]!));
    }
  },
};
