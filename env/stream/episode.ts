// The part of a stream that does not depend on decisions: when requests arrive and for which model, and the power mode and
// load of every moment. All of it follows from the episode's seed.
import { Rng } from '../../base/random/rng.js';
import { type LoadProcess, loadIntervals, markovChain, sameLevel } from '../../engine/load-process.js';
import type { StreamEnvOptions } from './options.js';
import type { StreamSetting } from './setting.js';
import { type Change, Timeline } from './timeline.js';

export class StreamEpisode {
  readonly setting: StreamSetting;
  readonly seed: number;
  /** Of each request, ascending. */
  readonly arrivalMs: Float64Array;
  /** Of each request. */
  readonly model: Uint32Array;
  readonly #mode: Timeline;
  readonly #level: Timeline;

  constructor(setting: StreamSetting, seed: number) {
    const { requests, ratePerS, arrivals, load, modeMeanMs } = setting.options;
    this.setting = setting;
    this.seed = seed;
    const gaps = Rng.of(seed, 'stream', 'arrivals');
    let nowMs = 0;
    this.arrivalMs = Float64Array.from({ length: requests }, () => {
      // 1 - u lies in (0, 1]: its logarithm is finite.
      nowMs += (1000 / ratePerS) * (arrivals === 'periodic' ? 1 : -Math.log(1 - gaps.uniform()));
      return nowMs;
    });
    this.model = modelsOf(setting.options, seed);
    this.#mode = new Timeline(
      markovChain(
        setting.modes.map(() => modeMeanMs),
        Rng.of(seed, 'stream', 'modes'),
      ),
    );
    this.#level = new Timeline(load === null ? [{ fromMs: 0, state: 0 }] : levels(setting, load, seed));
  }

  /** The number of the pair of mode and level at `ms`. */
  conditionAt(ms: number): number {
    return this.setting.conditionOf(this.#mode.stateAt(ms), this.#level.stateAt(ms));
  }

  /** When that pair ends; Infinity if never. */
  changeAfter(ms: number): number {
    return Math.min(this.#mode.changeAfter(ms), this.#level.changeAfter(ms));
  }

  /** The monitor's latest reading at `ms`: the condition at the last multiple of `monitorMs`. */
  observedAt(ms: number): number {
    const { monitorMs } = this.setting.options;
    return this.conditionAt(monitorMs > 0 ? Math.floor(ms / monitorMs) * monitorMs : ms);
  }
}

/** The model that each request of the episode of this seed wants. */
export function modelsOf({ requests, models }: StreamEnvOptions, seed: number): Uint32Array {
  const draws = Rng.of(seed, 'stream', 'models');
  return Uint32Array.from({ length: requests }, () => draws.integer(models.length));
}

/** The realisation of a load, by the numbers of its levels. */
function* levels(setting: StreamSetting, load: LoadProcess, seed: number): Generator<Change, void> {
  for (const interval of loadIntervals(load, seed))
    yield { fromMs: interval.fromMs, state: setting.levels.findIndex((level) => sameLevel(level, interval)) };
}
