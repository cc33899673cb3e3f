// Public data sets with which predictors are compared: samples with the model of each, and times of whole networks where those were
// measured too. `folder` is laid out as docs/predictors.md says.
import { join } from 'node:path';
import { phoneFeatureRow, phoneFeatures, phoneGpu } from '../../../predictor/features/phone-features.js';
import { subgraphFeatureRows, subgraphFeatures } from '../../../predictor/features/subgraph-features.js';
import { type Samples, samplesOf } from '../../../predictor/latency/samples.js';
import { type OrinSubgraph, readOrinSubgraphTable } from '../../../predictor/measurements/orin-subgraphs.js';
import { phones, readPhoneNetworks, readPhoneOperators } from '../../../predictor/measurements/phones.js';

export interface PredictorData {
  readonly dataset: 'phones' | 'jetson-agx-orin';
  /** `pixel4`, or a power mode: `maxn`. */
  readonly device: string;
  readonly samples: Samples;
  /** [rows] Model of each row. */
  readonly models: readonly string[];
  /** Measured time of whole networks by model, ms; null where only their parts were measured. */
  readonly networkMs: ReadonlyMap<string, number> | null;
}

/** One set for each of six phones: GPU, fp16, batch 1. */
export function phoneData(folder: string): PredictorData[] {
  const operators = readPhoneOperators(join(folder, 'phones', 'tflite_cnn_ops_gpu.csv'));
  const networks = readPhoneNetworks(join(folder, 'phones', 'tflite_cnn_e2e.csv'));
  return phones.map((phone) => ({
    dataset: 'phones',
    device: phone,
    samples: samplesOf(
      phoneFeatures,
      operators.map((operator) => ({
        x: phoneFeatureRow(operator, phoneGpu[phone]),
        latencyMs: operator.gpuMs[phone],
      })),
    ),
    models: operators.map(({ model }) => model),
    networkMs: new Map(
      networks
        .filter((network) => network.phone === phone && network.processor === 'gpu')
        .map(({ model, meanMs }) => [model, meanMs]),
    ),
  }));
}

/** One set for each power mode of a Jetson AGX Orin: GPU, fp32, batch 1, of the steadier of two campaigns. */
export function orinData(folder: string): PredictorData[] {
  const rows = readOrinSubgraphTable(join(folder, 'jetson', 'agx_orin_gpu_subgraphs.csv')).filter(
    ({ campaign, precision, batch }) => campaign.startsWith('jetson_orin_agx_') && precision === 'fp32' && batch === 1,
  );
  return (['15w', '30w', '50w', 'maxn'] as const).map((mode) => {
    const models = new Map<string, OrinSubgraph[]>();
    for (const row of rows) if (row.powerMode === mode) models.set(row.model, [...(models.get(row.model) ?? []), row]);
    const ordered = [...models.values()].map((model) => model.sort((a, b) => a.subgraph - b.subgraph));
    const features = ordered.flatMap(subgraphFeatureRows);
    const flat = ordered.flat();
    return {
      dataset: 'jetson-agx-orin',
      device: mode,
      samples: samplesOf(
        subgraphFeatures,
        flat.map(({ meanMs }, at) => ({ x: features[at]!, latencyMs: meanMs })),
      ),
      models: flat.map(({ model }) => model),
      networkMs: null,
    };
  });
}
