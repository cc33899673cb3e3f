// ncnn's benchmark as the fit sees it: networks as sums of terms, and settings (a chip's processor at one number of threads) with
// the time of each network.
import { InputError } from '../../../base/errors/input-error.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { readNcnn } from '../../../models/ncnn/import.js';
import { unitFeatureRows, unitFeatures } from '../../../predictor/features/unit-features.js';
import { deviceTerms, layerTerm } from '../../../predictor/latency/layer-terms.js';
import { type NcnnTime, readNcnnNetworks, readNcnnTimes } from '../../../predictor/measurements/ncnn.js';
import { mostUnfitted, unfittedShare } from '../../../predictor/profiles/unfitted.js';
import { fittedClasses } from '../../../predictor/profiles/zoo.js';

export const processors = ['cpu', 'gpu'] as const;
export type Processor = (typeof processors)[number];

export interface ZooNetwork {
  readonly model: string;
  readonly terms: Readonly<Record<Processor, readonly number[]>>;
  readonly macs: number;
  /** Whether much of its work is of classes that are not fitted: its times are predicted, and not fitted to. */
  readonly flagged: boolean;
}

/** A GPU, or a CPU with a number of threads on one kind of its cores. */
export interface ZooSetting {
  readonly chip: string;
  readonly processor: Processor;
  readonly about: Pick<NcnnTime, 'cpu' | 'gpu' | 'gpuClass' | 'threads' | 'cores'>;
  /** By network, ms. */
  readonly ms: ReadonlyMap<string, number>;
}

export interface ZooData {
  readonly networks: ReadonlyMap<string, ZooNetwork>;
  readonly settings: readonly ZooSetting[];
}

/**
 * Float networks, and the chips that ran some of them. A GPU's campaigns are one setting, with the least mean of each network: they
 * differ in what the CPU did.
 * @param folder with ncnn.csv and params/
 */
export function readZoo(folder: string): ZooData {
  const networks = new Map<string, ZooNetwork>();
  for (const { model, path, inputShape } of readNcnnNetworks(folder))
    if (!isInt8(model)) networks.set(model, networkOf(model, readNcnn(path, {}, inputShape).analysis.operator));
  const settings = new Map<string, ZooSetting & { readonly ms: Map<string, number> }>();
  for (const { chip, processor, model, meanMs, ...about } of readNcnnTimes(folder)) {
    if (!networks.has(model)) continue;
    const key = [chip, processor, ...(processor === 'gpu' ? [about.gpu] : [about.threads, about.cores])].join('\n');
    const setting = settings.get(key) ?? { chip, processor, about, ms: new Map() };
    setting.ms.set(model, Math.min(meanMs, setting.ms.get(model) ?? Number.POSITIVE_INFINITY));
    settings.set(key, setting);
  }
  const data = { networks, settings: [...settings.values()] };
  if (pairedChips(data).length === 0)
    throw new InputError(
      `${folder}: no chip has times of CPU and GPU on a network of params/.`,
      'Give the published files.',
    );
  return data;
}

const isInt8 = (model: string): boolean => model.endsWith('_int8');

function networkOf(model: string, graph: OperatorGraph): ZooNetwork {
  const rows = unitFeatureRows(graph);
  const sum = (term: Parameters<typeof layerTerm>[0]) =>
    graph.units.reduce((total, { id }) => total + layerTerm(term, rows, id * unitFeatures.length), 0);
  return {
    model,
    terms: { cpu: deviceTerms.cpu.map(sum), gpu: deviceTerms.gpu.map(sum) },
    macs: graph.units.reduce((total, { macs }) => total + macs, 0),
    flagged: unfittedShare(graph, fittedClasses) > mostUnfitted,
  };
}

export const settingsOf = ({ settings }: ZooData, processor: Processor): ZooSetting[] =>
  settings.filter((setting) => setting.processor === processor);

export const chipsOf = ({ settings }: ZooData): string[] => [...new Set(settings.map(({ chip }) => chip))];

/** Chips with both processors. */
export const pairedChips = (data: ZooData): string[] =>
  chipsOf(data).filter((chip) =>
    processors.every((processor) => settingsOf(data, processor).some((setting) => setting.chip === chip)),
  );

/** Networks that are fitted to. */
export const fittedNetworks = ({ networks }: ZooData): ZooNetwork[] =>
  [...networks.values()].filter(({ flagged }) => !flagged);
