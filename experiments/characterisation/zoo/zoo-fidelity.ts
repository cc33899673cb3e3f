// The published comparison of the zoo with its measurements: errors on what was left out by device and chip, and the faster
// processor as predicted.
import { median } from '../../../base/statistics/quantile.js';
import type { Interval } from '../../statistics/statistics.js';
import { flopsAndConstant, knownElsewhere, leaveNetworkOut, newChip, type Predictions, twoWay } from './left-out.js';
import { byMajority, byPrediction, differenceInterval, pairsOf, scoreOf, type WinnerScore } from './winners.js';
import { chipsOf, type Processor, processors, readZoo, settingsOf, type ZooData, type ZooSetting } from './zoo-data.js';

/** How many networks of a new chip are measured, in how many draws. */
export const newChipCounts = [1, 3, 10] as const;
const draws = 10;

/** Median errors of one chip's processor over its settings and networks, percent; null where nothing was predicted. */
export interface ZooError {
  readonly chip: string;
  readonly processor: Processor;
  readonly settings: number;
  readonly networks: number;
  /** Networks left out on all chips. */
  readonly leftOut: number | null;
  /** Networks known on other chips. */
  readonly known: number | null;
  readonly twoWay: number | null;
  readonly flops: number | null;
  readonly new1: number | null;
  readonly new3: number | null;
  readonly new10: number | null;
}

export interface ZooWinner {
  readonly chip: string;
  readonly pairs: number;
  readonly cpuFaster: number;
  readonly accuracy: number;
  readonly lost: number;
  readonly majorityAccuracy: number;
  readonly majorityLost: number;
}

/** One network in one setting. */
export interface ZooTime {
  readonly chip: string;
  readonly processor: Processor;
  readonly setting: string;
  readonly network: string;
  readonly measuredMs: number;
  readonly leftOutMs: number;
  readonly errorPercent: number;
  /** `unfitted` of networks of classes that nobody fitted. */
  readonly flag: string;
}

export interface ZooFidelity {
  readonly errors: readonly ZooError[];
  readonly winners: readonly ZooWinner[];
  readonly times: readonly ZooTime[];
  readonly winner: WinnerScore;
  readonly majority: WinnerScore;
  /** Of the difference in accuracy to the majority's. */
  readonly difference: Interval;
  readonly newWinners: readonly (readonly [count: number, score: WinnerScore])[];
  readonly networks: number;
  readonly flagged: readonly string[];
}

/** @param folder with ncnn.csv and params/ */
export function zooFidelity(folder: string): ZooFidelity {
  const data = readZoo(folder);
  const byProcessor = (predict: (processor: Processor) => Predictions): Readonly<Record<Processor, Predictions>> => ({
    cpu: predict('cpu'),
    gpu: predict('gpu'),
  });
  const leftOut = byProcessor((processor) => leaveNetworkOut(data, processor));
  const known = byProcessor((processor) => knownElsewhere(data, processor));
  const ways = byProcessor((processor) => twoWay(data, processor));
  const lines = byProcessor((processor) => flopsAndConstant(data, processor));
  const fresh = newChipCounts.map((count) => [count, newChip(data, count, draws, 0)] as const);
  const flagged = [...data.networks.values()].filter((network) => network.flagged).map(({ model }) => model);
  const errors = chipsOf(data).flatMap((chip) =>
    processors.flatMap((processor): ZooError[] => {
      const settings = settingsOf(data, processor).filter((setting) => setting.chip === chip);
      if (settings.length === 0) return [];
      const error = (predictions: readonly Readonly<Record<Processor, Predictions>>[]) =>
        medianError(
          settings,
          predictions.map((each) => each[processor]),
          flagged,
        );
      const [new1, new3, new10] = fresh.map(([, each]) => error(each)) as [number, number, number];
      return [
        {
          chip,
          processor,
          settings: settings.length,
          networks: new Set(settings.flatMap(({ ms }) => [...ms.keys()])).size,
          leftOut: error([leftOut]),
          known: error([known]),
          twoWay: error([ways]),
          flops: error([lines]),
          new1,
          new3,
          new10,
        },
      ];
    }),
  );
  const pairs = pairsOf(data, leftOut);
  const majority = byMajority(pairs);
  return {
    errors,
    times: timesOf(data, leftOut),
    winners: [...new Set(pairs.map(({ chip }) => chip))].map((chip) => {
      const own = pairs.filter((pair) => pair.chip === chip);
      const [predicted, most] = [scoreOf(own, byPrediction), scoreOf(own, majority)];
      return {
        chip,
        pairs: own.length,
        cpuFaster: own.filter(({ measuredMs: [cpu, gpu] }) => cpu <= gpu).length,
        accuracy: predicted.accuracy,
        lost: predicted.lost,
        majorityAccuracy: most.accuracy,
        majorityLost: most.lost,
      };
    }),
    winner: scoreOf(pairs, byPrediction),
    majority: scoreOf(pairs, majority),
    difference: differenceInterval(pairs),
    newWinners: fresh.map(
      ([count, each]) =>
        [
          count,
          scoreOf(
            each.flatMap((one) => pairsOf(data, one)),
            byPrediction,
          ),
        ] as const,
    ),
    networks: data.networks.size - flagged.length,
    flagged,
  };
}

/** Over settings, networks and draws, percent. */
function medianError(
  settings: readonly ZooSetting[],
  draws: readonly Predictions[],
  flagged: readonly string[],
): number | null {
  const errors = draws.flatMap((predicted) =>
    settings.flatMap((setting) =>
      [...predicted.get(setting)!]
        .filter(([model]) => !flagged.includes(model))
        .map(([model, ms]) => 100 * Math.abs(ms / setting.ms.get(model)! - 1)),
    ),
  );
  return errors.length > 0 ? median(errors) : null;
}

function timesOf({ settings, networks }: ZooData, predicted: Readonly<Record<Processor, Predictions>>): ZooTime[] {
  return settings.flatMap((setting) =>
    [...predicted[setting.processor].get(setting)!].map(([network, leftOutMs]) => {
      const measuredMs = setting.ms.get(network)!;
      const { threads, cores, gpu } = setting.about;
      return {
        chip: setting.chip,
        processor: setting.processor,
        setting: setting.processor === 'gpu' ? gpu : `${threads} threads, ${cores} cores`,
        network,
        measuredMs,
        leftOutMs: Number(leftOutMs.toPrecision(6)),
        errorPercent: Number((100 * (leftOutMs / measuredMs - 1)).toFixed(2)),
        flag: networks.get(network)!.flagged ? 'unfitted' : '',
      };
    }),
  );
}
