// How well times of networks and chips that were left out are predicted: by the constants of each setting, by a two-way model, and
// by a line in FLOPs. Everything that is fitted, the shared prior included, is fitted without what is predicted.
import { Rng } from '../../../base/random/rng.js';
import { median } from '../../../base/statistics/quantile.js';
import { nonNegativeLeastSquares } from '../../../predictor/latency/least-squares.js';
import { fitConstants, fitPrior, predictedMs, type Rows, type SharedPrior } from './shared-prior.js';
import {
  chipsOf,
  fittedNetworks,
  type Processor,
  settingsOf,
  type ZooData,
  type ZooNetwork,
  type ZooSetting,
} from './zoo-data.js';

/** Predicted times by setting and network, ms. */
export type Predictions = ReadonlyMap<ZooSetting, ReadonlyMap<string, number>>;

const firstRounds = 20;
/** From a prior that lacks one network or chip. */
const laterRounds = 4;

/** Times of some networks in one setting. */
export function rowsOf(setting: ZooSetting, networks: readonly ZooNetwork[]): Rows {
  const measured = networks.filter(({ model }) => setting.ms.has(model));
  return {
    terms: measured.map(({ terms }) => terms[setting.processor]),
    ms: measured.map(({ model }) => setting.ms.get(model)!),
  };
}

/** The prior of all settings of one processor. @param start where it is known what it is near to */
export function priorOf(
  settings: readonly ZooSetting[],
  networks: readonly ZooNetwork[],
  start?: SharedPrior,
): SharedPrior {
  const rows = settings.map((setting) => rowsOf(setting, networks)).filter(({ ms }) => ms.length > 0);
  return fitPrior(rows, start ? laterRounds : firstRounds, start);
}

/** Each network by what was fitted without it, on every chip; flagged ones by what was fitted to all others. */
export function leaveNetworkOut(data: ZooData, processor: Processor): Predictions {
  const settings = settingsOf(data, processor);
  const networks = fittedNetworks(data);
  const whole = priorOf(settings, networks);
  const found = new Map(settings.map((setting) => [setting, new Map<string, number>()]));
  for (const left of data.networks.values()) {
    const others = networks.filter((network) => network !== left);
    const prior = left.flagged ? whole : priorOf(settings, others, whole);
    for (const setting of settings)
      if (setting.ms.has(left.model))
        found
          .get(setting)!
          .set(left.model, predictedMs(fitConstants(rowsOf(setting, others), prior).log, left.terms[processor]));
  }
  return found;
}

/**
 * Networks that were measured on other chips: constants without the network on this chip, times what the other chips take longer
 * or shorter for it than their constants say, the mean of logarithms over chips.
 */
export function knownElsewhere(data: ZooData, processor: Processor): Predictions {
  const settings = settingsOf(data, processor);
  const networks = fittedNetworks(data);
  const prior = priorOf(settings, networks);
  const excess = new Map(
    settings.map((setting) => {
      const { log } = fitConstants(rowsOf(setting, networks), prior);
      return [setting, new Map(networks.map((network) => [network.model, logRatio(setting, network, log)]))] as const;
    }),
  );
  return new Map(
    settings.map((setting) => {
      const elsewhere = new Map(
        networks.map(({ model }) => {
          const others = settings.filter(({ chip, ms }) => chip !== setting.chip && ms.has(model));
          const chips = [...new Set(others.map(({ chip }) => chip))];
          const excessOf = (chip: string) =>
            mean(others.filter((other) => other.chip === chip).map((other) => excess.get(other)!.get(model)!));
          return [model, mean(chips.map(excessOf))] as const;
        }),
      );
      const predicted = networks
        .filter(({ model }) => setting.ms.has(model) && !Number.isNaN(elsewhere.get(model)!))
        .map((left) => {
          const others = networks.filter((network) => network !== left);
          const rows = rowsOf(setting, others);
          const factors = others
            .filter(({ model }) => setting.ms.has(model))
            .map(({ model }) => Math.exp(elsewhere.get(model)! || 0));
          const { log } = fitConstants({ ...rows, ms: rows.ms.map((ms, at) => ms / factors[at]!) }, prior);
          const ms = Math.exp(elsewhere.get(left.model)!) * predictedMs(log, left.terms[processor]);
          return [left.model, ms] as const;
        });
      return [setting, new Map(predicted)] as const;
    }),
  );
}

function logRatio({ processor, ms }: ZooSetting, { model, terms }: ZooNetwork, log: readonly number[]): number {
  return Math.log((ms.get(model) ?? Number.NaN) / predictedMs(log, terms[processor]));
}

/** log time = effect of the setting + effect of the network, by medians in turns, without this network on this chip. */
export function twoWay(data: ZooData, processor: Processor): Predictions {
  const settings = settingsOf(data, processor);
  const networks = fittedNetworks(data);
  const found = new Map(settings.map((setting) => [setting, new Map<string, number>()]));
  for (const chip of chipsOf(data))
    for (const left of networks) {
      const known = (setting: ZooSetting, model: string) =>
        setting.chip === chip && model === left.model ? undefined : setting.ms.get(model);
      const ofSetting = new Map(settings.map((setting) => [setting, 0]));
      const ofNetwork = new Map(networks.map(({ model }) => [model, 0]));
      for (let round = 0; round < 10; round++) {
        for (const setting of settings)
          ofSetting.set(
            setting,
            middle(networks.map(({ model }) => Math.log(known(setting, model)!) - ofNetwork.get(model)!)),
          );
        for (const { model } of networks)
          ofNetwork.set(
            model,
            middle(settings.map((setting) => Math.log(known(setting, model)!) - ofSetting.get(setting)!)),
          );
      }
      for (const setting of settings)
        if (setting.chip === chip && setting.ms.has(left.model))
          found.get(setting)!.set(left.model, Math.exp(ofSetting.get(setting)! + ofNetwork.get(left.model)!));
    }
  return found;
}

/** A constant and a slope in multiply-accumulates for each setting, fitted to its other networks. */
export function flopsAndConstant(data: ZooData, processor: Processor): Predictions {
  const networks = fittedNetworks(data);
  return new Map(
    settingsOf(data, processor).map((setting) => {
      const measured = networks.filter(({ model }) => setting.ms.has(model));
      const predicted = measured.map((left) => {
        const others = measured.filter((network) => network !== left);
        const relative = (value: (network: ZooNetwork) => number) =>
          Float64Array.from(others, (network) => value(network) / setting.ms.get(network.model)!);
        const columns = [relative(() => 1), relative(({ macs }) => macs)];
        const [constant, slope] = nonNegativeLeastSquares(columns, new Float64Array(others.length).fill(1));
        return [left.model, constant! + slope! * left.macs] as const;
      });
      return [setting, new Map(predicted)] as const;
    }),
  );
}

/** Chips that nobody measured but for `count` of their networks, drawn `draws` times: the prior is that of the other chips. */
export function newChip(
  data: ZooData,
  count: number,
  draws: number,
  seed: number,
): Readonly<Record<Processor, Predictions>>[] {
  const networks = fittedNetworks(data);
  const priors = { cpu: priorsWithout(data, 'cpu'), gpu: priorsWithout(data, 'gpu') };
  return Array.from({ length: draws }, (_, draw) => {
    const own = new Map(
      chipsOf(data).map((chip) => {
        const own = data.settings.filter((setting) => setting.chip === chip);
        const measured = networks.filter(({ model }) => own.some(({ ms }) => ms.has(model)));
        return [chip, Rng.of(seed, 'zoo', 'new chip', chip, draw).shuffle(measured).slice(0, count)] as const;
      }),
    );
    const predict = (processor: Processor): Predictions =>
      new Map(
        settingsOf(data, processor).map((setting) => {
          const known = own.get(setting.chip)!;
          const { log } = fitConstants(rowsOf(setting, known), priors[processor].get(setting.chip)!);
          const others = networks.filter((network) => setting.ms.has(network.model) && !known.includes(network));
          return [setting, new Map(others.map(({ model, terms }) => [model, predictedMs(log, terms[processor])]))];
        }),
      );
    return { cpu: predict('cpu'), gpu: predict('gpu') };
  });
}

/** By chip, the prior of all other chips; of all where there is no other. */
function priorsWithout(data: ZooData, processor: Processor): Map<string, SharedPrior> {
  const settings = settingsOf(data, processor);
  const networks = fittedNetworks(data);
  const whole = priorOf(settings, networks);
  return new Map(
    chipsOf(data).map((chip) => {
      const others = settings.filter((setting) => setting.chip !== chip);
      return [chip, others.length > 0 ? priorOf(others, networks, whole) : whole];
    }),
  );
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The median of what is known; 0 of nothing. */
function middle(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length > 0 ? median(known) : 0;
}
