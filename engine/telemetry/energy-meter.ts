// The energy meter: start it, let something run, stop it. It answers in the form of a trace's `energyMj`.
import { checkOptions } from '../../base/errors/options.js';
import { type EnergySource, railNames, samplingPeriodMs } from './energy-source.js';
import type { RailEnergy } from './integrate.js';
import { type Sampler, startSamplerThread } from './sampler-thread.js';

export interface EnergyMeter {
  /**
   * Energy since the start in mJ, by rail; null if no rail was covered. Rails overlap (a package contains its cores,
   * VDD_IN everything behind it), so they must not be added up. Stopping again gives the same answer.
   */
  stop(): Readonly<Record<string, number>> | null;
  /** How well each rail was covered, those without a total included; empty before `stop`. */
  readonly coverage: Readonly<Record<string, RailEnergy>>;
}

export interface EnergyMeterOptions {
  /** Instead of the source's own sampling period. */
  readonly periodMs?: number;
  /** Starts the sampler of one source; by default a thread. */
  readonly startSampler?: (source: EnergySource, periodMs: number) => Sampler;
}

/**
 * Starts measuring and returns once every source has given its first sample, so that start-up is not measured; likewise
 * `stop` takes a last sample. Start it around many repetitions of something short: a sampler thread takes about 50 ms to
 * start, and power is known only at the sampling period.
 */
export function startEnergyMeter(sources: readonly EnergySource[], options: EnergyMeterOptions = {}): EnergyMeter {
  checkOptions('startEnergyMeter', options, { periodMs: true, startSampler: true });
  const { periodMs, startSampler = startSamplerThread } = options;
  const samplers = sources.map((source) => ({
    source,
    sampler: startSampler(source, periodMs ?? samplingPeriodMs[source.kind]),
  }));
  let coverage: Readonly<Record<string, RailEnergy>> | null = null;
  return {
    get coverage() {
      return coverage ?? {};
    },
    stop() {
      coverage ??= Object.fromEntries(samplers.flatMap(({ source, sampler }) => railTotals(source, sampler)));
      const known = Object.entries(coverage).flatMap(([rail, { energyMj }]) =>
        energyMj === null ? [] : [[rail, energyMj] as const],
      );
      return known.length > 0 ? Object.fromEntries(known) : null;
    },
  };
}

function railTotals(source: EnergySource, sampler: Sampler): (readonly [string, RailEnergy])[] {
  const totals = sampler.stop();
  const none: RailEnergy = { energyMj: null, samples: 0, longestGapMs: 0 };
  return railNames(source).map((rail, i) => [rail, totals?.[i] ?? none] as const);
}
