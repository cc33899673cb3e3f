// Which processor of a chip is faster on a network, each at its best setting: as predicted, and as the chip's majority says.
import { Rng } from '../../../base/random/rng.js';
import { bootstrapInterval, type Interval } from '../../statistics/statistics.js';
import type { Predictions } from './left-out.js';
import { type Processor, pairedChips, processors, type ZooData } from './zoo-data.js';

/** One network on both processors of one chip. */
export interface Pair {
  readonly chip: string;
  readonly model: string;
  readonly measuredMs: readonly [cpu: number, gpu: number];
  /** Null of networks that were given. */
  readonly predictedMs: readonly [cpu: number, gpu: number] | null;
}

export interface WinnerScore {
  readonly pairs: number;
  /** Share of networks whose faster processor was chosen. */
  readonly accuracy: number;
  /** How much longer the chosen processors take than the faster ones: the geometric mean of ratios, minus 1. */
  readonly lost: number;
}

/** Networks that were measured on both processors, and predicted on both unless `predicted` is null. */
export function pairsOf(
  data: ZooData,
  predicted: Readonly<Record<Processor, Predictions>> | null,
  flagged = false,
): Pair[] {
  return pairedChips(data).flatMap((chip) =>
    [...data.networks.values()]
      .filter((network) => network.flagged === flagged)
      .flatMap(({ model }): Pair[] => {
        const settings = data.settings.filter((setting) => setting.chip === chip);
        const best = (processor: Processor, ms: (setting: (typeof settings)[number]) => number | undefined) =>
          Math.min(
            ...settings
              .filter((setting) => setting.processor === processor)
              .map((setting) => ms(setting) ?? Number.POSITIVE_INFINITY),
          );
        const both = (ms: (setting: (typeof settings)[number], processor: Processor) => number | undefined) =>
          processors.map((processor) => best(processor, (setting) => ms(setting, processor))) as [number, number];
        const measuredMs = both((setting) => setting.ms.get(model));
        const predictedMs = predicted && both((setting, processor) => predicted[processor].get(setting)?.get(model));
        const known = [...measuredMs, ...(predictedMs ?? [])].every(Number.isFinite);
        return known ? [{ chip, model, measuredMs, predictedMs }] : [];
      }),
  );
}

/** @param choice the processor for a pair: 0 CPU, 1 GPU */
export function scoreOf(pairs: readonly Pair[], choice: (pair: Pair) => 0 | 1): WinnerScore {
  let [right, logLost] = [0, 0];
  for (const pair of pairs) {
    const [cpu, gpu] = pair.measuredMs;
    const chosen = choice(pair);
    if (chosen === fasterOf(pair.measuredMs)) right++;
    logLost += Math.log([cpu, gpu][chosen]! / Math.min(cpu, gpu));
  }
  return { pairs: pairs.length, accuracy: right / pairs.length, lost: Math.exp(logLost / pairs.length) - 1 };
}

export const fasterOf = ([cpu, gpu]: readonly [number, number]): 0 | 1 => (gpu < cpu ? 1 : 0);

export const byPrediction = ({ predictedMs }: Pair): 0 | 1 => fasterOf(predictedMs!);

/** The processor that is faster on most networks of the chip: it is said what it is by the networks that it is scored on. */
export function byMajority(pairs: readonly Pair[]): (pair: Pair) => 0 | 1 {
  const votes = new Map<string, number>();
  for (const { chip, measuredMs } of pairs)
    votes.set(chip, (votes.get(chip) ?? 0) + (fasterOf(measuredMs) === 1 ? 1 : -1));
  return ({ chip }) => (votes.get(chip)! > 0 ? 1 : 0);
}

/** 95 % interval of the difference in accuracy to the majority's, over resampled chips. */
export function differenceInterval(pairs: readonly Pair[]): Interval {
  const majority = byMajority(pairs);
  const chips = [...new Set(pairs.map(({ chip }) => chip))].map((chip) => {
    const own = pairs.filter((pair) => pair.chip === chip);
    const more = scoreOf(own, byPrediction).accuracy - scoreOf(own, majority).accuracy;
    return { pairs: own.length, more: own.length * more };
  });
  const statistic = (sample: readonly number[]) =>
    sample.reduce((sum, at) => sum + chips[at]!.more, 0) / sample.reduce((sum, at) => sum + chips[at]!.pairs, 0);
  return bootstrapInterval([...chips.keys()], Rng.of(0, 'zoo', 'winner'), { statistic });
}
