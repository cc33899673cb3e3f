// A phone's GPU: which kind of predictor knows the units of networks left out best, and what a network takes beyond its units: a time
// of its own, in which its input and output cross between the processors, a dispatch of each unit, and a part of their time.
import { median } from '../../../base/statistics/quantile.js';
import { phoneUnitRow } from '../../../predictor/features/phone-units.js';
import { operatorFeatures } from '../../../predictor/features/unit-features.js';
import { type BoostedTreesFile, fitBoostedTrees } from '../../../predictor/latency/boosted-trees.js';
import type { LatencyPredictor } from '../../../predictor/latency/latency-predictor.js';
import { type PredictorKind, predictorFits } from '../../../predictor/latency/predictor.js';
import { type Samples, samplesOf } from '../../../predictor/latency/samples.js';
import type { Phone, PhoneNetworkTime, PhoneOperator } from '../../../predictor/measurements/phones.js';
import { foldsByModel, predictHeldOut, sumByModel } from '../fidelity/held-out.js';
import { fitNetworkTime, type NetworkParts, type NetworkTime, networkMs } from '../fidelity/network-time.js';
import { foldCount } from '../fidelity/predictor-fidelity.js';

/** Small enough to lie in a profile; more and deeper trees know single operators better, and networks no better. */
const treeOptions = { trees: 100, depth: 4 } as const;

const fits: Readonly<Record<PredictorKind, (samples: Samples) => LatencyPredictor>> = {
  ...predictorFits,
  'boosted-trees': (samples) => fitBoostedTrees(samples, treeOptions),
};

/** A measured network, predicted by what was fitted without it. */
export interface LeftOut {
  readonly kind: PredictorKind;
  readonly model: string;
  readonly measuredMs: number;
  readonly predictedMs: number;
}

export interface PhoneGpu {
  /** The kind that has the least median error on networks left out, then the others. */
  readonly kinds: readonly PredictorKind[];
  /** Of that kind, fitted to all; a unit's part in its network's time, without dispatch. */
  readonly predictor: unknown;
  readonly time: NetworkTime;
  readonly leftOut: readonly LeftOut[];
}

export function fitPhoneGpu(
  phone: Phone,
  operators: readonly PhoneOperator[],
  networks: readonly PhoneNetworkTime[],
): PhoneGpu {
  const models = operators.map(({ model }) => model);
  const samples = samplesOf(
    operatorFeatures,
    operators.map((operator) => ({ x: phoneUnitRow(operator), latencyMs: operator.gpuMs[phone] })),
  );
  const counts = sumByModel(models, new Uint8Array(models.length).fill(1));
  const measured = sumByModel(models, samples.latencyMs);
  const partsOf = (model: string, sums: ReadonlyMap<string, number>): NetworkParts => ({
    parts: counts.get(model)!,
    sumMs: sums.get(model)!,
  });
  const timeOf = (of: readonly PhoneNetworkTime[]) =>
    fitNetworkTime(of.map(({ model, meanMs }) => ({ ...partsOf(model, measured), networkMs: meanMs })));

  const folds = foldsByModel(models, foldCount, 0);
  const leftOut = (Object.keys(fits) as PredictorKind[]).flatMap((kind) => {
    const sums = sumByModel(models, predictHeldOut(samples, models, folds, fits[kind]));
    return networks.map(({ model, meanMs }): LeftOut => {
      const time = timeOf(networks.filter((other) => folds.get(other.model) !== folds.get(model)));
      return { kind, model, measuredMs: meanMs, predictedMs: networkMs(time, partsOf(model, sums)) };
    });
  });
  const error = (kind: PredictorKind) =>
    median(
      leftOut
        .filter((row) => row.kind === kind)
        .map(({ measuredMs, predictedMs }) => Math.abs(predictedMs / measuredMs - 1)),
    );
  const kinds = (Object.keys(fits) as PredictorKind[]).toSorted((a, b) => error(a) - error(b));
  const time = timeOf(networks);
  const scaled = { ...samples, latencyMs: samples.latencyMs.map((ms) => time.factor * ms) };
  return { kinds, predictor: compact(fits[kinds[0]!](scaled).toJSON()), time, leftOut };
}

/** Trees with the digits that matter: a threshold separates sizes, and a leaf adds a part of a logarithm. */
function compact(file: unknown): unknown {
  if ((file as { kind: string }).kind !== 'boosted-trees') return file;
  const trees = file as BoostedTreesFile;
  const digits = (values: readonly number[], precision: number) =>
    values.map((value) => Number(value.toPrecision(precision)));
  return { ...trees, threshold: digits(trees.threshold, 7), value: digits(trees.value, 3) };
}
