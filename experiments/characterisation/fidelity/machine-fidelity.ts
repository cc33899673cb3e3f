// How well simulated latencies agree with measured ones: errors, ranks, and the loss when the simulator chooses the schedule.
import { kendallTauB } from '../../../base/statistics/kendall.js';
import { median } from '../../../base/statistics/quantile.js';
import { summarizeErrors } from './held-out.js';
import type { Comparison } from './machine-comparison.js';

/** A row of `machine-*.csv`; errors in percent of the measured time. */
export interface MachineFidelity {
  readonly model: string;
  readonly devices: string;
  readonly profileHash: string;
  readonly unitCount: number;
  readonly scheduleCount: number;
  /** Units by themselves, measured again. */
  readonly unitMeanPercent: number;
  readonly unitWithin10Percent: number;
  /** Run-to-run noise: mean difference between two measurements of the same units. */
  readonly unitNoisePercent: number;
  /** The whole model on one device, over both. */
  readonly wholeMeanPercent: number;
  /** The whole model under all schedules. */
  readonly scheduleMeanPercent: number;
  readonly scheduleWithin10Percent: number;
  /** Run-to-run noise: mean difference between two measurements of the same schedules. */
  readonly noisePercent: number;
  /** Kendall's tau-b between simulated and measured latencies; pairs closer than the median noise are tied. */
  readonly tau: number;
  /** The same between the two measurements. */
  readonly tauCeiling: number;
  /** How much slower the schedule of the lowest simulated latency is than the fastest one, both as measured. */
  readonly regretPercent: number;
}

export function machineFidelity(
  { model, devices, hash }: { readonly model: string; readonly devices: string; readonly hash: string },
  { schedules, units }: Comparison,
): MachineFidelity {
  const simulated = schedules.map(({ simulatedMs }) => simulatedMs);
  const measured = schedules.map(({ measuredMs }) => measuredMs);
  const [first, second] = ([0, 1] as const).map((pass) => schedules.map(({ passMs }) => passMs[pass]));
  const noise = median(schedules.map((_, at) => Math.abs(Math.log(first![at]! / second![at]!))));
  const tied = (a: number, b: number) => Math.abs(Math.log(a / b)) <= noise;
  const whole = schedules.filter(({ name }) => name.split('=').some((each) => /^[cg]pu-only$/.test(each)));
  const all = summarizeErrors(simulated, measured);
  const unit = summarizeErrors(
    units.map(({ simulatedMs }) => simulatedMs),
    units.map(({ measuredMs }) => measuredMs),
  );
  const best = simulated.indexOf(Math.min(...simulated));
  return {
    model,
    devices,
    profileHash: hash,
    unitCount: units.length,
    scheduleCount: schedules.length,
    unitMeanPercent: unit.meanPercent,
    unitWithin10Percent: unit.within10Percent,
    unitNoisePercent: runToRunPercent(units),
    wholeMeanPercent: summarizeErrors(
      whole.map(({ simulatedMs }) => simulatedMs),
      whole.map(({ measuredMs }) => measuredMs),
    ).meanPercent,
    scheduleMeanPercent: all.meanPercent,
    scheduleWithin10Percent: all.within10Percent,
    noisePercent: runToRunPercent(schedules),
    tau: kendallTauB(simulated, measured, tied),
    tauCeiling: kendallTauB(first!, second!, tied),
    regretPercent: 100 * (measured[best]! / Math.min(...measured) - 1),
  };
}

const runToRunPercent = (measured: readonly { readonly passMs: readonly [number, number] }[]): number =>
  summarizeErrors(
    measured.map(({ passMs }) => passMs[0]),
    measured.map(({ passMs }) => passMs[1]),
  ).meanPercent;
