// The constants of all chips, fitted to all networks: what the package ships as its zoo of devices.
import { join } from 'node:path';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { type PowerRun, readPowerRuns } from '../../../predictor/measurements/mlperf-power.js';
import type { Zoo } from '../../../predictor/profiles/zoo.js';
import { powerRunsFile } from '../fidelity/energy-tables.js';
import { round } from '../fitting/fitted-profile.js';
import { anyBoard, anyComputer, measuredBoard, phone } from '../fitting/power.js';
import { priorOf, rowsOf } from './left-out.js';
import { type Constants, fitConstants } from './shared-prior.js';
import {
  fittedNetworks,
  pairedChips,
  processors,
  readZoo,
  settingsOf,
  type ZooData,
  type ZooSetting,
} from './zoo-data.js';

export const zooSource =
  'github Tencent/ncnn, benchmark/README.md, a4d2ea1 (22 July 2026), BSD-3-Clause: times of whole networks, fp16';

/** Standard normal quantile of 0.975. */
const quantile975 = 1.959963984540054;

/** The factor either way within which 95 % of a constant's posterior lie. */
const within = ({ covariance }: Constants): number[] =>
  covariance.map((row, at) => Number(Math.exp(quantile975 * Math.sqrt(row[at]!)).toPrecision(3)));

/** Modes of a chip come from the fastest to the slowest, so that the first, the default, is the best. */
export function fitZoo(data: ZooData): Omit<Zoo, 'powers'> {
  const networks = fittedNetworks(data);
  const found = new Map(
    processors.flatMap((processor) => {
      const settings = settingsOf(data, processor);
      const prior = priorOf(settings, networks);
      return settings.map((setting) => {
        const rows = rowsOf(setting, networks);
        const fitted = fitConstants(rows, prior);
        const meanMs = fitted.log.reduce((sum, log, at) => sum + Math.exp(log) * meanTerm(data, processor, at), 0);
        return [setting, { rows, fitted, meanMs }] as const;
      });
    }),
  );
  const constantsOf = (setting: ZooSetting) => {
    const { rows, fitted } = found.get(setting)!;
    return {
      networks: rows.ms.length,
      constants: fitted.log.map((log) => round(Math.exp(log))),
      within: within(fitted),
    };
  };
  const fastest = (a: ZooSetting, b: ZooSetting) => found.get(a)!.meanMs - found.get(b)!.meanMs;
  return {
    version: 1,
    source: zooSource,
    chips: pairedChips(data)
      .sort()
      .map((name) => {
        const own = (processor: 'cpu' | 'gpu') =>
          settingsOf(data, processor)
            .filter(({ chip }) => chip === name)
            .sort(fastest);
        const [cpus, gpus] = [own('cpu'), own('gpu')];
        return {
          name,
          cpu: cpus[0]!.about.cpu,
          gpus: gpus.map((setting) => ({
            name: setting.about.gpu,
            class: setting.about.gpuClass,
            ...constantsOf(setting),
          })),
          cpus: cpus.map((setting) => ({
            threads: setting.about.threads,
            cores: setting.about.cores,
            ...constantsOf(setting),
          })),
        };
      }),
  };
}

/** The mean of a term over networks. */
function meanTerm(data: ZooData, processor: 'cpu' | 'gpu', at: number): number {
  const networks = fittedNetworks(data);
  return networks.reduce((sum, { terms }) => sum + terms[processor][at]!, 0) / networks.length;
}

/** The file's text: a line for each setting. */
export function zooText({ chips, ...head }: Zoo): string {
  const lines = chips.map(({ cpus, gpus, ...chip }) => {
    const each = (settings: readonly object[]) =>
      settings.map((setting) => `        ${JSON.stringify(setting)}`).join(',\n');
    const start = JSON.stringify(chip).slice(1, -1);
    return `    {\n      ${start},\n      "gpus": [\n${each(gpus)}\n      ],\n      "cpus": [\n${each(cpus)}\n      ]\n    }`;
  });
  const start = JSON.stringify(head).slice(1, -1);
  return `{\n  ${start},\n  "chips": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

/** Chips whose board, or one with the same processors, was metered at its supply. */
const meteredBoards: Readonly<Record<string, string>> = {
  'jetson-agx-orin': 'jetson-agx-orin',
  rk3588: 'firefly-rk3588s',
};

const inPhones = /^(iphone|snapdragon-\d|dimensity)/;

/**
 * The zoo with power: of chips that were metered their own, of others what a phone can shed, what all metered boards span, or
 * what a computer with a card of its own may draw.
 * @throws InputError when the runs lack a metered chip
 */
export function withPower({ chips, ...zoo }: Omit<Zoo, 'powers'>, runs: readonly PowerRun[]): Zoo {
  const metered = Object.values(meteredBoards).map((board) => [board, measuredBoard(board, runs, ['every'])]);
  const powerOf = ({ name, gpus }: Zoo['chips'][number]): string => {
    const ownGpu = gpus.every((gpu) => gpu.class === 'integrated');
    return meteredBoards[name] ?? (inPhones.test(name) ? 'phone' : ownGpu ? 'board' : 'computer');
  };
  return {
    ...zoo,
    powers: { ...Object.fromEntries(metered), phone: phone(['large']), board: anyBoard(runs), computer: anyComputer() },
    chips: chips.map((chip) => ({ ...chip, power: powerOf(chip) })),
  };
}

/**
 * Fits the zoo to `ncnn/` and `energy/` in the folder of published measurements and writes `ncnn.json` to `out`.
 * @throws InputError when a file cannot be read
 */
export function writeZoo(folder: string, out: string): string {
  const path = join(out, 'ncnn.json');
  const runs = readPowerRuns(join(folder, powerRunsFile));
  writeFileAtomic(path, zooText(withPower(fitZoo(readZoo(join(folder, 'ncnn'))), runs)));
  return path;
}
