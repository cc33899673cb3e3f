// The observation of SparOA/Stream-v0: SparOA/Share-v0's observation of the inference, with costs under the mode and load of
// the monitor's last reading, and the stream: that reading, the model, the queue.
import type { HardwareState } from '../../engine/executor.js';
import type { LoadLevel } from '../../engine/load-process.js';
import { bounded, observationBound } from '../observations/observation-block.js';
import type { StreamQueue } from './queue.js';
import type { StreamSetting } from './setting.js';

export class StreamObservation {
  readonly size: number;
  /** One name per element. */
  readonly names: readonly string[];
  readonly #setting: StreamSetting;
  readonly #unitPart: Float32Array;

  constructor(setting: StreamSetting) {
    this.#setting = setting;
    const { observation } = setting.caseOf(0, 0, 0);
    this.#unitPart = new Float32Array(observation.size);
    this.names = [
      ...observation.names,
      ...setting.modes.map((mode) => `mode.${mode}`),
      'load.cpu',
      'load.gpu',
      'load.memory',
      ...Array.from({ length: setting.modelCount }, (_, model) => `model.${model}`),
      'requestsInBatch',
      'logWaiting',
      'age',
      'timeToDeadline',
      'streamProgress',
    ];
    this.size = this.names.length;
  }

  /**
   * Writes the observation before unit `next` of the current batch, or of the end of a stream.
   * @param read the load of the monitor's last reading
   */
  write(queue: StreamQueue, next: number, state: HardwareState, read: LoadLevel, out: Float32Array): void {
    const setting = this.#setting;
    const { deadlineMs, requests } = setting.options;
    let at = this.#unitPart.length;
    out.fill(0);
    out[out.length - 1] = queue.first / requests;
    if (queue.done) return;
    const { model, observed } = queue;
    const { observation, singleMs } = setting.caseOf(model, queue.size, observed);
    observation.write(next, state, this.#unitPart);
    out.set(this.#unitPart);
    out[at + setting.modeOf(observed)] = 1;
    at += setting.modes.length;
    out[at++] = read.cpu;
    out[at++] = read.gpu;
    out[at++] = read.memory;
    out[at + model] = 1;
    at += setting.modelCount;
    const referenceMs = Math.min(singleMs[0], singleMs[1]);
    out[at++] = queue.requests / setting.batches.at(-1)!;
    out[at++] = Math.min(observationBound, Math.log1p(queue.waiting - queue.requests));
    out[at++] = scaled(queue.ageMs / referenceMs);
    out[at++] = deadlineMs === null ? 0 : scaled((deadlineMs - queue.ageMs) / referenceMs);
  }
}

/** asinh: linear for small values, logarithmic for large ones. */
function scaled(value: number): number {
  return bounded(Math.asinh(value));
}
