// Six phones, GPU and sets of CPU cores, from the times of 80 whole networks by TensorFlow Lite; what they consist of, the table of
// their operators says. A mode of these profiles is a set of cores. Operators were timed on the GPU alone, so the CPU's constants are
// of whole networks. Grouped convolutions, which no class of units separates from others, run many times slower on the CPU (TensorFlow
// Lite splits them): networks that have them are not fitted to.
import { join } from 'node:path';
import { parseQuantity } from '../../../base/units/quantity.js';
import { phoneUnitClasses } from '../../../predictor/features/phone-units.js';
import { type Phone, readPhoneNetworks, readPhoneOperators } from '../../../predictor/measurements/phones.js';
import type { Prior, ProfileFile, Sourced } from '../../../predictor/profiles/profile-schema.js';
import { foldsByModel } from '../fidelity/held-out.js';
import { foldCount } from '../fidelity/predictor-fidelity.js';
import { type Fit, fitted, type Residual, residual, round } from './fitted-profile.js';
import { type Costs, costOf, fitCosts, type WorkSample, workByModel } from './phone-costs.js';
import { fitPhoneGpu } from './phone-gpu.js';

/** The phones by the names of their profiles. */
export const phoneProfiles = {
  'pixel-4': 'pixel4',
  'galaxy-s10': 's10',
  'mi-8-se': 'mi8se',
  'galaxy-a03s': 'a03s',
  'iphone-7': 'iphone7',
  'iphone-xs': 'iphonexs',
} as const satisfies Readonly<Record<string, Phone>>;

const precision = 'fp16';

/** CoDL (MobiSys 2022), Snapdragon 855: mapping and synchronisation of one tensor to the CPU and to the GPU, ms. */
const crossingMs = [0.13, 0.92] as const;
const crossingPrior: Prior = {
  distribution: 'log-normal',
  factor: 3,
  source: 'the sum alone is fitted: its parts, and what else a network costs once, are not known',
};

/** @throws InputError when a published table cannot be read */
export function fitPhone(name: keyof typeof phoneProfiles, folder: string, file: ProfileFile): Fit {
  const phone = phoneProfiles[name];
  const data = `github qed-usc/mobile-ml-benchmark, TensorFlow Lite on ${phoneName(file)}`;
  const operators = readPhoneOperators(join(folder, 'phones', 'tflite_cnn_ops_gpu.csv'));
  const works = workByModel(operators);
  const networks = readPhoneNetworks(join(folder, 'phones', 'tflite_cnn_e2e.csv')).filter(
    (network) => network.phone === phone && network.precision === 'float' && works.has(network.model),
  );
  const samplesOf = (all: typeof networks): WorkSample[] =>
    all.map(({ model, meanMs }) => ({ work: works.get(model)!, ms: meanMs }));
  const residuals: Residual[] = [];
  const compare = (quantity: string, mode: string, model: string, measuredMs: number, ms: number) =>
    residuals.push(residual({ profile: name, mode, precision, quantity, model }, measuredMs, ms));

  const numbers: Record<string, Sourced[]> = {};
  const add = (number: string, sourced: Sourced) => (numbers[number] = [...(numbers[number] ?? []), sourced]);
  const rates = (device: 0 | 1, costs: Costs, when: { readonly mode?: string }, source: string) => {
    add(`device${device}.compute`, fitted(1e-6 / costs.conv, 'GFLOP/s', when, `${source}; dense convolutions`));
    // A rate whose cost the data cannot separate from zero takes the ceiling.
    add(`device${device}.efficiency.depthwise-conv`, fitted(costs.conv / costs.depthwise, '', when, source));
  };

  const onGpu = networks.filter(({ processor }) => processor === 'gpu');
  const gpuSource = `${data}, GPU, fp16: least squares on ${onGpu.length} whole networks`;
  const { kinds, predictor, time, leftOut } = fitPhoneGpu(phone, operators, onGpu);
  const gpu = fitCosts(samplesOf(onGpu), time);
  rates(1, gpu, {}, gpuSource);
  add(
    'device1.bandwidth',
    fitted(
      1e-6 / gpu.bytes,
      'GB/s',
      {},
      `${gpuSource}; of pools, concatenations and matrix products, tensors counted in half precision`,
    ),
  );
  add(
    'device1.launch',
    fitted(1000 * time.msPerPart, 'us', {}, `${gpuSource}: what they take beyond their operators, for each operator`),
  );
  const [back, there] = crossingMs;
  for (const to of [0, 1] as const)
    add(`transfer${to}.latency`, {
      value: `${round((1000 * time.fixedMs * crossingMs[to]) / (back + there))} us`,
      source: `${gpuSource}: ${round(time.fixedMs)} ms of each whatever is in it, taken as the crossings of its input and output; their parts are as CoDL (Jia et al., MobiSys 2022) measured on a Snapdragon 855, ${there} ms to the GPU and ${back} ms back`,
      kind: 'derived',
      prior: crossingPrior,
    });
  for (const { model, meanMs } of onGpu)
    compare('network on the GPU, constants', 'every', model, meanMs, time.fixedMs + costOf(works.get(model)!, gpu));
  for (const kind of kinds) {
    const quantity = `network on the GPU, left out${kind === kinds[0] ? '' : `, by ${kind}`}`;
    for (const row of leftOut)
      if (row.kind === kind) compare(quantity, 'every', row.model, row.measuredMs, row.predictedMs);
  }

  const bandwidth = file.devices[0].bandwidth[0]!.value;
  const msPerByte = 1 / parseQuantity(bandwidth, 'bytesPerMs', `profile ${name}: device0.bandwidth`);
  const groupedModels = new Set(
    operators.filter(({ operation }) => operation === 'CONV_2D_GROUP').map(({ model }) => model),
  );
  const folds = foldsByModel([...works.keys()], foldCount, 0);
  for (const mode of file.axes.mode) {
    const onCores = networks.filter(({ processor }) => processor === mode);
    const plain = onCores.filter(({ model }) => !groupedModels.has(model));
    const costs = fitCosts(samplesOf(plain), { msPerByte });
    const source = `${data}, ${mode} cores, fp32: least squares on ${plain.length} whole networks without grouped convolutions`;
    rates(0, costs, { mode }, source);
    add('device0.launch', fitted(1000 * costs.operators, 'us', { mode }, `${source}; of one operator`));
    for (const { model, meanMs } of plain) {
      const others = plain.filter((other) => folds.get(other.model) !== folds.get(model));
      const without = fitCosts(samplesOf(others), { msPerByte });
      compare('network on the CPU, left out', mode, model, meanMs, costOf(works.get(model)!, without));
    }
    for (const { model, meanMs } of onCores)
      if (groupedModels.has(model))
        compare('network on the CPU, grouped convolutions', mode, model, meanMs, costOf(works.get(model)!, costs));
  }
  const source = `${data}, GPU, fp16: ${kinds[0]} fitted to ${operators.length} operators of ${works.size} networks; of ${kinds.join(', ')} it has the least error on networks left out`;
  const predictors = [
    { device: 1 as const, classes: [...phoneUnitClasses], source, kind: 'fitted' as const, predictor },
  ];
  return { numbers, predictors, residuals };
}

/** The description begins with it. */
const phoneName = ({ description }: ProfileFile): string => description.split(',')[0]!;
