// How well the simulator of a profiled model knows what this machine does: errors, ranks, and what trusting it costs.
import { kendallTauB } from '../../../base/statistics/kendall.js';
import { median } from '../../../base/statistics/quantile.js';
import { summarizeErrors } from './held-out.js';
import type { Judgement } from './machine-judge.js';

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
  /** The judge's own: mean difference between two measurements of the same units. */
  readonly unitJudgePercent: number;
  /** The whole model on one device, over both. */
  readonly wholeMeanPercent: number;
  /** The whole model under all schedules. */
  readonly scheduleMeanPercent: number;
  readonly scheduleWithin10Percent: number;
  /** The judge's own: mean difference between two measurements of the same schedules. */
  readonly judgePercent: number;
  /** Kendall's tau-b between simulated and measured latencies; pairs closer than the judge's median difference are tied. */
  readonly tau: number;
  /** The same between the two measurements. */
  readonly tauCeiling: number;
  /** Measured latency of the schedule that the simulator holds for the best, beyond the best measured one. */
  readonly regretPercent: number;
}

export function machineFidelity(
  { model, devices, hash }: { readonly model: string; readonly devices: string; readonly hash: string },
  { schedules, units }: Judgement,
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
    unitJudgePercent: runToRunPercent(units),
    wholeMeanPercent: summarizeErrors(
      whole.map(({ simulatedMs }) => simulatedMs),
      whole.map(({ measuredMs }) => measuredMs),
    ).meanPercent,
    scheduleMeanPercent: all.meanPercent,
    scheduleWithin10Percent: all.within10Percent,
    judgePercent: runToRunPercent(schedules),
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
