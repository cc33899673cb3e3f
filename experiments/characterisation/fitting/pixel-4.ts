// Pixel 4 (Snapdragon 855), GPU and sets of CPU cores, from the times of 80 whole networks by TensorFlow Lite; what they consist
// of, the table of their operators says. A mode of this profile is a set of cores. Whole networks determine what a launch costs, the
// rates of dense and depthwise convolutions, and on the GPU the memory's. Grouped convolutions, which no class of units separates from
// others, run many times slower on the CPU (TensorFlow Lite splits them): networks that have them are not fitted to.
import { join } from 'node:path';
import { parseQuantity } from '../../../base/units/quantity.js';
import { phoneUnitClasses, phoneUnitRow } from '../../../predictor/features/phone-units.js';
import { operatorFeatures } from '../../../predictor/features/unit-features.js';
import { fitBoostedTrees } from '../../../predictor/latency/boosted-trees.js';
import { nonNegativeLeastSquares } from '../../../predictor/latency/least-squares.js';
import { type Samples, samplesOf as samplesFrom } from '../../../predictor/latency/samples.js';
import {
  type PhoneNetworkTime,
  type PhoneOperator,
  type phones,
  readPhoneNetworks,
  readPhoneOperators,
} from '../../../predictor/measurements/phones.js';
import type { ProfileFile, Sourced } from '../../../predictor/profiles/profile-schema.js';
import { foldsByModel, predictHeldOut, sumByModel } from '../fidelity/held-out.js';
import { foldCount } from '../fidelity/predictor-fidelity.js';
import { type Fit, fitted, type Residual, residual } from './fitted-profile.js';

const profile = 'pixel-4';
const phone: (typeof phones)[number] = 'pixel4';
const precision = 'fp16';
const data = 'github qed-usc/mobile-ml-benchmark, TensorFlow Lite on Pixel 4';
/** An operator in half precision, on the GPU and, in its storage, in this profile. */
const bytesPerElement = 2;

/** Work of one operator, or of a network, by what it costs. */
interface Work {
  readonly operators: number;
  readonly conv: number;
  readonly depthwise: number;
  /** Of operators that memory bounds: those without arithmetic, and matrix products, which read each weight for one image. */
  readonly bytes: number;
}

function workOf({ operation, flops, inputSize, inputChannels, outputSize, outputChannels }: PhoneOperator): Work {
  const none: Work = { operators: 1, conv: 0, depthwise: 0, bytes: 0 };
  switch (operation) {
    case 'CONV_2D':
    case 'CONV_2D_GROUP':
      return { ...none, conv: flops };
    case 'DEPTHWISE_CONV_2D':
      return { ...none, depthwise: flops };
    case 'FULLY_CONNECTED':
      return { ...none, bytes: bytesPerElement * (flops / 2) };
    case 'MAX_POOL_2D':
    case 'AVERAGE_POOL_2D':
    case 'MEAN':
    case 'CONCATENATION': {
      const output = outputSize ** 2 * outputChannels;
      // All that a concatenation joins is as large as what it writes.
      const input = operation === 'CONCATENATION' ? output : inputSize ** 2 * inputChannels;
      return { ...none, bytes: bytesPerElement * (input + output) };
    }
    default:
      return operation satisfies never;
  }
}

const parts = ['operators', 'conv', 'depthwise', 'bytes'] as const;
type Costs = Readonly<Record<(typeof parts)[number], number>>;

interface Sample {
  readonly work: Work;
  readonly ms: number;
}

/**
 * ms of each operator, FLOP and byte, by non-negative least squares on relative errors of whole networks. `msPerByte` is given where
 * the networks do not determine it. Where depthwise convolutions come out faster a FLOP than dense ones, which no processor makes them,
 * both get one rate.
 */
function fitCosts(samples: readonly Sample[], msPerByte?: number): Costs {
  const solve = (columns: readonly ((work: Work) => number)[]) =>
    nonNegativeLeastSquares(
      columns.map((column) => Float64Array.from(samples, ({ work, ms }) => column(work) / ms)),
      Float64Array.from(samples, ({ work, ms }) => 1 - (work.bytes * (msPerByte ?? 0)) / ms),
    );
  const memory = msPerByte === undefined ? [(work: Work) => work.bytes] : [];
  const [operators, conv, depthwise, bytes = msPerByte!] = solve([
    (work) => work.operators,
    (work) => work.conv,
    (work) => work.depthwise,
    ...memory,
  ]) as [number, number, number, number?];
  if (depthwise >= conv) return { operators, conv, depthwise, bytes };
  const [fixed, flop, byte = msPerByte!] = solve([
    (work) => work.operators,
    (work) => work.conv + work.depthwise,
    ...memory,
  ]) as [number, number, number?];
  return { operators: fixed, conv: flop, depthwise: flop, bytes: byte };
}

const costOf = (work: Work, costs: Costs) => parts.reduce((sum, part) => sum + work[part] * costs[part], 0);

/** Small enough to lie in a profile; more and deeper trees know single operators better, and networks no better. */
const treeOptions = { trees: 100, depth: 4 } as const;

/**
 * The GPU's units by trees on features that any graph has. A network takes more than its operators, by a part of their time and a
 * dispatch of each: the trees predict the first, the profile's launch is the second. Networks left out are predicted by what was fitted
 * without them, dispatch included.
 */
function fitGpuUnits(operators: readonly PhoneOperator[], networks: readonly PhoneNetworkTime[]) {
  const models = operators.map(({ model }) => model);
  const samples = samplesFrom(
    operatorFeatures,
    operators.map((operator) => ({ x: phoneUnitRow(operator), latencyMs: operator.gpuMs[phone] })),
  );
  const [sums, counts] = [samples.latencyMs, new Float64Array(models.length).fill(1)].map((values) =>
    sumByModel(models, values),
  ) as [Map<string, number>, Map<string, number>];
  const dispatch = (of: readonly PhoneNetworkTime[]) => {
    const column = (values: ReadonlyMap<string, number>) =>
      Float64Array.from(of, ({ model, meanMs }) => values.get(model)! / meanMs);
    const ones = new Float64Array(of.length).fill(1);
    const [dispatchMs, factor] = nonNegativeLeastSquares([column(counts), column(sums)], ones) as [number, number];
    return { dispatchMs, factor };
  };
  const learn = (from: Samples) => fitBoostedTrees(from, treeOptions);
  const folds = foldsByModel(models, foldCount, 0);
  const predicted = sumByModel(models, predictHeldOut(samples, models, folds, learn));
  const heldOut = networks.map(({ model, meanMs }) => {
    const { dispatchMs, factor } = dispatch(networks.filter((other) => folds.get(other.model) !== folds.get(model)));
    return {
      model,
      measuredMs: meanMs,
      predictedMs: dispatchMs * counts.get(model)! + factor * predicted.get(model)!,
    };
  });
  const { dispatchMs, factor } = dispatch(networks);
  const scaled = { ...samples, latencyMs: samples.latencyMs.map((ms) => factor * ms) };
  return { predictor: learn(scaled).toJSON(), dispatchMs, heldOut };
}

/** @throws InputError when a published table cannot be read */
export function fitPixel4(folder: string, file: ProfileFile): Fit {
  const operators = readPhoneOperators(join(folder, 'phones', 'tflite_cnn_ops_gpu.csv'));
  const networks = readPhoneNetworks(join(folder, 'phones', 'tflite_cnn_e2e.csv')).filter(
    (network) => network.phone === phone && network.precision === 'float',
  );
  const byModel = new Map<string, PhoneOperator[]>();
  for (const operator of operators) byModel.set(operator.model, [...(byModel.get(operator.model) ?? []), operator]);
  const workOfModel = new Map(
    [...byModel].map(([model, own]) => {
      const works = own.map(workOf);
      const sum = (part: keyof Work) => works.reduce((total, work) => total + work[part], 0);
      return [model, Object.fromEntries(parts.map((part) => [part, sum(part)])) as unknown as Work];
    }),
  );
  const residuals: Residual[] = [];
  const compare = (quantity: string, mode: string, all: typeof networks, costs: Costs) => {
    for (const { model, meanMs } of all)
      residuals.push(
        residual({ profile, mode, precision, quantity, model }, meanMs, costOf(workOfModel.get(model)!, costs)),
      );
  };
  const samplesOf = (all: typeof networks) =>
    all.map(({ model, meanMs }) => ({ work: workOfModel.get(model)!, ms: meanMs }));

  const numbers: Record<string, Sourced[]> = {};
  const add = (name: string, sourced: Sourced) => (numbers[name] = [...(numbers[name] ?? []), sourced]);
  const rates = (device: 0 | 1, costs: Costs, when: { readonly mode?: string }, source: string) => {
    add(`device${device}.compute`, fitted(1e-6 / costs.conv, 'GFLOP/s', when, `${source}; dense convolutions`));
    // A rate whose cost the data cannot separate from zero takes the ceiling.
    add(`device${device}.efficiency.depthwise-conv`, fitted(costs.conv / costs.depthwise, '', when, source));
  };
  const onGpu = networks.filter(({ processor, model }) => processor === 'gpu' && workOfModel.has(model));
  const gpu = fitCosts(samplesOf(onGpu));
  const gpuSource = `${data}, GPU, fp16: least squares on ${onGpu.length} whole networks`;
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
  const { predictor, dispatchMs, heldOut } = fitGpuUnits(operators, onGpu);
  const treeSource = `${data}, GPU, fp16: boosted trees fitted to ${operators.length} operators of ${byModel.size} networks`;
  add(
    'device1.launch',
    fitted(1000 * dispatchMs, 'us', {}, `${gpuSource}: what they take beyond their operators, for each operator`),
  );
  compare('network on the GPU, constants', 'every', onGpu, gpu);
  for (const { model, measuredMs, predictedMs } of heldOut) {
    const quantity = 'network on the GPU, left out';
    residuals.push(residual({ profile, mode: 'every', precision, quantity, model }, measuredMs, predictedMs));
  }

  const bandwidth = file.devices[0].bandwidth[0]!.value;
  const msPerByte = 1 / parseQuantity(bandwidth, 'bytesPerMs', `profile ${profile}: device0.bandwidth`);
  for (const mode of file.axes.mode) {
    const onCores = networks.filter(({ processor, model }) => processor === mode && workOfModel.has(model));
    const grouped = ({ model }: (typeof networks)[number]) =>
      byModel.get(model)!.some(({ operation }) => operation === 'CONV_2D_GROUP');
    const plain = onCores.filter((network) => !grouped(network));
    const costs = fitCosts(samplesOf(plain), msPerByte);
    const source = `${data}, ${mode} cores, fp32: least squares on ${plain.length} whole networks without grouped convolutions`;
    rates(0, costs, { mode }, source);
    add('device0.launch', fitted(1000 * costs.operators, 'us', { mode }, `${source}; of one operator`));
    compare('network on the CPU', mode, plain, costs);
    compare('network on the CPU, grouped convolutions', mode, onCores.filter(grouped), costs);
  }
  const predictors = [
    { device: 1 as const, classes: [...phoneUnitClasses], source: treeSource, kind: 'fitted' as const, predictor },
  ];
  return { numbers, predictors, residuals };
}
